"""A weight file is put in its place whole, or not at all."""

import os
from pathlib import Path

import pytest

from authsvc.biometric.model_store.install import install_bytes
from authsvc.errors import ModelUnusable
from tests.biometric.model_store.shelf import CONTENT, Shelf


def test_what_the_manifest_names_is_installed_over_what_was_there(shelf: Shelf, tmp_path: Path) -> None:
    weight = shelf.manifest().weights[0]
    (tmp_path / weight.file).write_bytes(b"older")
    path = install_bytes(tmp_path, weight, CONTENT)
    assert path.read_bytes() == CONTENT
    assert path.stat().st_mode & 0o777 == 0o644


def test_other_bytes_leave_nothing_behind(shelf: Shelf, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    with pytest.raises(ModelUnusable, match="size and SHA-256"):
        install_bytes(folder, shelf.manifest().weights[0], CONTENT + b"!")
    assert list(folder.iterdir()) == []


def test_a_disk_that_fails_leaves_the_earlier_file_alone(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weight, folder = shelf.manifest().weights[0], tmp_path / "models"
    folder.mkdir()
    (folder / weight.file).write_bytes(b"older")

    def full(_: int) -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        install_bytes(folder, weight, CONTENT)
    assert [(each.name, each.read_bytes()) for each in folder.iterdir()] == [(weight.file, b"older")]
