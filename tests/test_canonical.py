"""One text for one JSON value, whichever of two writers wrote it."""

import json
from types import MappingProxyType
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from authsvc.canonical import canonical
from authsvc.factor import Factor

LARGEST = 2**53 - 1
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


@settings(max_examples=500, deadline=None)
@given(st.dictionaries(TEXT, JSON, max_size=5))
@pytest.mark.long
def test_the_quick_writer_agrees_with_the_standard(value: dict[str, Any]):  # Any: any JSON value.
    assert canonical(value).encode() == rfc8785.dumps(value)


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
    [float("nan"), float("inf"), 2**53, -(2**63), "\ud800", b"bytes", object(), {1, 2}],
)
def test_what_has_no_canonical_form_is_refused(value: object):
    with pytest.raises(ValueError, match=r"canonical|JSON|surrogates"):
        canonical({"value": value})
