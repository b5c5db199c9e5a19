"""What the browser says of a ceremony (WebAuthn L3 §5.8.1): which one, for which challenge, on which page."""

from __future__ import annotations

import hmac
import json
from collections.abc import Collection, Iterable, Mapping

from authsvc.device.refusal import Refusal, Refused, require
from authsvc.device.response import unbase64url

CREATE = "webauthn.create"
GET = "webauthn.get"

LONGEST_CHALLENGE = 64

Members = Mapping[str, object]


def read_client_data(raw: bytes) -> Members:
    """The members of a `clientDataJSON`; raises Refused unless it is one JSON object in UTF-8 that names nothing twice.

    A byte order mark in front is dropped, as the UTF-8 decoding of WebAuthn L3 §7.1 and §7.2 says; it stays signed.
    """
    try:
        text = raw.decode("utf-8-sig", "strict")
        members = json.loads(text, object_pairs_hook=_once, parse_constant=_constant)
    except (ValueError, RecursionError):
        raise Refused(Refusal.CLIENT_DATA) from None
    if not isinstance(members, dict):
        raise Refused(Refusal.CLIENT_DATA)
    return members


def check_client_data(
    members: Members,
    *,
    expected_type: str,
    expected_challenge: bytes,
    expected_origins: Collection[str],
) -> None:
    """Steps 7 to 11 of WebAuthn L3 §7.1, which are steps 10 to 14 of §7.2; raises Refused."""
    require(members.get("type") == expected_type, Refusal.CEREMONY)
    challenge = _challenge(members)
    require(hmac.compare_digest(challenge, expected_challenge), Refusal.CHALLENGE)
    require(members.get("origin") in tuple(expected_origins), Refusal.ORIGIN)
    # In a frame of somebody else's page the payer cannot see whom they answer.
    require(members.get("crossOrigin", False) is False, Refusal.CROSS_ORIGIN)
    require("topOrigin" not in members, Refusal.TOP_ORIGIN)
    require(_binds_no_token(members), Refusal.TOKEN_BINDING)


def _challenge(members: Members) -> bytes:
    try:
        return unbase64url(members.get("challenge"), LONGEST_CHALLENGE)
    except Refused:
        raise Refused(Refusal.CHALLENGE) from None


def _binds_no_token(members: Members) -> bool:
    """Token binding is obsolete: nobody here could check the binding that `present` claims."""
    if "tokenBinding" not in members:
        return True
    binding = members["tokenBinding"]
    return isinstance(binding, Mapping) and binding.get("status") == "supported"


def _once(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    members: dict[str, object] = {}
    for name, value in pairs:
        if name in members:
            raise ValueError("a member is named twice")
        members[name] = value
    return members


def _constant(name: str) -> object:
    raise ValueError(f"`{name}` is not JSON")
