"""A month is counted from the audit's lines: what happened in it stands in it once, and what is not known is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from authsvc.operators.month import Month, month_of

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
ANN, BOB = {"client": "shop", "user": "<ann>"}, {"client": "shop", "user": "bob"}


def line(
    minute: float, action: str, result: str, about: str = "dec_1", whom: Any = ANN, **details: Any
) -> Any:
    at = (BEGAN + timedelta(minutes=minute)).isoformat()
    return {
        "at": at,
        "action": action,
        "result": result,
        "object": about,
        "subject": whom,
        "details": details,
    }


def failed(factor: str, **more: Any) -> Any:
    return {"results": [{"factor": factor, "passed": False, **more}]}


LINES = [
    line(0, "decision.decide", "challenge_required", level="face"),
    line(1, "decision.complete", "refused", admitted=True, **failed("face", liveness="ATTACK")),
    line(2, "decision.complete", "authenticated", proofs=[{"factor": "face", "passed": True}], seconds=3),
    line(3, "decision.outcome", "settled"),
    line(4, "decision.decide", "challenge_required", "dec_2", BOB, level="otp"),
    line(5, "decision.complete", "refused", "dec_2", BOB, admitted=False, **failed("otp")),
    line(6, "decision.complete", "authenticated", "dec_2", BOB, proofs=[{"factor": "otp", "passed": True}]),
    line(7, "decision.outcome", "fraud", "dec_2", BOB),
    line(14, "user.freeze", "frozen", "bob", BOB),
    line(8, "decision.decide", "exempted", "dec_3", level="none"),
    line(9, "decision.decide", "approved", "dec_4", level="none"),
    line(10, "decision.outcome", "fraud", "dec_4"),
    line(-1, "decision.decide", "denied", "dec_5"),
    line(30 * 24 * 60, "decision.decide", "denied", "dec_6"),
]  # fmt: skip


def told(lines: list[Any]) -> Any:
    month = Month(*month_of("2026-11"), exempted=lambda decision: ("low-value", "CNY", 2_500))
    for each in lines:
        month.take(each)
    return month.report()


@pytest.mark.parametrize("lines", [LINES, LINES[::-1]])
def test_what_happened_stands_in_its_month(lines: list[Any]) -> None:
    found = told(lines)
    assert found["decisions"] == {
        "approved:none": 1, "challenge_required:face": 1, "challenge_required:otp": 1, "exempted:none": 1,
    }  # fmt: skip
    assert found["liveness_rejects"] == {"face:attack": 1}
    assert found["lock_outs"] == 1
    assert found["outcomes"] == {"fraud": 2, "settled": 1}
    # Whoever passed after a refusal and turned out to be a fraud was rightly refused.
    assert found["false_rejects"] == {"challenges": 1, "of_authenticated": 1}
    assert found["fraud"] == {"labelled": 2, "of_them_authenticated": 1}
    assert found["time_to_freeze"] == {
        "frauds": 2,
        "frozen": 1,
        "seconds": {"median": 600.0, "longest": 600.0},
    }
    assert found["exemptions"] == {"low-value": {"payments": 1, "amount_minor": {"CNY": 2_500}}}
    assert found["account_acts"] == {"freeze": 1}


def test_a_freeze_of_the_next_month_is_the_end_of_a_fraud_of_this_one() -> None:
    late = [each for each in LINES if each["action"] != "user.freeze"]
    late.append(line(60 * 24 * 30, "user.freeze", "frozen", "bob", BOB))
    found = told(late)
    assert found["time_to_freeze"]["frozen"] == 1
    assert found["account_acts"] == {}


def test_a_december_ends_with_its_year() -> None:
    assert month_of("2026-12")[1] == datetime(2027, 1, 1, tzinfo=UTC)
