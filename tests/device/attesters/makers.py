"""Makers of phones who vouch for an app: self-made chains, each part of which can be spoiled before it is signed."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from fido2 import cbor
from pyasn1.codec.der.encoder import encode
from pyasn1.type.univ import Integer, OctetString, Sequence, SetOf
from webauthn.helpers.asn1.android_key import KeyDescription

from authsvc.device.attesters.android_key import EXTENSION as ANDROID
from authsvc.device.attesters.app_attest import EXTENSION as APPLE
from authsvc.device.attesters.app_attest import NONCE
from authsvc.device.attesters.sys_integrity import HOST
from tests.device.makers import Authority, der, name
from tests.support.authenticator import b64, cose_of, number

PACKAGE, BUNDLE = "cn.example.pay", "TEAM123456.cn.example.pay"
SIGNER = hashlib.sha256(b"the certificate that the app is signed with").digest()

Statement = dict[str, Any]


@dataclass(frozen=True)
class Android:
    """A key store that describes a key, honestly until something is changed."""

    root: Authority
    level: int = 1
    locked: bool = True
    boot: int = 0
    origin: int = 0
    package: str = PACKAGE
    signer: bytes = SIGNER
    tail: bytes = b""
    issuer_describes: bool = False
    format: str = "android-key"

    def statement(self, challenge: bytes) -> Statement:
        key = ec.generate_private_key(ec.SECP256R1())
        extra = (ANDROID, self.description(challenge) + self.tail)
        between = Authority("Batch key")
        issuer = self.root.issue(
            name("Batch key"), between.key, authority=True, extra=extra if self.issuer_describes else None
        )
        leaf = between.issue(name("Android Keystore Key"), key, extra=extra)
        return {"x5c": [b64(der(each)) for each in (leaf, issuer)]}

    def description(self, challenge: bytes) -> bytes:
        told = KeyDescription()
        told["attestationVersion"], told["keymasterVersion"] = 4, 41
        told["attestationSecurityLevel"] = told["keymasterSecurityLevel"] = self.level
        told["attestationChallenge"], told["uniqueId"] = challenge, b""
        told["softwareEnforced"]["attestationApplicationId"] = self.app()
        told["teeEnforced"]["origin"] = self.origin
        root = told["teeEnforced"]["rootOfTrust"]
        root["verifiedBootKey"] = root["verifiedBootHash"] = bytes(32)
        root["deviceLocked"], root["verifiedBootState"] = self.locked, self.boot
        return bytes(encode(told))

    def app(self) -> bytes:
        package, packages, signers, whole = Sequence(), SetOf(), SetOf(), Sequence()
        package[0], package[1] = OctetString(self.package.encode()), Integer(7)
        packages[0], signers[0] = package, OctetString(self.signer)
        whole[0], whole[1] = packages, signers
        return bytes(encode(whole))


@dataclass(frozen=True)
class Apple:
    """App Attest, honest until something is changed."""

    root: Authority
    app: str = BUNDLE
    aaguid: bytes = b"appattest" + bytes(7)
    count: int = 0
    of_another_key: bool = False
    described: str = "apple-appattest"
    format: str = "apple-app-attest"

    def statement(self, challenge: bytes) -> Statement:
        key = ec.generate_private_key(ec.SECP256R1())
        shown = ec.generate_private_key(ec.SECP256R1()) if self.of_another_key else key
        point = shown.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        key_id = hashlib.sha256(point).digest()
        data = hashlib.sha256(self.app.encode()).digest() + b"\x40" + number(self.count, 4)
        data += self.aaguid + number(len(key_id), 2) + key_id + cbor.encode(cose_of(key))  # type: ignore[arg-type]
        nonce = hashlib.sha256(data + challenge).digest()
        leaf = self.root.issue(name("Apple key"), key, extra=(APPLE, NONCE + nonce))
        parts = {
            "fmt": self.described,
            "attStmt": {"x5c": [der(leaf)], "receipt": b"r"},
            "authData": data,
        }
        return {"attestation": b64(cbor.encode(parts))}  # type: ignore[arg-type]


KEY = rsa.generate_private_key(65537, 2048)


@dataclass(frozen=True)
class Huawei:
    """SysIntegrity, honest until something is changed."""

    root: Authority
    host: str = HOST
    package: str = PACKAGE
    signer: bytes = SIGNER
    integrity: bool = True
    key: rsa.RSAPrivateKey = KEY
    algorithm: str = "RS256"
    format: str = "sys-integrity"

    def statement(self, challenge: bytes) -> Statement:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.host)])
        leaf = self.root.issue(subject, KEY)
        said = {
            "nonce": base64.b64encode(challenge).decode(),
            "apkPackageName": self.package,
            "apkCertificateDigestSha256": [base64.b64encode(self.signer).decode()],
            "basicIntegrity": self.integrity,
            "timestampMs": 1_796_000_000_000,
        }
        header = {"x5c": [base64.b64encode(der(leaf)).decode()]}
        return {"jws": jwt.encode(said, self.key, algorithm=self.algorithm, headers=header)}


Maker = Android | Apple | Huawei


@dataclass(frozen=True)
class World:
    """One root that an operator trusts for all three, and the list that says so."""

    root: Authority = field(default_factory=lambda: Authority("Phones"))

    def makers(self) -> tuple[Maker, ...]:
        return Android(self.root), Apple(self.root), Huawei(self.root)

    def write(self, folder: Path, change: Callable[[str], str] = lambda text: text) -> Path:
        (folder / "phones.pem").write_bytes(self.root.certificate.public_bytes(serialization.Encoding.PEM))
        text = "".join(
            f'[[attester]]\nformat = "{form}"\napp = "{app}"\nroots = ["phones.pem"]\n{more}\n'
            for form, app, more in (
                ("android-key", PACKAGE, f'signers = ["{SIGNER.hex()}"]'),
                ("apple-app-attest", BUNDLE, ""),
                ("sys-integrity", PACKAGE, f'signers = ["{SIGNER.hex()}"]'),
            )
        )
        (folder / "attesters.toml").write_text(change(text))
        return folder / "attesters.toml"


def changed(maker: Maker, **fields: Any) -> Maker:
    return replace(maker, **fields)
