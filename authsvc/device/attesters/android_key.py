"""Android: a key that the phone's key store makes for one capture, with a certificate that names app, system and challenge.

https://source.android.com/docs/security/features/keystore/attestation
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from cryptography import x509

from authsvc.device.attesters.app import App, extension_of
from authsvc.device.refusal import Refusal, Refused, require
from authsvc.device.response import unbase64url
from authsvc.device.webauthn import read_key_description
from authsvc.factor import Json

EXTENSION = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.1.17")
_LONGEST_CERTIFICATE = 8 * 1024


@dataclass(frozen=True, slots=True)
class AndroidKey:
    """The statement's `x5c` are DER certificates in base64url, that of the key first."""

    format: ClassVar[str] = "android-key"
    app: App

    def verify(self, statement: Json, challenge: bytes, now: datetime) -> Json:
        listed = statement.get("x5c")
        if not isinstance(listed, list):
            raise Refused(Refusal.SHAPE)
        path = self.app.chain([unbase64url(each, _LONGEST_CERTIFICATE) for each in listed], now)
        described = [extension_of(each, EXTENSION) for each in path]
        # A key that may certify others could describe them as it likes: none above the first may be such a key.
        require(all(each is None for each in described[1:]), Refusal.ATTESTATION_PROFILE)
        if described[0] is None:
            raise Refused(Refusal.ATTESTATION_PROFILE)
        key = read_key_description(described[0])
        require(hmac.compare_digest(key.challenge, challenge), Refusal.CHALLENGE)
        require(key.level > 0 and key.is_locked and key.is_generated, Refusal.ATTESTATION_PROFILE)
        require(key.packages == {self.app.name}, Refusal.ATTESTATION_MODEL)
        require(not key.signers.isdisjoint(self.app.signers), Refusal.ATTESTATION_MODEL)
        return {"app": self.app.name, "own_chip": key.level > 1}
