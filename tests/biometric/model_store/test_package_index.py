"""Where pip or the registry is missing, nothing is installed, and what to do instead is said."""

from __future__ import annotations

import pytest

from authsvc.biometric.model_store.prepare import prepare
from authsvc.errors import ModelUnusable
from tests.biometric.model_store.shelf import Shelf


def test_an_unreachable_package_says_how_to_go_on_offline(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(ModelUnusable, match=r"--from-archive FILE"):
        prepare([shelf.manifest()], shelf.models)
    assert list(shelf.models.iterdir()) == []


def test_without_pip_the_answer_names_the_extra(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelUnusable, match="uv sync --extra prepare"):
        prepare([shelf.manifest()], shelf.models)
