"""The label of a backup: whose it is, whether it was changed, and which of several is the newest."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from authsvc.bootstrap.backup.label import (
    NAME,
    Label,
    labelled,
    must_be_ours,
    newest_label,
    read_label,
    write_label,
)
from authsvc.errors import ConfigurationError, Tampered
from authsvc.keys.keyring import KeyRing
from tests.domain.test_decision import NOON

RING = KeyRing.create()


def label(**changes: Any) -> Label:
    stated = {
        "name": "night",
        "taken_at": NOON,
        "kind": "sqlite",
        "file": "authsvc.db",
        "size": 10,
        "sha256": "0" * 64,
        "schema_revision": "0011",
        "program": "1.0",
        "heads": (("main", 7, "ab"),),
        "event": 3,
    }
    return labelled(RING, **(stated | changes))


def test_a_label_comes_back_as_it_was_written(tmp_path: Path) -> None:
    write_label(tmp_path, label())
    assert read_label(tmp_path) == label()
    must_be_ours(read_label(tmp_path), RING)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "day"),
        ("taken_at", "2026-11-24T12:00:00Z"),
        ("kind", "postgresql"),
        ("file", "other.db"),
        ("size", 11),
        ("sha256", "1" * 64),
        ("schema_revision", "0012"),
        ("program", "2.0"),
        ("heads", [["main", 6, "ab"]]),
        ("event", 4),
    ],
)
def test_a_label_that_was_changed_in_anything_is_not_ours(field: str, value: object, tmp_path: Path) -> None:
    write_label(tmp_path, label())
    file = tmp_path / NAME
    file.write_text(json.dumps(json.loads(file.read_text()) | {field: value}))
    with pytest.raises(Tampered, match="not as it was written"):
        must_be_ours(read_label(tmp_path), RING)


def test_the_label_of_another_ring_is_named_so() -> None:
    with pytest.raises(Tampered, match="not in this key ring"):
        must_be_ours(label(), KeyRing.create())


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format": 2}'])
def test_what_is_no_label_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(content)
    with pytest.raises(ConfigurationError, match="is not the label of a backup"):
        read_label(tmp_path)


def test_a_folder_without_one_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is no backup"):
        read_label(tmp_path)


def test_the_newest_is_found_by_its_moment_and_what_is_none_is_passed_over(tmp_path: Path) -> None:
    assert newest_label(tmp_path) is None
    for name, age in (("b", 1), ("a", 0), ("c", 2)):
        (tmp_path / name).mkdir()
        write_label(tmp_path / name, label(name=name, taken_at=NOON - timedelta(days=age)))
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / NAME).write_text("{")
    found = newest_label(tmp_path)
    assert found is not None
    assert found.name == "a"
