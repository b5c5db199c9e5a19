"""An authenticator in software, with a browser around it, whose every answer can be spoiled before it is signed.

A `Creation` or a `Request` holds all that goes into an answer. A test changes what it likes and calls `to_json`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from fido2 import cbor

UP, UV, BE, BS, AT, ED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80
ES256, RS256 = -7, -257

Statement = Callable[[bytes, bytes], object]
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")


def number(value: int, size: int | None = None) -> bytes:
    return value.to_bytes(size or (value.bit_length() + 7) // 8, "big")


def cose_of(key: PrivateKey, algorithm: int | None = None) -> dict[int, object]:
    """The COSE form of a public key, under its own algorithm or a claimed one."""
    public = key.public_key().public_numbers()
    if isinstance(public, ec.EllipticCurvePublicNumbers):
        curve, size = {"secp256r1": (1, 32), "secp384r1": (2, 48), "secp521r1": (3, 66)}[public.curve.name]
        return {
            1: 2,
            3: algorithm or ES256,
            -1: curve,
            -2: number(public.x, size),
            -3: number(public.y, size),
        }
    return {1: 3, 3: algorithm or RS256, -1: number(public.n), -2: number(public.e)}


def sign(key: PrivateKey, data: bytes) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, ec.ECDSA(hashes.SHA256()))
    return key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def no_statement(auth_data: bytes, client_data_hash: bytes) -> object:
    return {}


@dataclass
class Creation:
    """An answer of `navigator.credentials.create()` in the making."""

    client_data: dict[str, Any]
    rp_id: str
    credential_id: bytes
    cose: object
    flags: int = UP | UV | AT
    count: int = 0
    aaguid: bytes = bytes(16)
    tail: bytes = b""
    format: object = "none"
    statement: Statement = no_statement
    raw_client_data: bytes | None = None
    raw_auth_data: object = None
    raw_object: bytes | None = None

    def auth_data(self) -> bytes:
        attested = b""
        if self.flags & AT:
            key = self.cose if isinstance(self.cose, bytes) else cbor.encode(self.cose)  # type: ignore[arg-type]
            attested = self.aaguid + number(len(self.credential_id), 2) + self.credential_id + key
        return _header(self.rp_id, self.flags, self.count) + attested + self.tail

    def to_json(self) -> dict[str, Any]:
        client_data = _client_data(self)
        auth_data = self.auth_data()
        statement = self.statement(auth_data, hashlib.sha256(client_data).digest())
        shown = auth_data if self.raw_auth_data is None else self.raw_auth_data
        parts = {"fmt": self.format, "attStmt": statement, "authData": shown}
        attested = cbor.encode(parts) if self.raw_object is None else self.raw_object  # type: ignore[arg-type]
        return {
            "id": b64(self.credential_id),
            "rawId": b64(self.credential_id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {"credProps": {"rk": True}},
            "response": {
                "clientDataJSON": b64(client_data),
                "attestationObject": b64(attested),
                "transports": ["internal", "hybrid"],
            },
        }


@dataclass
class Request:
    """An answer of `navigator.credentials.get()` in the making."""

    client_data: dict[str, Any]
    rp_id: str
    credential_id: bytes
    key: PrivateKey
    handle: bytes | None
    flags: int = UP | UV
    count: int = 0
    tail: bytes = b""
    raw_client_data: bytes | None = None
    raw_auth_data: bytes | None = None

    def auth_data(self) -> bytes:
        if self.raw_auth_data is not None:
            return self.raw_auth_data
        return _header(self.rp_id, self.flags, self.count) + self.tail

    def to_json(self) -> dict[str, Any]:
        client_data, auth_data = _client_data(self), self.auth_data()
        signature = sign(self.key, auth_data + hashlib.sha256(client_data).digest())
        handle = {} if self.handle is None else {"userHandle": b64(self.handle)}
        return {
            "id": b64(self.credential_id),
            "rawId": b64(self.credential_id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": b64(client_data),
                "authenticatorData": b64(auth_data),
                "signature": b64(signature),
                **handle,
            },
        }


@dataclass
class Authenticator:
    """One key on one phone; `counts` is False for an authenticator without a counter, `flags` are added to each answer."""

    origin: str
    key: PrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    handle: bytes = b""
    count: int = 0
    counts: bool = True
    flags: int = 0

    def create(self, options: dict[str, Any]) -> Creation:
        """An honest answer to creation options."""
        self.handle = unb64(options["user"]["id"])
        return Creation(
            client_data=self._client_data("webauthn.create", options),
            rp_id=options["rp"]["id"],
            credential_id=self.credential_id,
            cose=cose_of(self.key),
            flags=UP | UV | AT | self.flags,
            count=self._next(),
        )

    def get(self, options: dict[str, Any]) -> Request:
        """An honest answer to request options."""
        return Request(
            client_data=self._client_data("webauthn.get", options),
            rp_id=options["rpId"],
            credential_id=self.credential_id,
            key=self.key,
            handle=self.handle,
            flags=UP | UV | self.flags,
            count=self._next(),
        )

    def pay(self, request: dict[str, Any], top_origin: str | None = None) -> Request:
        """An honest answer of Secure Payment Confirmation to a payment request."""
        data = request["data"]
        answer = self.get(data)
        shown = {
            name: data[name] for name in ("rpId", "payeeName", "payeeOrigin", "instrument") if name in data
        }
        answer.client_data["type"] = "payment.get"
        answer.client_data["payment"] = {
            **shown,
            "topOrigin": top_origin or self.origin,
            "total": dict(request["total"]["amount"]),
        }
        return answer

    def clone(self) -> Authenticator:
        """A second copy of the key, which counts on from here by itself."""
        return Authenticator(
            self.origin, self.key, self.credential_id, self.handle, self.count, self.counts, self.flags
        )

    def _next(self) -> int:
        self.count += self.counts
        return self.count

    def _client_data(self, kind: str, options: dict[str, Any]) -> dict[str, Any]:
        return {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}


def _header(rp_id: str, flags: int, count: int) -> bytes:
    return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + number(count, 4)


def _client_data(answer: Creation | Request) -> bytes:
    if answer.raw_client_data is not None:
        return answer.raw_client_data
    return json.dumps(answer.client_data, separators=(",", ":")).encode()
