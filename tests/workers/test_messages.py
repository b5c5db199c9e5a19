"""Errors cross the socket as what they are."""

import json
from dataclasses import replace

import pytest

from authsvc import errors
from authsvc.errors import AuthsvcError, RateLimited, Unavailable
from authsvc.http import Trace
from authsvc.workers.messages import Job, answered, failed, outcome
from authsvc.workers.protocol import BrokenFrame, Message

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, AuthsvcError)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_is_raised_again_as_its_own_class(kind: type[AuthsvcError]):
    with pytest.raises(AuthsvcError) as raised:
        outcome(failed(kind("what happened", retry_after=3)))
    assert type(raised.value) is kind
    assert raised.value.detail == "what happened"
    assert raised.value.extra == {"retry_after": 3}


def test_a_rooms_own_error_crosses_as_the_nearest_known_class():
    class TooManyFaces(RateLimited):
        pass

    with pytest.raises(RateLimited):
        outcome(failed(TooManyFaces("no")))


def test_what_json_cannot_carry_stays_behind():
    message = failed(Unavailable("no", secret=b"bytes", score=float("nan"), retry_after=1))
    assert json.loads(json.dumps(message.header))["extra"] == {"retry_after": 1}


def test_an_answer_is_an_answer():
    assert outcome(answered(({"a": 1}, [b"x"]))) == ({"a": 1}, (b"x",))


@pytest.mark.parametrize(
    "header",
    [{}, {"header": []}, {"error": "SystemExit", "detail": "x", "extra": {}}, {"error": "Locked", "detail": 1, "extra": {}}],
)  # fmt: skip
def test_neither_an_answer_nor_an_error_is_broken(header: dict[str, object]):
    with pytest.raises(BrokenFrame):
        outcome(Message(header))


def test_a_job_crosses_whole():
    job = Job("face.verify", 12.5, {"a": 1}, (b"x",))
    assert Job.of(job.message()) == job
    on_behalf = replace(job, client="shop", account="ann", trace=Trace("req_1", "a" * 32, "01"))
    carried = json.loads(json.dumps(on_behalf.message().header))
    assert Job.of(Message(carried, (b"x",))) == on_behalf


NO_JOBS: tuple[dict[str, object], ...] = (
    {},
    {"op": 1, "expires": 1.0, "header": {}},
    {"op": "x", "expires": "soon", "header": {}},
    {"op": "x", "expires": 1.0},
    {"op": "x", "expires": 1.0, "header": {}, "trace": "req_1"},
    {"op": "x", "expires": 1.0, "header": {}, "trace": ["req_1", "a"]},
    {"op": "x", "expires": 1.0, "header": {}, "trace": ["req_1", "a", "00", 1]},
)


@pytest.mark.parametrize("header", NO_JOBS)
def test_what_is_not_a_job_is_broken(header: dict[str, object]):
    with pytest.raises(BrokenFrame):
        Job.of(Message(header))
