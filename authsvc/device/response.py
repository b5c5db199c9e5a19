"""What the browser sends back, read strictly: sizes first, then bytes that have one text, and nothing is guessed.

Only the members that are checked leave this file; whatever else a browser adds is dropped.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass

from authsvc.device.refusal import Refusal, Refused, require
from authsvc.factor import Json

# WebAuthn L3 §4 bounds an id to 1023 bytes; below 16 it could be guessed.
SHORTEST_ID, LONGEST_ID = 16, 1023
LONGEST_CLIENT_DATA = 4096
LONGEST_ATTESTATION_OBJECT = 16 * 1024
LONGEST_AUTHENTICATOR_DATA = 4096
LONGEST_SIGNATURE = 1024
LONGEST_USER_HANDLE = 64

TRANSPORTS = frozenset({"usb", "nfc", "ble", "smart-card", "hybrid", "internal", "cable"})
ATTACHMENTS = frozenset({"platform", "cross-platform"})

_ALPHABET = re.compile(r"[A-Za-z0-9_-]*\Z")
_URL_SAFE = str.maketrans("+/", "-_")


@dataclass(frozen=True, slots=True)
class RegistrationResponse:
    """An answer of `navigator.credentials.create()`. `transports` and `discoverable` are unsigned hints."""

    id: str
    client_data: bytes
    attestation_object: bytes
    transports: tuple[str, ...]
    discoverable: bool | None

    @classmethod
    def read(cls, fields: Json) -> RegistrationResponse:
        credential_id, response = _envelope(fields)
        return cls(
            id=credential_id,
            client_data=_member(response, "clientDataJSON", LONGEST_CLIENT_DATA),
            attestation_object=_member(response, "attestationObject", LONGEST_ATTESTATION_OBJECT),
            transports=_transports(response.get("transports")),
            discoverable=_discoverable(fields),
        )

    def to_json(self) -> dict[str, object]:
        """The same credential without anything that was not checked."""
        response = {
            "clientDataJSON": base64url(self.client_data),
            "attestationObject": base64url(self.attestation_object),
        }
        return _enveloped(self.id, response)


@dataclass(frozen=True, slots=True)
class AssertionResponse:
    """An answer of `navigator.credentials.get()`. `attachment` is an unsigned hint."""

    id: str
    client_data: bytes
    authenticator_data: bytes
    signature: bytes
    user_handle: bytes | None
    attachment: str | None

    @classmethod
    def read(cls, fields: Json) -> AssertionResponse:
        credential_id, response = _envelope(fields)
        attachment = fields.get("authenticatorAttachment")
        return cls(
            id=credential_id,
            client_data=_member(response, "clientDataJSON", LONGEST_CLIENT_DATA),
            authenticator_data=_member(response, "authenticatorData", LONGEST_AUTHENTICATOR_DATA),
            signature=_member(response, "signature", LONGEST_SIGNATURE),
            user_handle=_user_handle(response),
            attachment=attachment if isinstance(attachment, str) and attachment in ATTACHMENTS else None,
        )

    def to_json(self) -> dict[str, object]:
        """The same credential without anything that was not checked."""
        response = {
            "clientDataJSON": base64url(self.client_data),
            "authenticatorData": base64url(self.authenticator_data),
            "signature": base64url(self.signature),
        }
        return _enveloped(self.id, response)


def base64url(raw: bytes) -> str:
    """Base64url without padding (RFC 4648 §5), as WebAuthn writes bytes."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unbase64url(text: object, most: int) -> bytes:
    """The bytes of a canonical base64url text; raises Refused for another type, more bytes, padding or stray bits."""
    if not isinstance(text, str):
        raise Refused(Refusal.SHAPE)
    require(len(text) <= -(-most * 4 // 3), Refusal.TOO_LARGE)
    require(_ALPHABET.match(text) is not None and len(text) % 4 != 1, Refusal.BASE64URL)
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    # Two texts for the same bytes would be two ids for the same key.
    require(base64url(raw) == text, Refusal.BASE64URL)
    return raw


def read_base64(text: object, most: int) -> bytes:
    """The bytes of base64url, or of plain base64, which older scripts write; raises Refused as `unbase64url` does.

    Padding is that of the standard or absent. What is compared or kept is written anew from the bytes.
    """
    if not isinstance(text, str):
        raise Refused(Refusal.SHAPE)
    require(len(text) <= -(-most // 3) * 4, Refusal.TOO_LARGE)
    bare = text.rstrip("=")
    require(len(text) - len(bare) in (0, -len(bare) % 4), Refusal.BASE64URL)
    return unbase64url(bare.translate(_URL_SAFE), most)


def _envelope(fields: Json) -> tuple[str, Mapping[str, object]]:
    """The credential's id, as base64url however it was written, and its `response`."""
    response = fields.get("response")
    if not isinstance(response, Mapping):
        raise Refused(Refusal.SHAPE)
    raw_id = read_base64(fields.get("id"), LONGEST_ID)
    require(SHORTEST_ID <= len(raw_id) <= LONGEST_ID, Refusal.ID_LENGTH)
    require(_is(fields.get("rawId"), raw_id), Refusal.ID_MISMATCH)
    require(fields.get("type") == "public-key", Refusal.TYPE)
    return base64url(raw_id), response


def _is(text: object, expected: bytes) -> bool:
    try:
        return read_base64(text, LONGEST_ID) == expected
    except Refused:
        return False


def _enveloped(credential_id: str, response: Mapping[str, object]) -> dict[str, object]:
    return {"id": credential_id, "rawId": credential_id, "type": "public-key", "response": dict(response)}


def _member(response: Mapping[str, object], name: str, most: int) -> bytes:
    return read_base64(response.get(name), most)


def _user_handle(response: Mapping[str, object]) -> bytes | None:
    """The user handle; None where there is none, which some browsers write as an empty one."""
    if response.get("userHandle") is None:
        return None
    return _member(response, "userHandle", LONGEST_USER_HANDLE) or None


def _transports(listed: object) -> tuple[str, ...]:
    """The transports that the standard names; a browser may list others, or none."""
    names = listed if isinstance(listed, list | tuple) else ()
    return tuple(sorted({name for name in names if isinstance(name, str)} & TRANSPORTS))


def _discoverable(fields: Json) -> bool | None:
    """What the browser says of `credProps.rk`; None where it says nothing."""
    results = fields.get("clientExtensionResults")
    properties = results.get("credProps") if isinstance(results, Mapping) else None
    found = properties.get("rk") if isinstance(properties, Mapping) else None
    return found if isinstance(found, bool) else None
