"""An instant is stored and shown to the same millisecond."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from authsvc.clock import SystemClock, from_millis, rfc3339, to_millis


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
