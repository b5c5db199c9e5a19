"""What the browser says of a ceremony: one JSON object, on our page, for our challenge, in nobody's frame."""

import json
from typing import Any

import pytest

from authsvc.device.client_data import GET, check_client_data, read_client_data
from authsvc.device.refusal import Refusal, Refused
from authsvc.device.response import base64url
from tests.device.scene import ORIGIN

CHALLENGE = bytes(range(32))
GOOD: dict[str, Any] = {
    "type": GET,
    "challenge": base64url(CHALLENGE),
    "origin": ORIGIN,
    "crossOrigin": False,
}


def check(**changes: Any) -> None:
    members = {name: value for name, value in {**GOOD, **changes}.items() if value is not ...}
    check_client_data(
        read_client_data(json.dumps(members).encode()),
        expected_type=GET,
        expected_challenge=CHALLENGE,
        expected_origins=[ORIGIN],
    )


@pytest.mark.parametrize(
    "changes", [{}, {"crossOrigin": ...}, {"tokenBinding": {"status": "supported"}}, {"other": 1}]
)
def test_what_is_right_is_accepted(changes: dict[str, Any]) -> None:
    check(**changes)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"type": "webauthn.create"}, Refusal.CEREMONY),
        ({"challenge": base64url(bytes(32))}, Refusal.CHALLENGE),
        ({"challenge": 7}, Refusal.CHALLENGE),
        ({"origin": "https://pay.example.evil"}, Refusal.ORIGIN),
        ({"crossOrigin": True}, Refusal.CROSS_ORIGIN),
        ({"crossOrigin": "false"}, Refusal.CROSS_ORIGIN),
        ({"topOrigin": ORIGIN}, Refusal.TOP_ORIGIN),
        ({"tokenBinding": {"status": "present", "id": "x"}}, Refusal.TOKEN_BINDING),
    ],
)
def test_each_fault_has_its_code(changes: dict[str, Any], code: Refusal) -> None:
    with pytest.raises(Refused) as refused:
        check(**changes)
    assert refused.value.code is code


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"a": 1, "a": 2}', b"\xff{}", b'{"a": NaN}', b"[" * 100_000])
def test_what_is_not_one_json_object_is_refused(raw: bytes) -> None:
    with pytest.raises(Refused) as refused:
        read_client_data(raw)
    assert refused.value.code is Refusal.CLIENT_DATA


def test_a_byte_order_mark_is_dropped() -> None:
    assert read_client_data(b"\xef\xbb\xbf{}") == {}
