"""A device key in software, with a browser around it that lies where it is told to."""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40

# CBOR of {"fmt": "none", "attStmt": {}, "authData": …}, and of an ES256 key between its two coordinates (RFC 8949, RFC 9053).
_OBJECT = b"\xa3cfmtdnonegattStmt\xa0hauthData\x59"
_KEY = (b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20", b"\x22\x58\x20")

Options = Mapping[str, Any]  # Any: as the service sends them.


@dataclass
class Authenticator:
    """One key; whatever a test or an attacker changes here goes into the next answer."""

    origin: str
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    count: int = 0
    handle: str = ""
    party: str = ""
    flags: int = PRESENT | VERIFIED
    cross_origin: bool = False

    def create(self, options: Options) -> dict[str, Any]:
        self.handle, self.party = options["user"]["id"], options["rp"]["id"]
        public = self.private.public_key().public_numbers()
        cose = _KEY[0] + public.x.to_bytes(32, "big") + _KEY[1] + public.y.to_bytes(32, "big")
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cose
        data = self._data(self.flags | ATTESTED) + attested
        made = _OBJECT + len(data).to_bytes(2, "big") + data
        seen = self._client("webauthn.create", options)
        return self._credential({"clientDataJSON": _text(seen), "attestationObject": _text(made)})

    def get(self, options: Options) -> dict[str, Any]:
        self.count += 1
        data, seen = self._data(self.flags), self._client("webauthn.get", options)
        signature = self.private.sign(data + hashlib.sha256(seen).digest(), ec.ECDSA(hashes.SHA256()))
        shown = {"clientDataJSON": seen, "authenticatorData": data, "signature": signature}
        return self._credential(
            {name: _text(value) for name, value in shown.items()} | {"userHandle": self.handle}
        )

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.party.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, options: Options) -> bytes:
        said = {"type": kind, "challenge": options["challenge"], "origin": self.origin}
        return json.dumps({**said, "crossOrigin": self.cross_origin}).encode()

    def _credential(self, response: Options) -> dict[str, Any]:
        name = _text(self.id)
        shown = {"id": name, "rawId": name, "type": "public-key", "clientExtensionResults": {}}
        return {**shown, "response": dict(response)}


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def raw_of(text: str) -> bytes:
    return urlsafe_b64decode(text + "==")
