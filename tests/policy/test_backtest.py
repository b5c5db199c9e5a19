"""A backtest repeats the past before it speaks of the future, counts what would change, and can be taken up again."""

import json
from typing import Any

import pytest

from authsvc.policy import loading
from authsvc.policy.backtest import Backtest
from authsvc.policy.inputs import Inputs
from authsvc.policy.recorded import Recorded, Unreadable, read
from tests.policy.builders import mapping, payment, policy

OTP_FROM_40 = {"id": "unusual", "level": "otp", "risk_at_least": 40}
OTP_FROM_60 = {"id": "unusual", "level": "otp", "risk_at_least": 60}
FACE_FROM_80 = {"id": "risky", "level": "face", "risk_at_least": 80}
PAST = policy(OTP_FROM_40)
CANDIDATE = policy(OTP_FROM_60, FACE_FROM_80, version=2)


def decided(inputs: Inputs, **changes: Any) -> Recorded:
    outcome = PAST.evaluate(inputs)
    stated: dict[str, Any] = {
        "id": "dec_1",
        "policy": PAST.digest,
        "level": outcome.level,
        "exemption": outcome.exemption,
        "fired": outcome.fired,
        **changes,
    }
    return Recorded(inputs=inputs, **stated)


def line(decision: Recorded) -> str:
    return json.dumps(
        {
            "id": decision.id,
            "policy": decision.policy,
            "level": decision.level.value,
            "exemption": decision.exemption,
            "fired": decision.fired,
            "status": decision.status,
            "factors": [factor.value for factor in decision.factors],
            "ending": decision.ending,
            "inputs": decision.inputs.to_snapshot(),
        }
    )


def run(*decisions: Recorded | Unreadable) -> dict[str, Any]:
    backtest = Backtest(CANDIDATE, [PAST])
    backtest.run(decisions)
    return backtest.report()


def test_a_recorded_decision_is_read_back_as_it_was() -> None:
    decision = decided(payment(risk_score=50), status="authenticated", ending="settled")

    assert read(line(decision)) == decision


@pytest.mark.parametrize("text", ["", "{", "[]", '{"id": "dec_1"}'])
def test_what_is_no_decision_is_skipped_with_its_reason(text: str) -> None:
    unreadable = read(text)

    assert isinstance(unreadable, Unreadable)
    report = run(unreadable, decided(payment()))
    assert (report["read"], report["eligible"]) == (2, 1)
    assert report["skipped"] == {f"unreadable {unreadable.reason}": 1}


def test_a_decision_of_an_unknown_policy_is_skipped() -> None:
    assert run(decided(payment(), policy="sha256:0"))["skipped"] == {
        "decided by a policy that is not at hand": 1
    }


def test_reasons_for_skipping_do_not_grow_without_bound() -> None:
    report = run(*(Unreadable(f"inputs.made_up_{number}: extra") for number in range(500)))

    assert len(report["skipped"]) == 51
    assert sum(report["skipped"].values()) == 500


@pytest.mark.parametrize("forged", [{"level": "face"}, {"exemption": "low_value"}, {"fired": ("other",)}])
def test_a_decision_that_is_not_reproduced_stops_everything_and_is_shown(forged: dict[str, Any]) -> None:
    backtest = Backtest(CANDIDATE, [PAST])
    lines = [
        line(decided(payment())),
        json.dumps({**json.loads(line(decided(payment(), id="dec_2"))), **forged}),
    ]

    mismatch = backtest.run(map(read, [*lines, lines[0]]))

    assert mismatch is not None
    assert mismatch.id == "dec_2"
    assert mismatch.recorded != mismatch.repeated
    assert backtest.tally.read == 1
    report: dict[str, Any] = backtest.report()
    assert report["mismatch"]["inputs"] == payment().to_snapshot()


def test_the_matrix_the_rates_and_the_money_at_stake() -> None:
    report = run(
        decided(payment(100, risk_score=5)),
        decided(payment(200, risk_score=50)),
        decided(payment(400, risk_score=70)),
        decided(payment(800, risk_score=90)),
        decided(payment(1_600, risk_score=90, currency="XTS")),
    )

    assert report["migrations"] == {"none": {"none": 1}, "otp": {"none": 1, "otp": 1, "face": 2}}
    assert report["challenge_rate"] == {"before": 0.8, "after": 0.6}
    assert (report["weaker"]["decisions"], report["weaker"]["amount_minor"]) == (1, 200)
    assert (report["stricter"]["decisions"], report["stricter"]["amount_minor"]) == (2, 800)
    assert report["stricter"]["not_convertible"] == 1
    assert [sample["move"] for sample in report["weaker"]["samples"]] == ["otp > none"]


def test_labelled_fraud_is_caught_or_missed() -> None:
    report = run(
        decided(payment(risk_score=50), ending="fraud"),
        decided(payment(risk_score=70), ending="fraud"),
        decided(payment(risk_score=50), ending="settled"),
        decided(payment(risk_score=50)),
    )

    assert report["fraud"] == {
        "labelled": 2,
        "before": {"caught": 2, "missed": 0},
        "after": {"caught": 1, "missed": 1},
    }
    assert report["settled"] == {"labelled": 1, "challenge_rate": {"before": 1.0, "after": 0.0}}


def test_expected_abandonment_comes_from_recorded_challenges() -> None:
    watched = [decided(payment(risk_score=70), status=status) for status in ("authenticated", "expired")]

    report = run(*watched, decided(payment(risk_score=50), status="declined_by_user"))

    assert report["abandonment"]["seen"] == {"otp": {"challenges": 3, "abandoned": 2, "rate": 2 / 3}}
    assert report["abandonment"]["expected"] == {"before": 2.0, "after": pytest.approx(4 / 3)}


def test_nothing_is_expected_of_a_level_that_nobody_was_watched_at() -> None:
    report = run(decided(payment(risk_score=90), status="authenticated"))

    assert report["abandonment"]["expected"] == {"before": 0.0, "after": None}


def test_samples_are_few_and_the_same_every_time() -> None:
    decisions = [decided(payment(risk_score=50), id=f"dec_{number}") for number in range(2_000)]

    samples = run(*decisions)["weaker"]["samples"]

    assert len(samples) == 20
    assert samples == run(*decisions)["weaker"]["samples"]
    assert max(int(sample["id"].removeprefix("dec_")) for sample in samples) > 1_000


def test_the_digest_in_the_record_is_that_of_the_document() -> None:
    assert loading.from_mapping(mapping(OTP_FROM_40)).digest == PAST.digest
