"""Habits are always equally many bytes, come back as they were written, and nothing else is taken for them."""

from random import Random

import pytest

from authsvc.errors import Tampered
from authsvc.habit.form import SIZE, Packed, packed, unpacked
from authsvc.habit.habits import NONE
from tests.habit.lives import learned, life

SEALED = 1 + 12 + 16
"""What sealing adds: version, nonce, tag."""


def test_they_take_six_hundred_bytes_at_most() -> None:
    chance = Random(3)
    assert SIZE + SEALED <= 600
    assert {
        len(packed(habits)) for habits in (NONE, learned(life(chance, 3)), learned(life(chance, 300, 40)))
    } == {SIZE}


def test_they_come_back_as_they_were_written() -> None:
    chance = Random(4)
    for _ in range(20):
        data = packed(learned(life(chance, 60, 30)))
        assert packed(unpacked(data)) == data
        whole, lying = unpacked(data), Packed(data)
        for name in (
            "landmark",
            "last",
            "hours",
            "weekdays",
            "gaps",
            "bursts",
            "payees",
            "devices",
            "channels",
            "places",
        ):
            assert getattr(lying, name) == getattr(whole, name)


@pytest.mark.parametrize("data", [b"", packed(NONE)[:-1], packed(NONE) + b"\0", b"\2" + packed(NONE)[1:]])
def test_what_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(Tampered):
        Packed(data)
    with pytest.raises(Tampered):
        unpacked(data)
