"""Apple: a key of the Secure Enclave that App Attest vouches for, made for one capture.

https://developer.apple.com/documentation/devicecheck/validating-apps-that-connect-to-your-server, in the order of its steps.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from authsvc.device.attesters.app import App, extension_of
from authsvc.device.refusal import Refusal, Refused, require
from authsvc.device.response import LONGEST_ATTESTATION_OBJECT, unbase64url
from authsvc.device.webauthn import read_app_attestation
from authsvc.factor import Json

EXTENSION = x509.ObjectIdentifier("1.2.840.113635.100.8.2")
NONCE = bytes.fromhex("3024a1220420")
"""The DER around the 32 bytes that the extension holds."""

PRODUCTION = str(UUID(bytes=b"appattest" + bytes(7)))


@dataclass(frozen=True, slots=True)
class AppAttest:
    """The statement's `attestation` is the object in base64url; `attestKey` took our challenge for the hash."""

    format: ClassVar[str] = "apple-app-attest"
    app: App

    def verify(self, statement: Json, challenge: bytes, now: datetime) -> Json:
        raw = unbase64url(statement.get("attestation"), LONGEST_ATTESTATION_OBJECT)
        data, signed, certificates = read_app_attestation(raw)
        leaf = self.app.chain(certificates, now)[0]  # Step 1.
        nonce = NONCE + hashlib.sha256(signed + challenge).digest()  # Steps 2 to 4.
        require(hmac.compare_digest(extension_of(leaf, EXTENSION) or b"", nonce), Refusal.CHALLENGE)
        if data.new_key is None:
            raise Refused(Refusal.ATTESTED_DATA)
        require(data.new_key.credential_id == _key_id(leaf), Refusal.ID_MISMATCH)  # Steps 5 and 9.
        require(data.rp_id_hash == hashlib.sha256(self.app.name.encode()).digest(), Refusal.RELYING_PARTY)
        require(data.sign_count == 0, Refusal.SIGN_COUNT)
        require(data.new_key.aaguid == PRODUCTION, Refusal.ATTESTATION_MODEL)
        return {"app": self.app.name}


def _key_id(leaf: x509.Certificate) -> bytes:
    key = leaf.public_key()
    if not isinstance(key, EllipticCurvePublicKey):
        raise Refused(Refusal.PUBLIC_KEY)
    return hashlib.sha256(key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)).digest()
