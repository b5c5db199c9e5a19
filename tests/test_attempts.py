"""Counting failures: five in a row, three of a biometric, fifty in a month."""

from datetime import UTC, datetime, timedelta

from authsvc.attempts import ANY, HARD_STOP, LOCK_TIME, Attempts
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
