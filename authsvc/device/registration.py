"""A person makes a device key: the registration ceremony, in the order of WebAuthn L3 §7.1.

Pure but for the nonces: the caller keeps the private half, uses it up, and stores the record that comes of it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from authsvc.clock import from_millis, to_millis
from authsvc.device.attestation import TrustedModels, parsed
from authsvc.device.client_data import CREATE, check_client_data, read_client_data
from authsvc.device.public_key import check_usable
from authsvc.device.record import CredentialRecord
from authsvc.device.refusal import Refusal, Refused, require
from authsvc.device.relying_party import RelyingParty
from authsvc.device.response import RegistrationResponse, base64url, unbase64url
from authsvc.device.webauthn import (
    Offer,
    Options,
    creation_options,
    read_attestation,
    read_public_key,
    verify_statement,
)
from authsvc.errors import InvalidRequest
from authsvc.factor import Begun, Json
from authsvc.subject import Subject

CEREMONY_LIFE = timedelta(seconds=120)
CHALLENGE_BYTES = 32
HANDLE_BYTES = 32
MOST_CREDENTIALS = 10


def begin_registration(
    party: RelyingParty,
    subject: Subject,
    live: Sequence[CredentialRecord],
    now: datetime,
    *,
    account_name: str | None = None,
    user_handle: bytes | None = None,
    attestation: bool = False,
    pays: bool = False,
) -> Begun:
    """Options for the browser, and what must be kept until it answers.

    `live` are the user's usable credentials, which a browser will not make twice; a removed one is not among them and so
    does not stand in the way. `account_name` is what phones write beside the key, by default the user's id. `user_handle` is the
    one that the user has already, None before the first credential. `pays` makes a key for Secure Payment Confirmation.
    Raises InvalidRequest for a user with ten credentials.
    """
    if len(live) >= MOST_CREDENTIALS:
        raise InvalidRequest(f"a user has at most {MOST_CREDENTIALS} device keys; remove one first")
    challenge = secrets.token_bytes(CHALLENGE_BYTES)
    handle = secrets.token_bytes(HANDLE_BYTES) if user_handle is None else user_handle
    excluded = [Offer(each.id, each.transports) for each in live]
    name = subject.user if account_name is None else account_name
    options = creation_options(party, name, handle, challenge, excluded, attestation=attestation)
    kept = {
        "challenge": base64url(challenge),
        "user_handle": base64url(handle),
        "pays": pays,
        "expires_at": to_millis(now + CEREMONY_LIFE),
    }
    return Begun(sent={"publicKey": _extended(options, pays)}, kept=kept)


def finish_registration(
    party: RelyingParty,
    kept: Json,
    fields: Json,
    subject: Subject,
    device_id: str,
    now: datetime,
    *,
    trusted: TrustedModels | None = None,
) -> CredentialRecord:
    """The credential that was made, to be stored unless its id is taken.

    `fields` is the browser's credential as JSON. With `trusted`, the authenticator must prove that it is one of these
    models. Raises Refused for whatever fails a check, InvalidRequest for an answer that came too late.
    """
    if now >= from_millis(int(str(kept["expires_at"]))):
        raise InvalidRequest("the device took too long to answer; begin again")
    challenge = unbase64url(kept["challenge"], CHALLENGE_BYTES)
    response = RegistrationResponse.read(fields)
    check_client_data(
        read_client_data(response.client_data),
        expected_type=CREATE,
        expected_challenge=challenge,
        expected_origins=party.origins,
    )
    attested = read_attestation(response.attestation_object)
    attested.data.check(party, user_verification=True)
    new = attested.data.new_key
    if new is None:
        raise Refused(Refusal.ATTESTED_DATA)
    require(base64url(new.credential_id) == response.id, Refusal.ID_MISMATCH)
    check_usable(*read_public_key(new.public_key))
    if trusted is not None:
        path = trusted.check(new.aaguid, attested.format, attested.certificates, now)
        verify_statement(party, response, challenge, path)
    elif attested.is_vouched_for:
        # Nothing of what others vouch for is believed here, so nothing of it can be wrong but its form.
        parsed(attested.certificates)
    else:
        verify_statement(party, response, challenge)
    return CredentialRecord(
        id=response.id,
        subject=subject,
        device_id=device_id,
        user_handle=unbase64url(kept["user_handle"], HANDLE_BYTES),
        public_key=new.public_key,
        sign_count=attested.data.sign_count,
        backup_eligible=attested.data.backup_eligible,
        backed_up=attested.data.backed_up,
        transports=response.transports,
        aaguid=new.aaguid,
        format=attested.format,
        attested=trusted is not None,
        pays=kept["pays"] is True,
        created_at=now,
    )


def _extended(options: Options, pays: bool) -> Options:
    """The options with the extensions that the library has no argument for."""
    extensions: dict[str, object] = {"credProps": True}
    selection = options["authenticatorSelection"]
    if pays:
        extensions["payment"] = {"isPayment": True}
        # Browsers make payment credentials on the device itself and nowhere else.
        selection = {**selection, "authenticatorAttachment": "platform"}
    return {**options, "authenticatorSelection": selection, "extensions": extensions}
