"""Whole answers as values: compact JSON, and what was stored as it was given."""

import pytest

from authsvc.domain.once import Answer
from authsvc.errors import Locked
from authsvc.web.replies import StoredRefusal, json_reply, stored_reply


def test_json_goes_out_compact_and_in_utf_8() -> None:
    assert json_reply({"name": "友谊", "n": [1, 2]}).body == '{"name":"友谊","n":[1,2]}'.encode()
    assert json_reply({}, 201).status == 201


@pytest.mark.parametrize(("created", "status"), [(True, 201), (False, 200)])
def test_a_stored_answer_says_whether_it_made_something(created: bool, status: int) -> None:
    reply = stored_reply(Answer.of({"id": "dec_1"}, created=created), created=201)
    assert (reply.status, reply.headers) == (status, ())


def test_a_stored_refusal_is_raised_as_it_was() -> None:
    with pytest.raises(StoredRefusal) as refused:
        stored_reply(Answer.refusal(Locked("wait")), created=201)
    assert (refused.value.problem["slug"], refused.value.replayed) == ("locked", False)
