"""Mistakes of a backend are refused before anything is sent, and each names its argument."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from authsvc.caller import given
from authsvc.errors import InvalidRequest

Check = Callable[[str, object], object]


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (given.text, ""),
        (given.texts, ["otp", "face"]),
        (given.whole, -1),
        (given.seconds, 0),
        (given.seconds, 2.5),
        (given.yes_or_no, False),
    ],
)
def test_what_is_right_comes_back_as_it_is(check: Check, value: object) -> None:
    assert check("it", value) == value


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (given.text, None),
        (given.text, b"bytes"),
        (given.texts, "otp"),
        (given.texts, b"otp"),
        (given.texts, ["otp", 1]),
        (given.texts, 3),
        (given.whole, True),
        (given.whole, 1.0),
        (given.whole, "1"),
        (given.seconds, True),
        (given.seconds, -0.1),
        (given.seconds, math.inf),
        (given.seconds, math.nan),
        (given.seconds, "1"),
        (given.yes_or_no, "false"),
        (given.yes_or_no, 0),
    ],
)
def test_what_is_wrong_is_refused_with_the_name_of_the_argument(check: Check, value: object) -> None:
    with pytest.raises(InvalidRequest, match="`it` is"):
        check("it", value)


@pytest.mark.parametrize(
    ("name", "segment"), [("u_1", "u_1"), ("a/b", "a%2Fb"), ("?x=%", "%3Fx%3D%25"), ("张", "%E5%BC%A0")]
)
def test_a_name_stays_one_segment_of_an_address(name: str, segment: str) -> None:
    assert given.in_path(name) == segment


@pytest.mark.parametrize("name", ["", ".", "..", "\ud800", 7])
def test_a_name_that_leads_elsewhere_is_refused(name: object) -> None:
    with pytest.raises(InvalidRequest):
        given.in_path(name)


def test_a_call_without_a_key_has_one_of_its_own() -> None:
    first, second = given.key_or_new(None), given.key_or_new(None)
    assert first != second
    assert uuid.UUID(first).version == 4
    assert given.key_or_new("order-17!") == "order-17!"


@pytest.mark.parametrize("key", ["", "a b", 'a"b', "a\\b", "x" * 256, "键", 5])
def test_a_key_that_no_header_could_carry_is_refused(key: Any) -> None:
    with pytest.raises(InvalidRequest, match="idempotency_key"):
        given.key_or_new(key)
