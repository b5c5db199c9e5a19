"""An instant is stored and shown to the same millisecond."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from authsvc.clock import SteadyClock, SystemClock, from_millis, rfc3339, to_millis


@pytest.mark.parametrize("microsecond", [0, 1, 499, 500, 999, 1000, 663_500, 663_999, 999_999])
def test_what_is_stored_is_shown_as_before(microsecond):
    at = datetime(2026, 11, 27, 23, 16, 46, microsecond, tzinfo=UTC)
    assert rfc3339(from_millis(to_millis(at))) == rfc3339(at)


def test_a_stored_instant_comes_back_as_it_was_stored():
    for millis in (0, 1, 1_795_821_406_663, 253_402_300_799_999):
        assert to_millis(from_millis(millis)) == millis


def test_another_time_zone_is_the_same_instant():
    at = datetime(2026, 11, 28, 7, 16, tzinfo=timezone(timedelta(hours=8)))
    assert to_millis(at) == to_millis(at.astimezone(UTC))


def test_the_real_clock_shows_no_more_than_a_store_keeps():
    for _ in range(100):
        now = SystemClock().now()
        assert from_millis(to_millis(now)) == now


class Hands:
    """The two clocks of a machine, in seconds, moved by hand."""

    def __init__(self, wall: float) -> None:
        self.wall, self.uptime = wall, 100.0

    def clock(self) -> SteadyClock:
        return SteadyClock(lambda: round(self.wall * 1e9), lambda: round(self.uptime * 1e9))

    def pass_(self, seconds: float) -> None:
        self.wall += seconds
        self.uptime += seconds


NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize("step", [5.5, 3600, 10**8, -5.5, -3600, -(10**8)])
def test_a_jump_is_not_followed(step: float):
    hands = Hands(NOON.timestamp())
    clock = hands.clock()
    hands.pass_(60)
    hands.wall += step
    hands.pass_(60)
    assert clock.now() == NOON + timedelta(minutes=2)
    assert clock.jumped() == timedelta(seconds=step)
    hands.wall -= step
    assert clock.now() == NOON + timedelta(minutes=2)
    assert clock.jumped() == timedelta()


@pytest.mark.parametrize("step", [0.3, 4.9, -4.9])
def test_a_clock_that_is_set_right_is_followed(step: float):
    hands = Hands(NOON.timestamp())
    clock = hands.clock()
    hands.wall += step
    assert clock.now() == NOON + timedelta(seconds=step)
    assert clock.jumped() == timedelta()


def test_many_small_steps_are_a_jump():
    hands = Hands(NOON.timestamp())
    clock = hands.clock()
    for _ in range(100):
        hands.wall += 1
    assert clock.now() == NOON
    assert clock.jumped() == timedelta(seconds=100)


def test_the_steady_clock_goes_with_the_machines():
    assert abs(SteadyClock().now() - SystemClock().now()) < timedelta(seconds=5)
    assert SteadyClock().jumped() == timedelta()
