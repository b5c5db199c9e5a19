"""What was taken away stands in a file that names nobody, survives a power cut, and is found again by its owner."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest

from authsvc.audit.taken_away import NAME, TAGS, TakenAway
from authsvc.errors import ConfigurationError, Unavailable
from authsvc.events import TAGS as EVERY_TAG
from authsvc.events import Event
from authsvc.keys.keyring import KeyRing
from authsvc.subject import Subject
from tests.domain.test_decision import NOON

ALICE, BOB = Subject("shop", "alice"), Subject("shop", "bob")
RING = KeyRing.create()
LATER = NOON + timedelta(seconds=5)


def erased(owner: Subject, tag: str = "subject:erased", at=NOON) -> Event:
    return Event(tag, owner, at)


def test_each_owner_finds_what_was_taken_from_them_and_from_nobody_else(tmp_path: Path) -> None:
    taken = TakenAway(tmp_path, RING)
    taken.note([erased(ALICE), erased(BOB, "subject:face:withdrawn", LATER)])
    find = taken.finder(taken.since(NOON))
    assert [(each.at, each.tag) for each in find(ALICE)] == [(NOON, "subject:erased")]
    assert [each.tag for each in find(BOB)] == ["subject:face:withdrawn"]
    assert find(Subject("other", "alice")) == ()
    assert [each.tag for each in taken.since(LATER)] == ["subject:face:withdrawn"]


def test_the_file_names_nobody_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    TakenAway(tmp_path, RING).note([erased(ALICE)])
    file = tmp_path / NAME
    assert b"alice" not in file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("tag", sorted(EVERY_TAG.keys() - TAGS))
def test_of_other_events_no_line_is_kept(tag: str, tmp_path: Path) -> None:
    TakenAway(tmp_path, RING).note([erased(ALICE, tag)])
    assert not (tmp_path / NAME).exists()


def test_a_line_that_a_power_cut_left_half_is_passed_over(tmp_path: Path) -> None:
    taken = TakenAway(tmp_path, RING)
    taken.note([erased(ALICE)])
    with (tmp_path / NAME).open("ab") as file:
        file.write(b"17645")
    assert len(taken.since(NOON)) == 1


@pytest.mark.parametrize("line", [b"nonsense\n", b"x subject:erased ab\n", b"1 subject:enrolled ab\n"])
def test_a_file_that_holds_anything_else_is_refused(line: bytes, tmp_path: Path) -> None:
    taken = TakenAway(tmp_path, RING)
    taken.note([erased(ALICE)])
    with (tmp_path / NAME).open("ab") as file:
        file.write(line)
    with pytest.raises(ConfigurationError, match="does not hold what was taken away"):
        taken.since(NOON)


def test_the_files_of_other_hosts_are_read_with_it_and_a_line_counts_once(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    TakenAway(here, RING).note([erased(ALICE)])
    TakenAway(there, RING).note([erased(ALICE), erased(BOB, at=LATER)])
    lines = TakenAway(here, RING).since(NOON, [there / NAME])
    assert [each.at for each in lines] == [NOON, LATER]


def test_what_cannot_be_noted_is_not_done(tmp_path: Path) -> None:
    (tmp_path / NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unavailable, match="cannot be written"):
        TakenAway(tmp_path, RING).note([erased(ALICE)])
