"""A request to unfreeze takes another person, within a day."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from authsvc.errors import ChallengeClosed, NotPermitted
from authsvc.operators.unfreezing import REQUEST_LIFE, RequestState, UnfreezeRequest
from authsvc.subject import Subject

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
REQUEST = UnfreezeRequest("u1", Subject("shop", "ann"), "she called", "op_1", NOON, NOON + REQUEST_LIFE)


def test_another_person_answers_an_open_request() -> None:
    assert REQUEST.must_be_open(NOON).must_be_anothers("op_2") is REQUEST
    with pytest.raises(NotPermitted):
        REQUEST.must_be_anothers("op_1")


@pytest.mark.parametrize("state", [each for each in RequestState if each is not RequestState.OPEN])
def test_what_was_answered_is_closed(state: RequestState) -> None:
    with pytest.raises(ChallengeClosed):
        replace(REQUEST, state=state).must_be_open(NOON)


def test_a_day_later_it_is_closed() -> None:
    with pytest.raises(ChallengeClosed):
        REQUEST.must_be_open(NOON + REQUEST_LIFE)
