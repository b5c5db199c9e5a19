"""A warning as a value: shown once, answered once, read before it is gone past."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from authsvc.canonical import compact
from authsvc.domain.warned import PAUSE, TO_THE_QUESTION, Answer, Warned, WarningState
from authsvc.errors import ChallengeClosed, InvalidRequest, WarningUnanswered

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
STRICT = Warned("refund", strict=True, rule="r")
MILD = Warned("refund", strict=False, rule="r")


@pytest.mark.parametrize(
    "value",
    [
        STRICT,
        STRICT.shown("sha256:x", TO_THE_QUESTION, NOON),
        STRICT.shown("sha256:x", TO_THE_QUESTION, NOON).answered(Answer.ASKED, NOON),
        MILD.shown("sha256:x", (), NOON).answered(Answer.READ, NOON),
    ],
)
def test_it_is_stored_and_read_again(value: Warned):
    assert Warned.of(json.loads(compact(value.to_stored()))) == value
    assert Warned.of(None) is None


def test_looking_again_changes_nothing():
    first = STRICT.shown("sha256:x", TO_THE_QUESTION, NOON)
    assert first.shown("sha256:y", (), NOON + PAUSE) is first


def test_going_on_waits_and_stopping_does_not():
    shown = STRICT.shown("sha256:x", TO_THE_QUESTION, NOON)
    with pytest.raises(WarningUnanswered) as early:
        shown.answered(Answer.OWN_DECISION, NOON + timedelta(seconds=2))
    assert early.value.extra["retry_after"] == 3
    assert shown.answered(Answer.OWN_DECISION, NOON + PAUSE).state is WarningState.ACKNOWLEDGED
    assert shown.answered(Answer.UNSURE, NOON).state is WarningState.STOPPED


def test_each_answer_belongs_to_its_warning_and_counts_once():
    with pytest.raises(WarningUnanswered):
        MILD.answered(Answer.READ, NOON)
    shown = MILD.shown("sha256:x", (), NOON)
    with pytest.raises(InvalidRequest):
        shown.answered(Answer.OWN_DECISION, NOON)
    with pytest.raises(InvalidRequest):
        STRICT.shown("sha256:x", (), NOON).answered(Answer.READ, NOON + PAUSE)
    with pytest.raises(ChallengeClosed):
        shown.answered(Answer.READ, NOON).answered(Answer.READ, NOON)


@pytest.mark.parametrize("stopping", [Answer.ASKED, Answer.UNSURE])
def test_whoever_went_on_and_doubts_after_all_stops_it_still(stopping: Answer):
    stopped = MILD.shown("sha256:x", (), NOON).answered(Answer.READ, NOON).answered(stopping, NOON + PAUSE)
    assert (stopped.state, stopped.answered_at) == (WarningState.STOPPED, NOON + PAUSE)
    for after in Answer:
        with pytest.raises(ChallengeClosed):
            stopped.answered(after, NOON + PAUSE)
