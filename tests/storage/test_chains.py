"""A process has a chain of its own, and a restart goes on with it."""

import os
from pathlib import Path

from authsvc.storage.chains import ChainSlot


def test_two_at_a_time_have_two_chains_and_a_restart_takes_a_free_one(tmp_path: Path) -> None:
    one, other = ChainSlot.claim(tmp_path), ChainSlot.claim(tmp_path)
    assert one.name != other.name
    one.release()
    again = ChainSlot.claim(tmp_path)
    assert again.name == one.name
    for slot in (other, again):
        slot.release()


def test_two_installations_never_share_a_name(tmp_path: Path) -> None:
    slots = [ChainSlot.claim(tmp_path / name) for name in ("a", "b")]
    assert slots[0].name != slots[1].name
    for slot in slots:
        slot.release()


def test_released_twice_it_closes_nobody_elses_file(tmp_path: Path) -> None:
    slot = ChainSlot.claim(tmp_path)
    slot.release()
    others = [os.open(tmp_path, os.O_RDONLY) for _ in range(50)]
    slot.release()
    for each in others:
        os.close(each)
