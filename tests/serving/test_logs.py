"""Log lines for machines: one object each, with the request that they belong to."""

import json
import logging
import sys

from authsvc.http import TRACE, Trace
from authsvc.serving.logs import JsonLines


def line(message: str, *words: object, exc_info: object = None) -> dict[str, object]:
    record = logging.LogRecord("authsvc.web", logging.WARNING, "f", 1, message, words, exc_info)  # type: ignore[arg-type]  # As logging takes it.
    read: dict[str, object] = json.loads(JsonLines().format(record))
    return read


def test_a_line_says_when_who_and_what():
    told = line("`%s` failed\n友谊", "x")
    assert (told["level"], told["logger"], told["message"]) == ("WARNING", "authsvc.web", "`x` failed\n友谊")
    assert str(told["at"]).endswith("Z")
    assert "request" not in told


def test_a_line_within_a_request_carries_its_id_and_trace():
    token = TRACE.set(Trace("req_1", "a" * 32))
    try:
        told = line("m")
    finally:
        TRACE.reset(token)
    assert (told["request"], told["trace"]) == ("req_1", "a" * 32)


def test_an_exception_is_part_of_its_line():
    try:
        raise ValueError("why")
    except ValueError:
        told = line("m", exc_info=sys.exc_info())
    assert "ValueError: why" in str(told["exception"])
