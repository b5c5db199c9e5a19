"""Phones with HMS: a JWS in which Huawei's SysIntegrity says which app asked, on which system, with our challenge as nonce.

https://developer.huawei.com/consumer/en/doc/HMSCore-Guides/dysintegritydevelopment-0000001050156331
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import NameOID

from authsvc.device.attestation import LONGEST_CHAIN
from authsvc.device.attesters.app import App
from authsvc.device.refusal import Refusal, Refused, require
from authsvc.factor import Json

HOST = "sysintegrity.platform.hicloud.com"
ALGORITHMS = ["RS256", "PS256"]
_LONGEST = 32 * 1024


@dataclass(frozen=True, slots=True)
class SysIntegrity:
    """The statement's `jws` is the result in its compact form; `host` is whom its first certificate names."""

    format: ClassVar[str] = "sys-integrity"
    app: App
    host: str = HOST

    def verify(self, statement: Json, challenge: bytes, now: datetime) -> Json:
        token = statement.get("jws")
        if not isinstance(token, str):
            raise Refused(Refusal.SHAPE)
        require(len(token) <= _LONGEST, Refusal.TOO_LARGE)
        leaf = self.app.chain(_certificates(token), now)[0]
        require(_named(leaf) == self.host, Refusal.ATTESTATION_PROFILE)
        said = _claims(token, leaf)
        require(hmac.compare_digest(_bytes(said.get("nonce")), challenge), Refusal.CHALLENGE)
        require(said.get("basicIntegrity") is True, Refusal.ATTESTATION_PROFILE)
        require(said.get("apkPackageName") == self.app.name, Refusal.ATTESTATION_MODEL)
        require(_signers(said).isdisjoint(self.app.signers) is False, Refusal.ATTESTATION_MODEL)
        return {"app": self.app.name}


def _certificates(token: str) -> list[bytes]:
    try:
        listed = jwt.get_unverified_header(token).get("x5c")
    except jwt.PyJWTError:
        raise Refused(Refusal.SHAPE) from None
    if not isinstance(listed, list) or len(listed) > LONGEST_CHAIN:
        raise Refused(Refusal.ATTESTATION_CHAIN)
    return [_bytes(each) for each in listed]


def _claims(token: str, leaf: x509.Certificate) -> Mapping[str, object]:
    key = leaf.public_key()
    if not isinstance(key, RSAPublicKey) or key.key_size < 2048:
        raise Refused(Refusal.PUBLIC_KEY)
    try:
        # The challenge says when; the phone's own clock is not asked.
        return jwt.decode(token, key, ALGORITHMS, options={"verify_exp": False, "verify_iat": False})
    except (jwt.PyJWTError, ValueError):
        raise Refused(Refusal.SIGNATURE) from None


def _signers(said: Mapping[str, object]) -> frozenset[bytes]:
    listed = said.get("apkCertificateDigestSha256")
    return frozenset(map(_bytes, listed)) if isinstance(listed, list) else frozenset()


def _named(leaf: x509.Certificate) -> str | None:
    names = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if len(names) == 1 else None


def _bytes(text: object) -> bytes:
    """Plain base64, as Huawei writes bytes; raises Refused."""
    if not isinstance(text, str):
        raise Refused(Refusal.SHAPE)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused(Refusal.BASE64URL) from None
