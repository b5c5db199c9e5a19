"""Manufacturers of authenticators: their roots, what they attest, and the operator's list that trusts them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from authsvc.device.attestation import AAGUID_EXTENSION
from tests.support.authenticator import Authenticator, Creation, PrivateKey, sign

AAGUID = UUID("11111111-2222-3333-4444-555555555555")
OTHER = UUID("99999999-2222-3333-4444-555555555555")
ANDROID_EXTENSION = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.1.17")
KEY_DESCRIPTION = (
    bytes.fromhex("30430202012c0a01000201000a01000420"),
    bytes.fromhex("04003000300ea1053103020102bf853e03020100"),
)
"""The DER of a key that was made in the device and signs, as WebAuthn L3 §16.14 has it, around the client data's hash."""
APPLE_EXTENSION, APPLE_NONCE = x509.ObjectIdentifier("1.2.840.113635.100.8.2"), bytes.fromhex("3024a1220420")
FROM, UNTIL = datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)


def name(common: str, unit: str | None = None) -> x509.Name:
    parts = [
        (NameOID.COUNTRY_NAME, "SE"),
        (NameOID.ORGANIZATION_NAME, "Acme Keys"),
        (NameOID.COMMON_NAME, common),
    ]
    if unit is not None:
        parts.append((NameOID.ORGANIZATIONAL_UNIT_NAME, unit))
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


@dataclass
class Authority:
    """Somebody who signs certificates, trusted or not."""

    common: str = "Acme Root"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def certificate(self) -> x509.Certificate:
        return self.issue(name(self.common), self.key, authority=True)

    def issue(
        self,
        subject: x509.Name,
        key: PrivateKey,
        *,
        authority: bool = False,
        since: datetime = FROM,
        until: datetime = UNTIL,
        aaguid: bytes | None = None,
        critical: bool = False,
        extra: tuple[x509.ObjectIdentifier, bytes] | None = None,
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(name(self.common))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(since)
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if aaguid is not None:
            extension = x509.UnrecognizedExtension(AAGUID_EXTENSION, aaguid)
            builder = builder.add_extension(extension, critical=critical)
        if extra is not None:
            builder = builder.add_extension(x509.UnrecognizedExtension(*extra), critical=False)
        return builder.sign(self.key, hashes.SHA256())


ROOT = Authority()


def octets(aaguid: UUID) -> bytes:
    return b"\x04\x10" + aaguid.bytes


@dataclass
class Maker:
    """A manufacturer's attestation of one key, honest until something is changed."""

    issuer: Authority = field(default_factory=lambda: ROOT)
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    signer: ec.EllipticCurvePrivateKey | None = None
    unit: str | None = "Authenticator Attestation"
    leaf: dict[str, Any] = field(default_factory=lambda: {"aaguid": octets(AAGUID)})
    aaguid: UUID = AAGUID
    format: str = "packed"
    between: tuple[x509.Certificate, ...] = ()
    chain: bool = True

    def certificate(self) -> x509.Certificate:
        return self.issuer.issue(name("Acme Key 1", self.unit), self.key, **self.leaf)

    def attest(self, answer: Creation) -> Creation:
        """The same answer with this maker's word for it."""
        answer.aaguid = self.aaguid.bytes
        answer.format = self.format
        answer.statement = self.statement if self.chain else lambda auth_data, client_hash: {}
        return answer

    def statement(self, auth_data: bytes, client_hash: bytes) -> object:
        certificates = [
            each.public_bytes(serialization.Encoding.DER) for each in (self.certificate(), *self.between)
        ]
        return {"alg": -7, "sig": sign(self.signer or self.key, auth_data + client_hash), "x5c": certificates}


def android_key(
    answer: Creation, phone: Authenticator, issuer: Authority = ROOT, *, chain: bool = True
) -> Creation:
    """The same answer in the word of an Android phone: a certificate of the key itself; with `chain` up to the root."""

    def statement(auth_data: bytes, client_hash: bytes) -> object:
        described = KEY_DESCRIPTION[0] + client_hash + KEY_DESCRIPTION[1]
        leaf = issuer.issue(name("Android Keystore Key"), phone.key, extra=(ANDROID_EXTENSION, described))
        path = [leaf, *([issuer.certificate] if chain else [])]
        return {
            "alg": -7,
            "sig": sign(phone.key, auth_data + client_hash),
            "x5c": [der(each) for each in path],
        }

    answer.aaguid, answer.format, answer.statement = AAGUID.bytes, "android-key", statement
    return answer


def apple(answer: Creation, phone: Authenticator, issuer: Authority = ROOT) -> Creation:
    """The same answer in the word of Apple: a certificate of the key that holds what was signed elsewhere."""

    def statement(auth_data: bytes, client_hash: bytes) -> object:
        nonce = hashlib.sha256(auth_data + client_hash).digest()
        leaf = issuer.issue(name("Apple key"), phone.key, extra=(APPLE_EXTENSION, APPLE_NONCE + nonce))
        return {"x5c": [der(leaf)]}

    answer.aaguid, answer.format, answer.statement = AAGUID.bytes, "apple", statement
    return answer


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


LIST = f"""
next_update = 2027-01-01
revoked_certificates = ["{"ab" * 32}"]

[[model]]
aaguid = "{AAGUID}"
name = "Acme Key"
formats = ["packed"]
roots = ["acme.pem"]
"""


def write(folder: Path, text: str, root: x509.Certificate | None = None) -> Path:
    (folder / "acme.pem").write_bytes((root or ROOT.certificate).public_bytes(serialization.Encoding.PEM))
    (folder / "models.toml").write_text(text)
    return folder / "models.toml"
