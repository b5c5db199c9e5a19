"""What one audit line counts as on the console's first page."""

import pytest

from authsvc.operators.counting import Body, counted, names_of


def line(action: str, result: str = "failed", **details: object) -> Body:
    return {"action": action, "result": result, "details": details}


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (
            line("decision.decide", "challenge_required", level="face"),
            ["decision:challenge_required:face", "signal:asked"],
        ),
        (
            line("decision.decide", "approved", level="none", signals=["payee_new", "burst"]),
            ["decision:approved:none", "signal:asked", "signal:payee_new", "signal:burst"],
        ),
        (line("decision.decline", "declined_by_user"), ["challenge:declined_by_user"]),
        (line("decision.complete", "refused", admitted=False), ["challenge:refused", "locked:refused"]),
        (line("decision.complete", "authenticated", seconds=7), ["challenge:authenticated", "time:8"]),
        (line("decision.complete", "authenticated", seconds=900), ["challenge:authenticated", "time:300"]),
        (line("decision.complete", "refused", seconds=7), ["challenge:refused"]),
        (line("decision.warn", "shown", warning={"kind": "refund"}), ["warning:refund:shown"]),
        (
            line(
                "decision.answer-warning", "acknowledged", warning={"kind": "refund", "state": "acknowledged"}
            ),
            ["warning:refund:acknowledged"],
        ),
        (
            line("decision.decline", "declined_by_user", warning={"kind": "refund", "state": "stopped"}),
            ["warning:refund:stopped", "challenge:declined_by_user"],
        ),
        (
            line(
                "decision.expire",
                "expired",
                warning={"kind": "refund", "state": "unanswered", "shown_at": "x"},
            ),
            ["warning:refund:left", "challenge:expired"],
        ),
        (
            line(
                "decision.expire",
                "expired",
                warning={"kind": "refund", "state": "unanswered", "shown_at": None},
            ),
            ["warning:refund:unseen", "challenge:expired"],
        ),
        (
            line("decision.expire", "expired", warning={"kind": "refund", "state": "acknowledged"}),
            ["challenge:expired"],
        ),
        (line("operator.sign-in", "refused"), ["operator:refused"]),
        (line("operator.sign-in", "signed-in"), []),
        (line("user.freeze", "frozen"), []),
    ],
)
def test_a_line_counts_as_what_it_says(body: Body, names: list[str]) -> None:
    assert list(names_of(body)) == names


@pytest.mark.parametrize(
    ("proof", "outcome"),
    [
        ({"factor": "face", "passed": True}, "factor:face:passed"),
        ({"factor": "face", "passed": False, "liveness": "ATTACK"}, "factor:face:attack"),
        ({"factor": "face", "passed": False, "liveness": "UNDECIDED"}, "factor:face:undecided"),
        ({"factor": "otp", "passed": False}, "factor:otp:failed"),
        ({"factor": "otp", "passed": "true"}, "factor:otp:failed"),
    ],
)
def test_every_factor_that_was_judged_counts(proof: Body, outcome: str) -> None:
    assert outcome in counted([line("decision.complete", "failed", results=[proof])])


def test_scores_count_by_model_only_where_they_passed_and_are_scores() -> None:
    def scores(**proof: object) -> list[str]:
        body = line(
            "decision.complete", results=[{"factor": "face", "model": "sha256:0123456789abcdef", **proof}]
        )
        return [name for name in names_of(body) if name.startswith("score:")]

    (name,) = scores(passed=True, score=0.5)
    assert name.startswith("score:face:0123456789ab:")
    assert scores(passed=False, score=0.5) == scores(passed=True, score=2) == scores(passed=True) == []
