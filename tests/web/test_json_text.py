"""JSON text that is refused before it is parsed: too deep, not quite JSON."""

import time

import pytest

from authsvc.errors import InvalidRequest
from authsvc.web import json_text


def test_brackets_inside_strings_are_not_depth():
    json_text.must_be_plain_json(b'{"a": "' + b"[" * 100 + b'\\"' + b"{" * 100 + b'"}')


def test_sixteen_levels_are_not_too_deep():
    json_text.must_be_plain_json(b"[" * 16 + b"]" * 16 + b" ")


@pytest.mark.parametrize(
    "raw",
    [b'"' + b'\\"' * 30_000, b'"' * 60_000, b"[" * 30_000 + b'"' * 30_000, b"{" * 60_000],
    ids=["escaped", "quotes", "both", "deep"],
)
def test_hostile_text_is_refused_in_linear_time(raw: bytes):
    began = time.process_time()
    with pytest.raises(InvalidRequest):
        json_text.must_be_plain_json(raw)
    assert time.process_time() - began < 0.5
