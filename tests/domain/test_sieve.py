"""Which decisions a sieve takes: each of its holes by itself, and where time makes another status than the one stored."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from authsvc.domain.decision import Habit, Status
from authsvc.domain.sieve import Sieve
from authsvc.domain.warned import Warned
from tests.domain.test_decision import NOON, decision

EVERYTHING = Sieve(NOON - timedelta(hours=1), NOON + timedelta(hours=1))
FOUND = replace(
    decision(Status.APPROVED),
    device_id="dev_a",
    fired=("large",),
    proofs=({"factor": "otp", "passed": True},),
    warning=Warned("refund", strict=False, rule="large"),
    habit=Habit({"burst": {"payments": 9}}, ()),
)


def test_an_empty_sieve_takes_anything():
    assert EVERYTHING.takes(FOUND)


@pytest.mark.parametrize(
    ("hole", "right", "wrong"),
    [
        ("level", "face", "otp"),
        ("status", "approved", "denied"),
        ("fired", "large", "larg"),
        ("device_id", "dev_a", "dev_b"),
        ("client", "shop", "other"),
        ("user", "u_1", "u_2"),
        ("factor", "otp", "face"),
        ("warned", "refund", "investment"),
        ("signal", "burst", "dormant"),
        ("currency", "CNY", "JPY"),
        ("at_least", 100, 101),
        ("at_most", 100, 99),
    ],
)
def test_each_hole_takes_what_fits_and_nothing_else(hole: str, right: Any, wrong: Any):
    assert replace(EVERYTHING, **{hole: right}).takes(FOUND)
    assert not replace(EVERYTHING, **{hole: wrong}).takes(FOUND)


@pytest.mark.parametrize("status", list(Status))
def test_a_status_that_time_makes_is_not_looked_for_in_the_database(status: Status):
    by_time = {Status.EXPIRED, Status.CHALLENGE_REQUIRED}
    assert replace(EVERYTHING, status=status.value).stored_status == ("" if status in by_time else status)
