"""Levels have one order, and sets of factors one spelling."""

from itertools import permutations

from authsvc.factor import Factor
from authsvc.policy.level import Level, factor_set


def test_levels_run_from_nothing_to_refusal() -> None:
    order = [Level.NONE, Level.OTP, Level.FACE, Level.FACE_FINGERPRINT, Level.DENY]
    assert sorted(Level, key=lambda level: level.rank) == order
    assert [level.asks for level in order] == [False, True, True, True, False]


def test_the_code_comes_last_in_whatever_order_a_set_is_stated() -> None:
    spelled = {factor_set(each) for each in permutations([Factor.OTP, Factor.DEVICE_UV, Factor.FACE])}
    assert spelled == {(Factor.FACE, Factor.DEVICE_UV, Factor.OTP)}
