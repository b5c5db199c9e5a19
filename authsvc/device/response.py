"""What the browser sends back, read strictly: sizes first, then canonical base64url, and nothing is guessed.

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
        handle = response.get("userHandle")
        attachment = fields.get("authenticatorAttachment")
        return cls(
            id=credential_id,
            client_data=_member(response, "clientDataJSON", LONGEST_CLIENT_DATA),
            authenticator_data=_member(response, "authenticatorData", LONGEST_AUTHENTICATOR_DATA),
            signature=_member(response, "signature", LONGEST_SIGNATURE),
            user_handle=None if handle is None else _member(response, "userHandle", LONGEST_USER_HANDLE),
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


def _envelope(fields: Json) -> tuple[str, Mapping[str, object]]:
    """The credential's id and its `response`."""
    response = fields.get("response")
    credential_id = fields.get("id")
    if not isinstance(response, Mapping) or not isinstance(credential_id, str):
        raise Refused(Refusal.SHAPE)
    raw_id = unbase64url(credential_id, LONGEST_ID)
    require(SHORTEST_ID <= len(raw_id) <= LONGEST_ID, Refusal.ID_LENGTH)
    require(fields.get("rawId") == credential_id, Refusal.ID_MISMATCH)
    require(fields.get("type") == "public-key", Refusal.TYPE)
    return credential_id, response


def _enveloped(credential_id: str, response: Mapping[str, object]) -> dict[str, object]:
    return {"id": credential_id, "rawId": credential_id, "type": "public-key", "response": dict(response)}


def _member(response: Mapping[str, object], name: str, most: int) -> bytes:
    return unbase64url(response.get(name), most)


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
