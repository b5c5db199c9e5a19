"""What a backtest counts: moves, flips and fraud, in bounded room, and the same after a pause."""

import json

from authsvc.policy.engine import Policy
from authsvc.policy.level import Level
from authsvc.policy.recorded import Recorded
from authsvc.policy.tally import MOST_REASONS, SAMPLES, STRICTER, WEAKER, Tally, report
from tests.policy.builders import payment, policy

MILD, STRICT = policy(), policy({"id": "all", "level": "face", "risk_at_least": 0})


def counted(times: int, before: Policy = MILD, after: Policy = STRICT, ending: str | None = None) -> Tally:
    tally = Tally()
    for number in range(times):
        tally.read += 1
        decision = Recorded(f"dec_{number}", "sha256:0", Level.NONE, payment(), ending=ending)  # type: ignore[arg-type]
        tally.count(decision, before.evaluate(decision.inputs), after.evaluate(decision.inputs), 2_500)
    return tally


def test_every_flip_counts_and_a_few_are_kept() -> None:
    tally = counted(3 * SAMPLES)
    assert tally.moves == {"none > face": 3 * SAMPLES}
    assert tally.flips == {STRICTER: 3 * SAMPLES}
    assert len(tally.samples[STRICTER]) == SAMPLES
    assert counted(1, STRICT, MILD).flips == {WEAKER: 1}
    assert not counted(5, MILD, MILD).flips


def test_fraud_is_caught_by_whatever_asks() -> None:
    found = report(counted(4, ending="fraud"))["fraud"]
    assert found == {
        "labelled": 4,
        "before": {"caught": 0, "missed": 4},
        "after": {"caught": 4, "missed": 0},
    }


def test_a_rate_of_nothing_is_none() -> None:
    assert report(Tally())["challenge_rate"] == {"before": None, "after": None}


def test_reasons_to_skip_are_bounded() -> None:
    tally = Tally()
    for number in range(2 * MOST_REASONS):
        tally.skip(f"reason {number}")
    assert len(tally.skipped) == MOST_REASONS + 1
    assert tally.skipped["other reasons"] == MOST_REASONS


def test_a_tally_goes_on_after_it_was_stored() -> None:
    tally = counted(30)
    tally.skip("unreadable")
    again = Tally.from_json(json.loads(json.dumps(tally.to_json())))
    assert report(again) == report(tally)
    again.skip("unreadable")
    assert again.skipped == {"unreadable": 2}
