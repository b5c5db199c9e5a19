"""Registrations that must be refused, each with the code of the check that refuses it.

`spoil` changes the answer before the browser and the authenticator put it together, `tamper` what was put together.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fido2 import cbor

from authsvc.device.refusal import Refusal
from tests.support.authenticator import (
    AT,
    BS,
    ED,
    ES256,
    RS256,
    UP,
    UV,
    Creation,
    PrivateKey,
    b64,
    cose_of,
    number,
    sign,
)

Tamper = Callable[[dict[str, Any]], None]


def _leave(credential: dict[str, Any]) -> None:
    return None


def _honest(creation: Creation) -> None:
    return None


@dataclass(frozen=True)
class RegistrationCase:
    name: str
    code: Refusal
    spoil: Callable[[Creation], None] = _honest
    tamper: Tamper = field(default=_leave)


def client(**members: Any) -> Callable[[Creation], None]:
    return lambda creation: creation.client_data.update(members)


def without(name: str) -> Callable[[Creation], None]:
    def spoil(creation: Creation) -> None:
        del creation.client_data[name]

    return spoil


def raw_client(change: Callable[[str], bytes]) -> Callable[[Creation], None]:
    def spoil(creation: Creation) -> None:
        creation.raw_client_data = change(json.dumps(creation.client_data))

    return spoil


def put(**values: Any) -> Callable[[Creation], None]:
    def spoil(creation: Creation) -> None:
        for name, value in values.items():
            setattr(creation, name, value)

    return spoil


def key(cose: Any) -> Callable[[Creation], None]:
    """Another COSE key: a value to be encoded, CBOR as bytes, or a function of the honest one."""

    def spoil(creation: Creation) -> None:
        creation.cose = cose(creation.cose) if callable(cose) else cose

    return spoil


def top(**members: Any) -> Tamper:
    return lambda credential: credential.update(members)


def drop(name: str) -> Tamper:
    def tamper(credential: dict[str, Any]) -> None:
        del credential[name]

    return tamper


def inner(**members: Any) -> Tamper:
    return lambda credential: credential["response"].update(members)


def drop_inner(name: str) -> Tamper:
    def tamper(credential: dict[str, Any]) -> None:
        del credential["response"][name]

    return tamper


def statement(format: object, value: object) -> Callable[[Creation], None]:
    return put(format=format, statement=lambda auth_data, client_hash: value)


def self_attested(
    algorithm: int = ES256, other: PrivateKey | None = None, **more: object
) -> Callable[[Creation], None]:
    """Packed self-attestation, signed by a key that is not the credential's."""
    signer = other or ec.generate_private_key(ec.SECP256R1())

    def made(auth_data: bytes, client_hash: bytes) -> object:
        return {"alg": algorithm, "sig": sign(signer, auth_data + client_hash), **more}

    return put(format="packed", statement=made)


def curve_point(x: int, y: int) -> dict[int, object]:
    return {1: 2, 3: ES256, -1: 1, -2: number(x, 32), -3: number(y, 32)}


@cache
def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def rsa_cose(modulus: int, exponent: int = 65537) -> dict[int, object]:
    return {1: 3, 3: RS256, -1: number(modulus), -2: number(exponent)}


def changed(**members: Any) -> Callable[[dict[int, object]], dict[int, object]]:
    """The honest COSE key with members changed by name; None leaves one out."""
    labels = {"kty": 1, "alg": 3, "crv": -1, "x": -2, "y": -3}

    def change(cose: dict[int, object]) -> dict[int, object]:
        made = {**cose, **{labels[name]: value for name, value in members.items()}}
        return {label: value for label, value in made.items() if value is not None}

    return change


R = Refusal
MODULUS = (1 << 2047) + 2**1000 + 1
DEEP = b"\x81" * 15_000 + b"\x00"

CASES: tuple[RegistrationCase, ...] = (
    # The envelope.
    RegistrationCase("response missing", R.SHAPE, tamper=drop("response")),
    RegistrationCase("response a list", R.SHAPE, tamper=top(response=[])),
    RegistrationCase("id missing", R.SHAPE, tamper=drop("id")),
    RegistrationCase("id an integer", R.SHAPE, tamper=top(id=7)),
    RegistrationCase("id empty", R.ID_LENGTH, tamper=top(id="", rawId="")),
    RegistrationCase("id of 15 bytes", R.ID_LENGTH, put(credential_id=b"i" * 15)),
    RegistrationCase("id of 1024 bytes", R.TOO_LARGE, put(credential_id=b"i" * 1024)),
    RegistrationCase("id padded too much", R.BASE64URL, tamper=top(id="AAAAAAAAAAAAAAAAAAAAAA===")),
    RegistrationCase("id padded too little", R.BASE64URL, tamper=top(id="AAAAAAAAAAAAAAAAAAAAAA=")),
    RegistrationCase("id padded inside", R.BASE64URL, tamper=top(id="AAAA==AAAAAAAAAAAAAAAAAAAA")),
    RegistrationCase("id with stray bits", R.BASE64URL, tamper=top(id="AAAAAAAAAAAAAAAAAAAAAB")),
    RegistrationCase("id with junk inside", R.BASE64URL, tamper=top(id="AAAA\nAAAAAAAAAAAAAAAAAA")),
    RegistrationCase("rawId another", R.ID_MISMATCH, tamper=top(rawId=b64(b"r" * 32))),
    RegistrationCase("rawId missing", R.ID_MISMATCH, tamper=drop("rawId")),
    RegistrationCase(
        "id not the one signed", R.ID_MISMATCH, tamper=top(id=b64(b"r" * 32), rawId=b64(b"r" * 32))
    ),
    RegistrationCase("type password", R.TYPE, tamper=top(type="password")),
    RegistrationCase("type missing", R.TYPE, tamper=drop("type")),
    RegistrationCase("client data an integer", R.SHAPE, tamper=inner(clientDataJSON=7)),
    RegistrationCase("client data missing", R.SHAPE, tamper=drop_inner("clientDataJSON")),
    RegistrationCase("client data not base64url", R.BASE64URL, tamper=inner(clientDataJSON="{}")),
    RegistrationCase("client data too large", R.TOO_LARGE, client(padding="x" * 5000)),
    RegistrationCase("attestation object missing", R.SHAPE, tamper=drop_inner("attestationObject")),
    RegistrationCase(
        "attestation object of 4 MB", R.TOO_LARGE, tamper=inner(attestationObject="A" * 4_000_000)
    ),
    RegistrationCase(
        "an assertion instead",
        R.SHAPE,
        tamper=lambda c: c.update(response={**c["response"], "attestationObject": None}),
    ),
    # The client data.
    RegistrationCase("challenge another", R.CHALLENGE, client(challenge=b64(b"c" * 32))),
    RegistrationCase(
        "challenge shortened",
        R.CHALLENGE,
        lambda c: c.client_data.update(challenge=c.client_data["challenge"][:-4]),
    ),
    RegistrationCase("challenge empty", R.CHALLENGE, client(challenge="")),
    RegistrationCase("challenge absent", R.CHALLENGE, without("challenge")),
    RegistrationCase("challenge an integer", R.CHALLENGE, client(challenge=7)),
    RegistrationCase(
        "challenge with junk inside",
        R.CHALLENGE,
        lambda c: c.client_data.update(challenge="!" + c.client_data["challenge"]),
    ),
    RegistrationCase(
        "challenge padded",
        R.CHALLENGE,
        lambda c: c.client_data.update(challenge=c.client_data["challenge"] + "="),
    ),
    RegistrationCase("type of the other ceremony", R.CEREMONY, client(type="webauthn.get")),
    RegistrationCase("type of a payment", R.CEREMONY, client(type="payment.get")),
    RegistrationCase("type absent", R.CEREMONY, without("type")),
    RegistrationCase("origin with a port", R.ORIGIN, client(origin="https://pay.example:8443")),
    RegistrationCase("origin by http", R.ORIGIN, client(origin="http://pay.example")),
    RegistrationCase("origin with a suffix", R.ORIGIN, client(origin="https://pay.example.evil.example")),
    RegistrationCase("origin of a subdomain", R.ORIGIN, client(origin="https://shop.pay.example")),
    RegistrationCase("origin with a slash", R.ORIGIN, client(origin="https://pay.example/")),
    RegistrationCase("origin in capitals", R.ORIGIN, client(origin="https://PAY.example")),
    RegistrationCase("origin null", R.ORIGIN, client(origin=None)),
    RegistrationCase("origin a list", R.ORIGIN, client(origin=["https://pay.example"])),
    RegistrationCase("origin absent", R.ORIGIN, without("origin")),
    RegistrationCase("cross-origin", R.CROSS_ORIGIN, client(crossOrigin=True)),
    RegistrationCase("cross-origin as text", R.CROSS_ORIGIN, client(crossOrigin="true")),
    RegistrationCase("cross-origin null", R.CROSS_ORIGIN, client(crossOrigin=None)),
    RegistrationCase("top origin of a foreign page", R.TOP_ORIGIN, client(topOrigin="https://evil.example")),
    RegistrationCase(
        "token binding present", R.TOKEN_BINDING, client(tokenBinding={"status": "present", "id": "x"})
    ),
    RegistrationCase("token binding as text", R.TOKEN_BINDING, client(tokenBinding="present")),
    RegistrationCase("client data in UTF-16", R.CLIENT_DATA, raw_client(lambda text: text.encode("utf-16"))),
    RegistrationCase(
        "client data not UTF-8", R.CLIENT_DATA, raw_client(lambda text: b"\xff" + text.encode())
    ),
    RegistrationCase(
        "client data with two marks",
        R.CLIENT_DATA,
        raw_client(lambda text: 2 * b"\xef\xbb\xbf" + text.encode()),
    ),
    RegistrationCase(
        "client data with a mark inside",
        R.CLIENT_DATA,
        raw_client(lambda text: text.encode() + b"\xef\xbb\xbf"),
    ),
    RegistrationCase(
        "client data names a member twice",
        R.CLIENT_DATA,
        raw_client(lambda text: (text[:-1] + ',"origin":"https://pay.example"}').encode()),
    ),
    RegistrationCase("client data an array", R.CLIENT_DATA, raw_client(lambda text: b"[]")),
    RegistrationCase("client data empty", R.CLIENT_DATA, raw_client(lambda text: b"")),
    RegistrationCase("client data 4 000 deep", R.CLIENT_DATA, raw_client(lambda text: b"[" * 4000)),
    # The authenticator data.
    RegistrationCase("relying party another", R.RELYING_PARTY, put(rp_id="evil.example")),
    RegistrationCase("user not present", R.USER_PRESENCE, put(flags=UV | AT)),
    RegistrationCase("user not verified", R.USER_VERIFICATION, put(flags=UP | AT)),
    RegistrationCase("no credential inside", R.ATTESTED_DATA, put(flags=UP | UV)),
    RegistrationCase("backed up but not eligible", R.BACKUP_FLAGS, put(flags=UP | UV | AT | BS)),
    RegistrationCase("extensions flagged, none there", R.ATTESTATION_OBJECT, put(flags=UP | UV | AT | ED)),
    RegistrationCase("authenticator data with a byte too many", R.ATTESTATION_OBJECT, put(tail=b"\x00")),
    RegistrationCase("authenticator data of 36 bytes", R.ATTESTATION_OBJECT, put(raw_auth_data=bytes(36))),
    RegistrationCase("authenticator data as text", R.ATTESTATION_OBJECT, put(raw_auth_data="text")),
    RegistrationCase(
        "credential id cut off",
        R.ATTESTATION_OBJECT,
        lambda c: setattr(c, "raw_auth_data", c.auth_data()[:60]),
    ),
    # The key.
    RegistrationCase("algorithm RS1", R.ALGORITHM, key(lambda c: cose_of(rsa_key(2048), -65535))),
    RegistrationCase(
        "algorithm ES384",
        R.ALGORITHM,
        key(lambda c: cose_of(ec.generate_private_key(ec.SECP384R1()), -35)),
    ),
    RegistrationCase("algorithm EdDSA", R.ALGORITHM, key({1: 1, 3: -8, -1: 6, -2: bytes(31) + b"\x01"})),
    RegistrationCase("RSA of 1024 bits", R.PUBLIC_KEY, key(lambda c: cose_of(rsa_key(1024)))),
    RegistrationCase("RSA of 8192 bits", R.PUBLIC_KEY, key(rsa_cose((1 << 8191) + 1))),
    RegistrationCase("RSA of 65 536 bits", R.PUBLIC_KEY, key(rsa_cose((1 << 65535) + 1))),
    RegistrationCase("RSA exponent 1", R.PUBLIC_KEY, key(rsa_cose(MODULUS, 1))),
    RegistrationCase("RSA exponent 3", R.PUBLIC_KEY, key(rsa_cose(MODULUS, 3))),
    RegistrationCase("EC key labelled RS256", R.PUBLIC_KEY, key(changed(alg=RS256))),
    RegistrationCase("RSA key labelled ES256", R.PUBLIC_KEY, key(lambda c: cose_of(rsa_key(2048), ES256))),
    RegistrationCase(
        "P-384 key labelled ES256",
        R.PUBLIC_KEY,
        key(lambda c: cose_of(ec.generate_private_key(ec.SECP384R1()), ES256)),
    ),
    RegistrationCase("point off the curve", R.PUBLIC_KEY, key(curve_point(1, 1))),
    RegistrationCase("point at zero", R.PUBLIC_KEY, key(curve_point(0, 0))),
    RegistrationCase("P-521 label on a P-256 point", R.PUBLIC_KEY, key(changed(crv=3))),
    RegistrationCase("key type missing", R.PUBLIC_KEY, key(changed(kty=None))),
    RegistrationCase("algorithm missing", R.PUBLIC_KEY, key(changed(alg=None))),
    RegistrationCase("coordinate missing", R.PUBLIC_KEY, key(changed(y=None))),
    RegistrationCase("coordinate an integer", R.PUBLIC_KEY, key(changed(x=7))),
    RegistrationCase("coordinate as text", R.PUBLIC_KEY, key(changed(y="y"))),
    RegistrationCase("algorithm as text", R.ALGORITHM, key(changed(alg="ES256"))),
    RegistrationCase("key the integer 4", R.PUBLIC_KEY, key(b"\x04")),
    RegistrationCase("key a list", R.PUBLIC_KEY, key([1, 2])),
    RegistrationCase(
        "key names a member twice",
        R.ATTESTATION_OBJECT,
        key(lambda cose: b"\xa6" + cbor.encode(cose)[1:] + b"\x01\x02"),
    ),
    RegistrationCase(
        "key of unknown length",
        R.ATTESTATION_OBJECT,
        key(lambda cose: b"\xbf" + cbor.encode(cose)[1:] + b"\xff"),
    ),
    # The attestation statement.
    RegistrationCase(
        "none with a signature", R.ATTESTATION_STATEMENT, statement("none", {"sig": b"s", "alg": ES256})
    ),
    RegistrationCase("format unknown", R.ATTESTATION_STATEMENT, statement("made-up", {})),
    RegistrationCase("format compound", R.ATTESTATION_STATEMENT, statement("compound", [])),
    RegistrationCase("format an integer", R.ATTESTATION_STATEMENT, statement(7, {})),
    *(
        RegistrationCase(f"{name} with an empty statement", R.ATTESTATION_STATEMENT, statement(name, {}))
        for name in ("packed", "tpm", "android-key", "android-safetynet", "apple", "fido-u2f")
    ),
    RegistrationCase("packed by another key", R.ATTESTATION_STATEMENT, self_attested()),
    RegistrationCase("packed by another algorithm", R.ATTESTATION_STATEMENT, self_attested(RS256)),
    RegistrationCase("packed with a junk certificate", R.ATTESTATION_CHAIN, self_attested(x5c=[b"junk"])),
    RegistrationCase("packed with no certificate", R.ATTESTATION_STATEMENT, self_attested(x5c=[])),
    # The attestation object.
    RegistrationCase("object not CBOR", R.ATTESTATION_OBJECT, put(raw_object=b"\xff\xff")),
    RegistrationCase("object empty", R.ATTESTATION_OBJECT, put(raw_object=b"")),
    RegistrationCase("object an array", R.ATTESTATION_OBJECT, put(raw_object=b"\x80")),
    RegistrationCase(
        "object without authenticator data",
        R.ATTESTATION_OBJECT,
        put(raw_object=cbor.encode({"fmt": "none", "attStmt": {}})),
    ),
    RegistrationCase("object 15 000 deep", R.ATTESTATION_OBJECT, put(raw_object=DEEP)),
    RegistrationCase(
        "object claims 2^31 bytes", R.ATTESTATION_OBJECT, put(raw_object=b"\x5a\x80\x00\x00\x00")
    ),
    RegistrationCase(
        "object claims 2^63 bytes", R.ATTESTATION_OBJECT, put(raw_object=b"\x5b\x80" + bytes(7))
    ),
    RegistrationCase(
        "object claims a million items", R.ATTESTATION_OBJECT, put(raw_object=b"\x9a\x00\x0f\x42\x40")
    ),
    RegistrationCase(
        "object a huge number", R.ATTESTATION_OBJECT, put(raw_object=b"\xc2\x59\x03\xe8" + b"\xff" * 1000)
    ),
    RegistrationCase(
        "object a power of ten", R.ATTESTATION_OBJECT, put(raw_object=b"\xc4\x82\x1a\x7f\xff\xff\xff\x01")
    ),
    RegistrationCase("object a pattern", R.ATTESTATION_OBJECT, put(raw_object=b"\xd8\x23\x68(a+)+$xx")),
    RegistrationCase(
        "object refers to itself", R.ATTESTATION_OBJECT, put(raw_object=b"\xd8\x1c\x81\xd8\x1d\x00")
    ),
)
