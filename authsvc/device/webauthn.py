"""py_webauthn behind a page: options made, bytes read, signatures and attestation statements verified.

The only file that has heard of the library. Whatever it raises on crafted input leaves here as Refused; the checks that
it leaves to the relying party are in `registration.py` and `assertion.py`.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pyasn1.codec.der.decoder import decode as decode_der
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    aaguid_to_string,
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    encode_cbor,
    options_to_json_dict,
    parse_attestation_object,
    parse_authenticator_data,
    parse_cbor,
    structs,
    verify_signature,
)
from webauthn.helpers.asn1.android_key import KeyDescription
from webauthn.helpers.cose import COSEAlgorithmIdentifier

from authsvc.device.authenticator_data import AuthenticatorData, NewKey
from authsvc.device.public_key import ALGORITHMS
from authsvc.device.refusal import Refusal, Refused
from authsvc.device.relying_party import RelyingParty
from authsvc.device.response import LONGEST_ID, AssertionResponse, RegistrationResponse, unbase64url

TIMEOUT_MS = 120_000

Options = dict[str, Any]  # Any: the JSON form of WebAuthn's own dictionaries, handed on as it is.
Found = TypeVar("Found")

_PINNED = (structs.AttestationFormat.ANDROID_KEY, structs.AttestationFormat.APPLE)
_ALGORITHMS = [COSEAlgorithmIdentifier(number) for number in ALGORITHMS]


@dataclass(frozen=True, slots=True)
class Offer:
    """A credential that is named to the browser."""

    id: str
    transports: tuple[str, ...] = ()

    def descriptor(self) -> structs.PublicKeyCredentialDescriptor:
        transports = [structs.AuthenticatorTransport(name) for name in self.transports]
        return structs.PublicKeyCredentialDescriptor(
            id=unbase64url(self.id, LONGEST_ID), transports=transports or None
        )


@dataclass(frozen=True, slots=True)
class Attested:
    """An attestation object, read but not believed; `certificates` is the statement's chain, the leaf first.

    `is_vouched_for` says that the statement rests on the word of a manufacturer and not on the key alone.
    """

    data: AuthenticatorData
    format: str
    certificates: tuple[bytes, ...]
    is_vouched_for: bool


def creation_options(
    party: RelyingParty,
    user: str,
    user_handle: bytes,
    challenge: bytes,
    excluded: Sequence[Offer],
    *,
    attestation: bool,
) -> Options:
    """Options for `navigator.credentials.create()`: user verification always, a discoverable key where there can be one."""
    options = generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=user_handle,
        user_name=user,
        user_display_name=user,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        attestation=structs.AttestationConveyancePreference("direct" if attestation else "none"),
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.PREFERRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[each.descriptor() for each in excluded],
        supported_pub_key_algs=_ALGORITHMS,
        hints=[structs.PublicKeyCredentialHint.CLIENT_DEVICE],
    )
    return options_to_json_dict(options)


def request_options(
    party: RelyingParty, challenge: bytes, offered: Sequence[Offer], *, user_verification: bool
) -> Options:
    """Options for `navigator.credentials.get()`; raises ValueError when nothing is offered."""
    if not offered:
        raise ValueError("an empty list of credentials would admit every discoverable one")
    wanted = "required" if user_verification else "discouraged"
    options = generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        allow_credentials=[each.descriptor() for each in offered],
        user_verification=structs.UserVerificationRequirement(wanted),
    )
    return options_to_json_dict(options)


def read_attestation(raw: bytes) -> Attested:
    """The parts of an attestation object; raises Refused."""
    found = _asked(Refusal.ATTESTATION_OBJECT, lambda: parse_attestation_object(raw))
    statement = found.att_stmt
    # SafetyNet has its certificates inside of a signed response.
    vouched = bool(statement.x5c) or statement.response is not None
    return Attested(_data(found.auth_data), str(found.fmt), tuple(statement.x5c or ()), vouched)


@dataclass(frozen=True, slots=True)
class AndroidKeyDescription:
    """What Android's key store says of a key that it made, and of the app and the phone for which.

    `level` is 0 for software, 1 for a trusted environment, 2 for a chip of its own; `is_locked` that nobody has changed the
    system which runs. `signers` are SHA-256 digests of the certificates that the app was signed with.
    """

    challenge: bytes
    level: int
    is_locked: bool
    is_generated: bool
    packages: frozenset[str]
    signers: frozenset[bytes]


def read_key_description(raw: bytes) -> AndroidKeyDescription:
    """The extension 1.3.6.1.4.1.11129.2.1.17; raises Refused, also for a byte too many."""
    return _asked(Refusal.ATTESTATION_PROFILE, lambda: _key_description(raw))


def read_app_attestation(raw: bytes) -> tuple[AuthenticatorData, bytes, tuple[bytes, ...]]:
    """Of an attestation object of Apple's App Attest its data, these as bytes, and the chain; raises Refused."""

    def parts() -> tuple[bytes, tuple[bytes, ...]]:
        found = parse_cbor(raw)
        if found["fmt"] != "apple-appattest":
            raise Refused(Refusal.ATTESTATION_FORMAT)
        return bytes(found["authData"]), tuple(map(bytes, found["attStmt"]["x5c"]))

    data, certificates = _asked(Refusal.ATTESTATION_OBJECT, parts)
    return read_authenticator_data(data), data, certificates


def read_authenticator_data(raw: bytes) -> AuthenticatorData:
    """The parts of authenticator data; raises Refused, also for a byte too many."""
    return _data(_asked(Refusal.AUTHENTICATOR_DATA, lambda: parse_authenticator_data(raw)))


def read_public_key(cose: bytes) -> tuple[object, object]:
    """The key of `cryptography` that a COSE key describes, and the algorithm it names; raises Refused."""
    decoded = _asked(Refusal.PUBLIC_KEY, lambda: decode_credential_public_key(cose))
    key = _asked(Refusal.PUBLIC_KEY, lambda: decoded_public_key_to_cryptography(decoded))
    return key, decoded.alg


def verify_statement(
    party: RelyingParty, response: RegistrationResponse, challenge: bytes, path: Sequence[bytes] = ()
) -> None:
    """Raises Refused unless the attestation statement is signed as its format wants it.

    Which chains are trusted was asked in `attestation.py`, which found this `path` (DER) to a root. The library pins roots of
    its own for two formats; there it is given this one.
    """
    roots = [ssl.DER_cert_to_PEM_cert(root).encode() for root in path[-1:]]
    _asked(
        Refusal.ATTESTATION_STATEMENT,
        lambda: verify_registration_response(
            credential=_along(path, response).to_json(),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            require_user_verification=True,
            supported_pub_key_algs=_ALGORITHMS,
            pem_root_certs_bytes_by_fmt=dict.fromkeys(_PINNED, roots),
        ),
    )


def verify_authentication(
    party: RelyingParty,
    response: AssertionResponse,
    challenge: bytes,
    public_key: bytes,
    *,
    user_verification: bool,
) -> None:
    """Raises Refused unless this key has signed the assertion; all that the library checks besides is checked once more."""
    _asked(
        Refusal.SIGNATURE,
        lambda: verify_authentication_response(
            credential=response.to_json(),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            credential_public_key=public_key,
            # The library compares counts before signatures: a forgery could make a good key look cloned.
            credential_current_sign_count=0,
            require_user_verification=user_verification,
        ),
    )


def verify_confirmation(response: AssertionResponse, public_key: bytes) -> None:
    """Raises Refused unless this key has signed: the signature alone, since the library knows no `payment.get`."""
    decoded = decode_credential_public_key(public_key)
    _asked(
        Refusal.SIGNATURE,
        lambda: verify_signature(
            public_key=decoded_public_key_to_cryptography(decoded),
            signature_alg=decoded.alg,
            signature=response.signature,
            data=response.authenticator_data + hashlib.sha256(response.client_data).digest(),
        ),
    )


def _along(path: Sequence[bytes], response: RegistrationResponse) -> RegistrationResponse:
    """The same answer with a chain up to its root, without which the library takes no Android key."""
    parts = parse_cbor(response.attestation_object)
    if not path or parts["fmt"] != structs.AttestationFormat.ANDROID_KEY:
        return response
    completed = {**parts, "attStmt": {**parts["attStmt"], "x5c": list(path)}}
    return replace(response, attestation_object=encode_cbor(completed))


def _data(found: structs.AuthenticatorData) -> AuthenticatorData:
    flags, attested = found.flags, found.attested_credential_data
    new_key = None
    if attested is not None:
        aaguid = _asked(Refusal.ATTESTED_DATA, lambda: aaguid_to_string(attested.aaguid))
        new_key = NewKey(aaguid, attested.credential_id, attested.credential_public_key)
    return AuthenticatorData(
        rp_id_hash=found.rp_id_hash,
        user_present=flags.up,
        user_verified=flags.uv,
        backup_eligible=flags.be,
        backed_up=flags.bs,
        sign_count=found.sign_count,
        new_key=new_key,
    )


def _key_description(raw: bytes) -> AndroidKeyDescription:
    found, rest = decode_der(raw, asn1Spec=KeyDescription())
    soft, hard = found["softwareEnforced"], found["teeEnforced"]
    app, after = decode_der(bytes(soft["attestationApplicationId"]))
    if rest or after:
        raise ValueError("bytes behind the end")
    root = hard["rootOfTrust"]
    return AndroidKeyDescription(
        challenge=bytes(found["attestationChallenge"]),
        level=min(int(found["attestationSecurityLevel"]), int(found["keymasterSecurityLevel"])),
        is_locked=bool(root["deviceLocked"]) and int(root["verifiedBootState"]) == 0,
        is_generated=int(hard["origin"]) == 0,
        packages=frozenset(bytes(each[0]).decode() for each in app[0]),
        signers=frozenset(map(bytes, app[1])),
    )


def _asked(code: Refusal, question: Callable[[], Found]) -> Found:
    """What the library answers, or Refused."""
    try:
        return question()
    except Exception:  # noqa: BLE001  # Crafted input makes it raise KeyError, IndexError and more besides its own.
        raise Refused(code) from None
