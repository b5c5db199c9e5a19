"""Where processes count: each in a place of its own, with its room taken beforehand, and never at the cost of a start."""

import logging
import os
from pathlib import Path

import pytest

from authsvc.web.metrics_files import ROOM, CountingPlace, fresh_directory


def test_two_processes_count_in_two_places_and_a_free_one_is_taken_again(tmp_path: Path) -> None:
    one, other = CountingPlace.claim(tmp_path), CountingPlace.claim(tmp_path)
    assert one is not None
    assert other is not None
    assert (one.name, other.name) == ("1", "2")
    os.close(one.lock)
    third = CountingPlace.claim(tmp_path)
    assert third is not None
    assert third.name == "1"
    for place in (other, third):
        os.close(place.lock)


def test_room_is_taken_before_anybody_counts(tmp_path: Path) -> None:
    place = CountingPlace.claim(tmp_path)
    assert place is not None
    assert [(tmp_path / f"{kind}_1.db").stat().st_size for kind in ("counter", "histogram")] == [ROOM, ROOM]
    os.close(place.lock)


def test_where_nothing_can_be_had_a_process_counts_for_itself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    with caplog.at_level(logging.WARNING):
        assert CountingPlace.claim(tmp_path / "file") is None
    assert "counts for itself alone" in caplog.text


def test_a_directory_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "counts").mkdir()
    (tmp_path / "counts" / "old.db").write_text("")
    assert list(fresh_directory(tmp_path / "counts").iterdir()) == []
