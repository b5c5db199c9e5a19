"""Habits are always equally many bytes, come back as they were written, and nothing else is taken for them."""

from itertools import pairwise
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


def test_a_digest_is_found_in_its_own_place_and_nowhere_else() -> None:
    habits = learned(life(Random(5), 60, 30))
    lying = Packed(packed(habits))
    for what in ("payees", "devices", "channels", "places"):
        keys = [key for key in getattr(habits, what).keys if any(key)]
        assert keys
        assert all(lying.knows(what, key) and habits.knows(what, key) for key in keys)
        # What lies across two digests is neither of them.
        astride = [(one + other)[1 : 1 + len(one)] for one, other in pairwise(keys)]
        assert not any(lying.knows(what, key) for key in set(astride) - set(keys))
        assert lying.weights_of(what) == habits.weights_of(what)
    payee = habits.payees.keys[0]
    assert not any(lying.knows(what, payee) for what in ("devices", "channels", "places"))


@pytest.mark.parametrize("data", [b"", packed(NONE)[:-1], packed(NONE) + b"\0", b"\2" + packed(NONE)[1:]])
def test_what_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(Tampered):
        Packed(data)
    with pytest.raises(Tampered):
        unpacked(data)
