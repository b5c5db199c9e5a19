"""Failures make the next try wait, longer each time and never for ever."""

from datetime import UTC, datetime, timedelta

import pytest

from authsvc.domain.attempts import Counter
from authsvc.keys.keyring import KeyRing
from authsvc.operators.slowing import (
    FIRST_PAUSE,
    FORGIVEN_AFTER,
    FREE_TRIES,
    LONGEST_PAUSE,
    charged,
    mark_of_known_browser,
    source_of,
)

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def after(failures: int) -> Counter:
    counter = Counter()
    for _ in range(failures):
        counter = charged(counter, NOON)
    return counter


def test_pauses_begin_after_the_free_tries_double_and_end_at_the_longest() -> None:
    assert after(FREE_TRIES - 1).locked_until is None
    pauses = [after(FREE_TRIES + more).locked_until for more in range(3)]
    assert pauses == [NOON + FIRST_PAUSE, NOON + 2 * FIRST_PAUSE, NOON + 4 * FIRST_PAUSE]
    assert after(200).locked_until == NOON + LONGEST_PAUSE


def test_a_day_without_a_failure_forgives() -> None:
    locked = after(FREE_TRIES + 3)
    assert locked.locked_until is not None
    later = locked.locked_until + FORGIVEN_AFTER + timedelta(seconds=1)
    assert charged(locked, later) == Counter(1, None)


def test_a_browser_that_signed_in_before_is_a_source_of_its_own() -> None:
    ring = KeyRing.create()
    mark = mark_of_known_browser(ring)
    assert source_of(ring, mark, "203.0.113.7").startswith("known:")
    for forged in (
        "",
        "nonce.00",
        mark[:-1] + ("0" if mark[-1] != "0" else "1"),
        mark_of_known_browser(KeyRing.create()),
    ):
        assert source_of(ring, forged, "203.0.113.7") == "network:203.0.113.7/32"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8:0:0:ffff::2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("203.0.113.7", "203.0.113.8", False),
        ("no address", "", True),
    ],
)
def test_a_subscriber_is_one_source(one: str, other: str, same: bool) -> None:
    ring = KeyRing.create()
    assert (source_of(ring, "", one) == source_of(ring, "", other)) is same
