"""What counts, what waits and what is owed, as factors come and go."""

from datetime import UTC, datetime, timedelta

from authsvc.domain.standing import KEYS, Standing
from authsvc.factor import Factor

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
COOLING = timedelta(days=1)
WITH_FACE = Standing().with_factor(Factor.FACE, NOON, NOON)


def test_a_factor_on_probation_waits_and_then_counts() -> None:
    later = NOON + COOLING
    standing = WITH_FACE.with_factor(Factor.OTP, later, NOON)
    assert standing.strong(NOON) == {Factor.FACE}
    assert standing.waiting(NOON) == {Factor.OTP}
    assert standing.strong(later) == {Factor.FACE, Factor.OTP}


def test_what_counted_is_owed_for_the_cooling_period_after_its_removal() -> None:
    gone = WITH_FACE.without(Factor.FACE, now=NOON)
    assert gone.strong(NOON) == frozenset()
    assert gone.owed(NOON, COOLING) == {Factor.FACE}
    assert gone.owed(NOON + COOLING, COOLING) == frozenset()


def test_what_only_waited_is_not_owed_once_it_is_gone() -> None:
    standing = Standing().with_factor(Factor.OTP, NOON + COOLING, NOON).without(Factor.OTP, now=NOON)
    assert standing.owed(NOON, COOLING) == frozenset()


def test_a_replacement_leaves_the_former_one_owed_until_it_counts() -> None:
    replaced = WITH_FACE.with_factor(Factor.FACE, NOON + COOLING, NOON)
    assert replaced.strong(NOON) == frozenset()
    assert replaced.owed(NOON, COOLING) == {Factor.FACE}


def test_keys_of_a_suspended_device_are_owed_until_it_comes_back() -> None:
    standing = Standing().with_keys([NOON], [], NOON)
    assert standing.strong(NOON) == set(KEYS)
    suspended = standing.with_keys([], [NOON], NOON)
    much_later = NOON + 1000 * COOLING
    assert suspended.owed(much_later, COOLING) == set(KEYS)
    assert suspended.provable(NOON, suspended=True) == set(KEYS)
    assert suspended.provable(NOON, suspended=False) == frozenset()
    assert suspended.with_keys([NOON], [], NOON).strong(NOON) == set(KEYS)
