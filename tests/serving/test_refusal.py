"""What the server itself answers: a problem that is explained, after which the connection is closed."""

import json

import pytest

from authsvc.serving import refusal
from authsvc.serving.refusal import Refusal

ALL = [each for each in vars(refusal).values() if isinstance(each, Refusal)]


@pytest.mark.parametrize("said", ALL, ids=lambda each: each.detail)
def test_a_refusal_on_the_wire_is_a_whole_answer(said: Refusal) -> None:
    head, _, body = said.on_the_wire().partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.split(": ") for line in lines[1:])
    assert lines[0] == f"HTTP/1.1 {said.status.value} {said.status.phrase}"
    assert headers["content-length"] == str(len(body))
    assert headers["connection"] == "close"
    assert json.loads(body)["type"] == f"/v1/problems/{said.slug}"


@pytest.mark.parametrize("said", ALL, ids=lambda each: each.detail)
def test_whoever_may_come_again_is_told_when(said: Refusal) -> None:
    headers = dict(said.answer().headers)
    assert (b"retry-after" in headers) == (said.status.value == 503)
