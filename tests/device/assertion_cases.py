"""Assertions that must be refused, each with the code of the check that refuses it.

As for registrations, `spoil` comes before the signature and `tamper` after it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor

from authsvc.device.refusal import Refusal
from tests.device.registration_cases import R, Tamper, drop, drop_inner, inner, top
from tests.support.authenticator import (
    AT,
    BE,
    BS,
    ED,
    UP,
    UV,
    Authenticator,
    Request,
    b64,
    cose_of,
    number,
    sign,
    unb64,
)


def _leave(credential: dict[str, Any]) -> None:
    return None


def _honest(request: Request) -> None:
    return None


@dataclass(frozen=True)
class AssertionCase:
    """`flags` are the backup flags that the key was registered with."""

    name: str
    code: Refusal
    spoil: Callable[[Request], None] = _honest
    tamper: Tamper = field(default=_leave)
    flags: int = 0


def client(**members: Any) -> Callable[[Request], None]:
    return lambda request: request.client_data.update(members)


def without(name: str) -> Callable[[Request], None]:
    def spoil(request: Request) -> None:
        del request.client_data[name]

    return spoil


def raw_client(change: Callable[[str], bytes]) -> Callable[[Request], None]:
    def spoil(request: Request) -> None:
        request.raw_client_data = change(json.dumps(request.client_data))

    return spoil


def put(**values: Any) -> Callable[[Request], None]:
    def spoil(request: Request) -> None:
        for name, value in values.items():
            setattr(request, name, value)

    return spoil


def signed(change: Callable[[bytes], bytes]) -> Tamper:
    """The signature, changed."""

    def tamper(credential: dict[str, Any]) -> None:
        response = credential["response"]
        response["signature"] = b64(change(unb64(response["signature"])))

    return tamper


def data(change: Callable[[bytes], bytes]) -> Tamper:
    """The authenticator data, changed after it was signed."""

    def tamper(credential: dict[str, Any]) -> None:
        response = credential["response"]
        response["authenticatorData"] = b64(change(unb64(response["authenticatorData"])))

    return tamper


def raise_flag(flag: int) -> Tamper:
    return data(lambda raw: raw[:32] + bytes([raw[32] | flag]) + raw[33:])


def attested(request: Request) -> None:
    """A new credential inside of an assertion."""
    new = bytes(16) + number(32, 2) + b"n" * 32 + cbor.encode(cose_of(request.key))
    request.flags, request.tail = UP | UV | AT, new


OTHER_KEY = ec.generate_private_key(ec.SECP256R1())

CASES: tuple[AssertionCase, ...] = (
    # The envelope.
    AssertionCase("id missing", R.SHAPE, tamper=drop("id")),
    AssertionCase("id an integer", R.SHAPE, tamper=top(id=7)),
    AssertionCase("id empty", R.ID_LENGTH, tamper=top(id="", rawId="")),
    AssertionCase("id of 4 MB", R.TOO_LARGE, tamper=top(id="A" * 4_000_000)),
    AssertionCase("id padded too much", R.BASE64URL, tamper=lambda c: c.update(id=c["id"] + "==")),
    AssertionCase("id of nobody", R.NOT_OFFERED, tamper=top(id=b64(b"n" * 32), rawId=b64(b"n" * 32))),
    AssertionCase("rawId another", R.ID_MISMATCH, tamper=top(rawId=b64(b"n" * 32))),
    AssertionCase("type password", R.TYPE, tamper=top(type="password")),
    AssertionCase("client data an integer", R.SHAPE, tamper=inner(clientDataJSON=7)),
    AssertionCase("client data missing", R.SHAPE, tamper=drop_inner("clientDataJSON")),
    AssertionCase("client data too large", R.TOO_LARGE, client(padding="x" * 5000)),
    AssertionCase("authenticator data missing", R.SHAPE, tamper=drop_inner("authenticatorData")),
    AssertionCase("authenticator data not base64url", R.BASE64URL, tamper=inner(authenticatorData="a b c d")),
    AssertionCase("user handle an integer", R.SHAPE, tamper=inner(userHandle=7)),
    AssertionCase("user handle not ASCII", R.BASE64URL, tamper=inner(userHandle="ÄÖÜß")),
    AssertionCase("user handle of 65 bytes", R.TOO_LARGE, tamper=inner(userHandle=b64(bytes(68)))),
    AssertionCase(
        "a registration instead",
        R.SHAPE,
        tamper=lambda c: c.update(
            response={"clientDataJSON": c["response"]["clientDataJSON"], "attestationObject": "oA"}
        ),
    ),
    # The client data.
    AssertionCase("challenge another", R.CHALLENGE, client(challenge=b64(b"c" * 32))),
    AssertionCase(
        "challenge shortened",
        R.CHALLENGE,
        lambda r: r.client_data.update(challenge=r.client_data["challenge"][:-4]),
    ),
    AssertionCase("challenge empty", R.CHALLENGE, client(challenge="")),
    AssertionCase("challenge absent", R.CHALLENGE, without("challenge")),
    AssertionCase("challenge an integer", R.CHALLENGE, client(challenge=7)),
    AssertionCase(
        "challenge with junk inside",
        R.CHALLENGE,
        lambda r: r.client_data.update(challenge="!" + r.client_data["challenge"]),
    ),
    AssertionCase("type of the other ceremony", R.CEREMONY, client(type="webauthn.create")),
    AssertionCase("type of a payment that was not offered", R.CEREMONY, client(type="payment.get")),
    AssertionCase("type absent", R.CEREMONY, without("type")),
    AssertionCase("origin with a port", R.ORIGIN, client(origin="https://pay.example:8443")),
    AssertionCase("origin by http", R.ORIGIN, client(origin="http://pay.example")),
    AssertionCase("origin with a suffix", R.ORIGIN, client(origin="https://pay.example.evil.example")),
    AssertionCase("origin of a subdomain", R.ORIGIN, client(origin="https://shop.pay.example")),
    AssertionCase("origin with a slash", R.ORIGIN, client(origin="https://pay.example/")),
    AssertionCase("origin in capitals", R.ORIGIN, client(origin="https://PAY.example")),
    AssertionCase("origin null", R.ORIGIN, client(origin=None)),
    AssertionCase("origin a list", R.ORIGIN, client(origin=["https://pay.example"])),
    AssertionCase("cross-origin", R.CROSS_ORIGIN, client(crossOrigin=True)),
    AssertionCase("cross-origin as text", R.CROSS_ORIGIN, client(crossOrigin="true")),
    AssertionCase("top origin of a foreign page", R.TOP_ORIGIN, client(topOrigin="https://evil.example")),
    AssertionCase(
        "token binding present", R.TOKEN_BINDING, client(tokenBinding={"status": "present", "id": "x"})
    ),
    AssertionCase("client data in UTF-16", R.CLIENT_DATA, raw_client(lambda text: text.encode("utf-16"))),
    AssertionCase("client data not UTF-8", R.CLIENT_DATA, raw_client(lambda text: b"\xff" + text.encode())),
    AssertionCase(
        "client data names a member twice",
        R.CLIENT_DATA,
        raw_client(lambda text: (text[:-1] + ',"origin":"https://pay.example"}').encode()),
    ),
    AssertionCase("client data an array", R.CLIENT_DATA, raw_client(lambda text: b"[]")),
    AssertionCase("client data empty", R.CLIENT_DATA, raw_client(lambda text: b"")),
    AssertionCase("client data 4 000 deep", R.CLIENT_DATA, raw_client(lambda text: b"[" * 4000)),
    # The authenticator data.
    AssertionCase("relying party another", R.RELYING_PARTY, put(rp_id="evil.example")),
    AssertionCase("user not present", R.USER_PRESENCE, put(flags=UV)),
    AssertionCase("user not verified", R.USER_VERIFICATION, put(flags=UP)),
    AssertionCase("backed up but not eligible", R.BACKUP_FLAGS, put(flags=UP | UV | BS)),
    AssertionCase("no longer eligible", R.BACKUP_ELIGIBILITY, put(flags=UP | UV), flags=BE | BS),
    AssertionCase("a new credential inside", R.ATTESTED_DATA, attested),
    AssertionCase("extensions flagged, none there", R.AUTHENTICATOR_DATA, put(flags=UP | UV | ED)),
    AssertionCase("authenticator data with a byte too many", R.AUTHENTICATOR_DATA, put(tail=b"\x00")),
    AssertionCase("authenticator data of 36 bytes", R.AUTHENTICATOR_DATA, put(raw_auth_data=bytes(36))),
    AssertionCase("authenticator data empty", R.AUTHENTICATOR_DATA, tamper=inner(authenticatorData="")),
    # The user and the signature.
    AssertionCase("user handle another", R.USER_HANDLE, put(handle=b"h" * 32)),
    AssertionCase(
        "user handle cut off", R.USER_HANDLE, lambda r: setattr(r, "handle", (r.handle or b"")[:-1])
    ),
    AssertionCase("signature of another key", R.SIGNATURE, put(key=OTHER_KEY)),
    AssertionCase(
        "signature with a bit turned", R.SIGNATURE, tamper=signed(lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]))
    ),
    AssertionCase("signature with a byte too many", R.SIGNATURE, tamper=signed(lambda raw: raw + b"\x00")),
    AssertionCase("signature empty", R.SIGNATURE, tamper=inner(signature="")),
    AssertionCase("signature absent", R.SHAPE, tamper=drop_inner("signature")),
    AssertionCase("signature of 2 kB", R.TOO_LARGE, tamper=inner(signature="A" * 2048)),
    AssertionCase(
        "signature from another message", R.SIGNATURE, tamper=signed(lambda raw: sign(OTHER_KEY, b"else"))
    ),
    AssertionCase("verification claimed after signing", R.SIGNATURE, put(flags=UP), tamper=raise_flag(UV)),
    AssertionCase("count raised after signing", R.SIGNATURE, tamper=data(lambda raw: raw[:-1] + b"\xff")),
    AssertionCase(
        "client data changed after signing",
        R.SIGNATURE,
        tamper=lambda c: c["response"].update(
            clientDataJSON=b64(unb64(c["response"]["clientDataJSON"])[:-1] + b" }")
        ),
    ),
)


def phone_for(case: AssertionCase, origin: str) -> Authenticator:
    return Authenticator(origin, flags=case.flags)


def answer_to(case: AssertionCase, phone: Authenticator, options: dict[str, Any]) -> dict[str, Any]:
    """The spoiled answer to request options."""
    request = phone.get(options)
    if case.flags:
        request.flags = UP | UV | case.flags
    case.spoil(request)
    credential = request.to_json()
    case.tamper(credential)
    return credential
