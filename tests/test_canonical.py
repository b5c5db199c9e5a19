"""One text for one JSON value, whichever of two writers wrote it."""

import json
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from authsvc import canonical as writers
from authsvc.canonical import canonical, compact
from authsvc.factor import Factor
from authsvc.payment import Payee

LARGEST = 2**53 - 1
NO_JSON = (b"bytes", object(), {1, 2})
UNKNOWN = Payee("p", "a dataclass")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-LARGEST, LARGEST)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(TEXT, children, max_size=4),
    max_leaves=20,
)


@settings(max_examples=500)
@given(st.dictionaries(TEXT, JSON, max_size=5))
@pytest.mark.long
def test_the_quick_writers_agree_with_the_standard(value: dict[str, Any]):  # Any: any JSON value.
    assert canonical(value).encode() == rfc8785.dumps(value)
    assert writers._slowly(value) == canonical(value)
    assert json.loads(compact(value)) == value


PLAIN = st.recursive(
    st.none() | st.integers(-LARGEST, LARGEST) | TEXT,
    lambda children: st.lists(children, max_size=4),
    max_leaves=10,
)


@settings(max_examples=100)
@given(st.dictionaries(TEXT, PLAIN, max_size=5))
def test_what_is_plain_is_written_the_same_way_with_and_without_the_quick_library(value: dict[str, Any]):
    assert compact(value) == writers._write(value)
    assert canonical(value) == writers._slowly(value) == rfc8785.dumps(value).decode()


def test_the_client_alone_writes_without_the_quick_library(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(writers, "_quick", None)
    assert canonical({"b": ["友", 1], "a": None}) == '{"a":null,"b":["友",1]}'
    assert compact({"b": ["友", 1], "a": None}) == '{"b":["友",1],"a":null}'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": 2}, '{"a":2,"b":1}'),
        ({"score": 1.0}, '{"score":1}'),
        ({"rates": [1e-7, 1e21, 0.5, -0.0]}, '{"rates":[1e-7,1e+21,0.5,0]}'),
        ({"\U0001f600": 1, "\ufb33": 2}, '{"\U0001f600":1,"\ufb33":2}'),
        ({"digest": "sha256:12e4", "n": 12}, '{"digest":"sha256:12e4","n":12}'),
        (
            {"factor": Factor.FACE, "sets": (MappingProxyType({"a": 1}),)},
            '{"factor":"face","sets":[{"a":1}]}',
        ),
    ],
)
def test_a_value_has_the_text_that_the_standard_gives_it(value: dict[str, object], text: str):
    assert canonical(value) == text
    assert json.loads(text) == json.loads(canonical(value))


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), 2**53, -(2**63), 2**70, "\ud800", *NO_JSON],
)
def test_what_has_no_canonical_form_is_refused(value: object):
    for held in ({"value": value}, {"value": [{"deep": (None, value)}]}):
        with pytest.raises(ValueError, match=r"canonical|JSON|surrogates"):
            canonical(held)


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("-inf"),
        *NO_JSON,
        datetime(2026, 1, 1, tzinfo=UTC),
        date(2026, 1, 1),
        UUID(int=1),
        UNKNOWN,
    ],
)
def test_what_is_no_json_value_is_not_written_at_all(value: object):
    """orjson knows more types than JSON has, and writes NaN as null."""
    for held in ({"value": value}, {"value": [{"deep": (None, value)}]}):
        with pytest.raises((ValueError, TypeError)):
            compact(held)
        with pytest.raises(ValueError, match=r"canonical|JSON"):
            canonical(held)
