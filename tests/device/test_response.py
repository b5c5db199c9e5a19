"""What the browser sends, read strictly: one text for one run of bytes, and sizes before anything else."""

from typing import Any

import pytest

from authsvc.device.refusal import Refusal, Refused
from authsvc.device.response import (
    LONGEST_SIGNATURE,
    AssertionResponse,
    base64url,
    read_base64,
    unbase64url,
)

ID = base64url(bytes(range(32)))


def fields(**changes: Any) -> dict[str, Any]:
    response = {"clientDataJSON": "e30", "authenticatorData": "AAAA", "signature": "AAAA", "userHandle": None}
    return {"id": ID, "rawId": ID, "type": "public-key", "response": response, **changes}


def code_of(call: Any, *arguments: Any) -> Refusal:
    with pytest.raises(Refused) as refused:
        call(*arguments)
    return refused.value.code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (7, Refusal.SHAPE),
        ("AA==", Refusal.BASE64URL),
        ("AB", Refusal.BASE64URL),
        ("A", Refusal.BASE64URL),
        ("A+", Refusal.BASE64URL),
        ("A" * 100, Refusal.TOO_LARGE),
    ],
)
def test_a_text_that_is_not_the_one_for_its_bytes_is_refused(text: object, code: Refusal) -> None:
    assert code_of(unbase64url, text, 64) is code


def test_older_scripts_may_write_plain_base64() -> None:
    assert read_base64("-_8", 64) == read_base64("+/8=", 64) == b"\xfb\xff"
    assert code_of(read_base64, "+/8==", 64) is Refusal.BASE64URL


def test_an_assertion_is_read_and_what_was_not_checked_is_dropped() -> None:
    read = AssertionResponse.read(fields(authenticatorAttachment="platform", other=1))
    assert (read.id, read.client_data, read.user_handle, read.attachment) == (ID, b"{}", None, "platform")
    assert set(read.to_json()) == {"id", "rawId", "type", "response"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"response": None}, Refusal.SHAPE),
        ({"id": base64url(bytes(15)), "rawId": base64url(bytes(15))}, Refusal.ID_LENGTH),
        ({"rawId": base64url(bytes(32))}, Refusal.ID_MISMATCH),
        ({"type": "password"}, Refusal.TYPE),
        ({"response": {"clientDataJSON": "e30", "authenticatorData": "AAAA"}}, Refusal.SHAPE),
        (
            {"response": {"clientDataJSON": "e30", "authenticatorData": "AAAA", "signature": "A" * 2000}},
            Refusal.TOO_LARGE,
        ),
    ],
)
def test_each_fault_has_its_code(changes: dict[str, Any], code: Refusal) -> None:
    assert LONGEST_SIGNATURE < 1500
    assert code_of(AssertionResponse.read, fields(**changes)) is code
