"""Counting failures: five in a row, three of a biometric, fifty in a month."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authsvc.clock import SystemClock
from authsvc.domain.attempts import ANY, CONSECUTIVE_LIMIT, HARD_STOP, LOCK_TIME, Attempts
from authsvc.factor import Factor

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
OTP = (Factor.OTP,)
FACE = (Factor.FACE,)


def failed(times: int, factors: tuple[Factor, ...] = OTP, attempts: Attempts | None = None) -> Attempts:
    attempts = attempts or Attempts()
    for _ in range(times):
        attempts = attempts.charge(factors, NOON)
    return attempts


def test_the_fifth_failure_in_a_row_blocks_everything_for_half_an_hour():
    assert failed(4).admits(FACE, NOON)
    blocked = failed(5)
    assert not blocked.admits(FACE, NOON)
    assert not blocked.admits(OTP, NOON + LOCK_TIME - timedelta(seconds=1))
    assert blocked.admits(OTP, NOON + LOCK_TIME)


def test_the_third_failure_of_a_biometric_closes_that_factor_and_no_other():
    attempts = failed(3, FACE)
    assert not attempts.admits(FACE, NOON)
    assert attempts.admits(OTP, NOON)


def test_failures_of_different_factors_add_up():
    attempts = failed(2, OTP, failed(3, FACE))
    assert attempts.is_blocked(NOON)


def test_a_success_hands_back_its_own_charge_and_ends_the_row():
    attempts = failed(4)
    attempts = attempts.charge(OTP, NOON).hand_back(OTP, NOON)
    assert attempts.admits(OTP, NOON)
    assert attempts.counters[ANY].consecutive == 0
    assert len(attempts.counters[ANY].recent) == 4


def test_a_success_on_the_fifth_try_does_not_leave_the_lock_behind():
    attempts = failed(5).hand_back(OTP, NOON)
    assert attempts.admits(OTP, NOON)


def test_after_a_lock_a_full_round_is_admitted():
    later = NOON + LOCK_TIME
    attempts = failed(5).charge(OTP, later)
    assert attempts.admits(OTP, later)


def test_fifty_failures_within_thirty_days_stop_everything_whatever_succeeds_between():
    attempts, now = Attempts(), NOON
    for _ in range(HARD_STOP - 1):
        attempts = attempts.charge(OTP, now).charge(OTP, now).hand_back(OTP, now)
        now += timedelta(minutes=40)
    assert attempts.admits(OTP, now)
    attempts = attempts.charge(OTP, now)
    assert not attempts.admits(OTP, now + timedelta(days=20))


def test_old_failures_leave_the_month():
    attempts = failed(4)
    later = NOON + timedelta(days=30)
    assert len(attempts.charge(OTP, later).counters[ANY].recent) == 1


def test_ten_thousand_successes_count_as_nothing_and_then_five_failures_lock():
    clock, attempts = SystemClock(), Attempts()
    for _ in range(10_000):
        now = clock.now()
        attempts = attempts.charge(OTP, now).hand_back(OTP, now)
    assert all((each.consecutive, each.recent) == (0, ()) for each in attempts.counters.values())
    for left in range(5, 0, -1):
        assert attempts.admits(OTP, clock.now()), left
        attempts = attempts.charge(OTP, clock.now())
    assert attempts.is_blocked(clock.now())


SECOND = timedelta(seconds=1)


def charged(*seconds: int) -> Attempts:
    attempts = Attempts()
    for second in seconds:
        attempts = attempts.charge(OTP, NOON + second * SECOND)
    return attempts


def test_a_success_that_was_charged_before_five_failures_does_not_undo_their_lock():
    attempts = charged(0, 1, 2, 3, 4, 5).hand_back(OTP, NOON)
    assert attempts.is_blocked(NOON + 5 * SECOND)


def test_a_success_takes_its_own_charge_out_of_a_lock_that_needed_it():
    attempts = charged(0, 1, 2, 3, 4).hand_back(OTP, NOON)
    assert not attempts.is_blocked(NOON + 5 * SECOND)
    assert attempts.counters[ANY].consecutive == 4
    assert attempts.charge(OTP, NOON + 6 * SECOND).is_blocked(NOON + 6 * SECOND)


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (2, 0, 4, 1, 3)])
def test_five_successes_at_once_leave_nothing_whichever_is_judged_first(order: tuple[int, ...]):
    attempts = charged(0, 1, 2, 3, 4)
    assert not attempts.admits(OTP, NOON + 4 * SECOND)
    for second in order:
        attempts = attempts.hand_back(OTP, NOON + second * SECOND)
    assert attempts.admits(OTP, NOON + 5 * SECOND)
    assert attempts.counters[ANY].recent == ()


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=40))
def test_no_order_of_attempts_admits_more_than_five_failures_in_a_row(tries: list[tuple[int, bool]]):
    """A row is what lies between two successes, in the order in which they were charged."""
    attempts, now, row = Attempts(), NOON, 0
    for wait, succeeds in tries:
        now += wait * SECOND
        if not attempts.admits(OTP, now):
            continue
        attempts = attempts.charge(OTP, now)
        row += 1
        assert row <= CONSECUTIVE_LIMIT
        if succeeds:
            attempts, row = attempts.hand_back(OTP, now), 0


def test_a_recovery_is_admitted_while_the_month_is_stopped_and_nothing_else_is():
    attempts, now = Attempts(), NOON
    for _ in range(HARD_STOP):
        attempts = attempts.charge((), now)
        now += timedelta(minutes=40)
    assert attempts.is_stopped(now)
    assert not attempts.admits((), now)
    assert attempts.admits_recovery(FACE, now)
