"""The factors `device_uv` and `device_key`: an assertion over this very payment by a key that is registered and in use.

What is wrong with an assertion is for the audit; to the payer an unknown key, a foreign one, a bad signature and a
suspended one are the same.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from authsvc.biometric.words import Gates
from authsvc.clock import from_millis, to_millis
from authsvc.device.assertion import Assertion, Expected, payment_challenge, verify_assertion
from authsvc.device.payment_confirmation import PaymentConfirmation
from authsvc.device.record import CredentialRecord
from authsvc.device.refusal import Refusal, Refused
from authsvc.device.relying_party import RelyingParty
from authsvc.device.response import AssertionResponse, base64url, unbase64url
from authsvc.device.webauthn import Offer, request_options
from authsvc.errors import InvalidRequest
from authsvc.events import Event
from authsvc.factor import Begun, Factor, Json, Reader, Received, Step, Submission, Verification
from authsvc.keys.macs import Macs
from authsvc.subject import Subject

CEREMONY_LIFE = timedelta(seconds=120)
NONCE_BYTES = 32


class Credentials(Protocol):
    """The part of the store that assertions need. *Live* is an active credential on an active device.

    With `counted_at` only those count whose device was out of probation by then.
    """

    def live(
        self, subject: Subject, *, counted_at: datetime | None = None, suspended: bool = False
    ) -> tuple[CredentialRecord, ...]: ...

    def use(
        self,
        subject: Subject,
        credential_id: str,
        sign_count: int,
        backed_up: bool,
        now: datetime,
        *,
        counted_at: datetime | None = None,
        suspended: bool = False,
    ) -> bool:
        """Count one use of a live credential: one conditional write.

        The count must have risen or be 0 for ever; of a synced key it means nothing, since none of its machines keeps it.
        """

    def become_synced(self, subject: Subject, credential_id: str) -> bool:
        """Remember that the key may leave its device from now on; True once."""

    def suspend(self, subject: Subject, credential_id: str) -> bool: ...


class HasCredentials(Protocol):
    @property
    def credentials(self) -> Credentials: ...


class Settling(HasCredentials, Protocol):
    def publish(self, event: Event) -> None: ...


class DeviceVerifier:
    """`device_uv` asks the authenticator to verify its user, `device_key` does not.

    With `confirmation`, a browser that knows Secure Payment Confirmation may show the payment itself.
    """

    def __init__(
        self,
        factor: Factor,
        party: RelyingParty,
        read: Reader[HasCredentials],
        macs: Macs,
        confirmation: PaymentConfirmation | None = None,
    ) -> None:
        if factor not in (Factor.DEVICE_UV, Factor.DEVICE_KEY):
            raise ValueError(f"`{factor}` is not a factor of a device")
        self._factor = factor
        self._party = party
        self._read = read
        self._macs = macs
        self._confirmation = confirmation

    @property
    def factor(self) -> Factor:
        return self._factor

    def is_offered(self, liveness: Gates = None) -> bool:
        return True

    def begin(self, step: Step, now: datetime) -> Begun:
        live = self._read(lambda tx: _usable(tx, step, now))
        nonce = secrets.token_bytes(NONCE_BYTES)
        challenge = payment_challenge(nonce, step.binding)
        options = request_options(
            self._party,
            challenge,
            offers(self._macs, step.subject, live),
            user_verification=self._asks_for_user,
        )
        kept = {
            "nonce": base64url(nonce),
            # What each key had counted before this challenge existed: see `is_clone`.
            "offered": {each.id: each.sign_count for each in live},
            "expires_at": to_millis(now + CEREMONY_LIFE),
        }
        return Begun(sent={"publicKey": options, **self._confirming(step, challenge, live)}, kept=kept)

    def receive(self, step: Step, kept: Json, submission: Submission, now: datetime) -> Received:
        if not isinstance(submission.fields.get("response"), Mapping):
            raise InvalidRequest("the evidence must be a public key credential as JSON")
        if now >= from_millis(int(str(kept["expires_at"]))):
            raise InvalidRequest("the device took too long to answer; begin again")
        try:
            return Received(self._judged(step, kept, submission, now))
        except Refused as refused:
            return Received({"refused": refused.code.value})

    def settle(self, tx: Settling, step: Step, kept: Json, now: datetime) -> Verification:
        evidence = kept.get("evidence")
        if not isinstance(evidence, Mapping):
            return self._no(Refusal(str(kept["refused"])))
        credential_id, count = str(evidence["credential"]), int(str(evidence["sign_count"]))
        backed_up, among = evidence["backed_up"] is True, step.keys
        counted_at = None if among.young else now
        if tx.credentials.use(
            step.subject,
            credential_id,
            count,
            backed_up,
            now,
            counted_at=counted_at,
            suspended=among.suspended,
        ):
            self._notice_syncing(tx, step.subject, evidence, now)
            return Verification(self._factor, True, "assertion accepted", evidence)
        record = _one(tx, step, credential_id, now)
        if record is None:
            return self._no(Refusal.NOT_ACTIVE, evidence)
        if not is_clone(record, count, int(str(kept["counted"]))):
            return self._no(Refusal.OVERTAKEN, evidence)
        tx.credentials.suspend(step.subject, credential_id)
        data = {"device": record.device_id, "credential": record.id, "reason": "cloned"}
        tx.publish(Event("subject:device:frozen", step.subject, now, data))
        reason = Refusal.CLONE_SUSPECTED.value
        return Verification(self._factor, False, reason, evidence, alarm="clone")

    def _notice_syncing(self, tx: Settling, subject: Subject, evidence: Json, now: datetime) -> None:
        """Tell the owner, once, that a key which was bound to its device is so no longer."""
        credential_id = str(evidence["credential"])
        # What was accepted just now still had to count up, as a key of one device does.
        if evidence.get("became_synced") is True and tx.credentials.become_synced(subject, credential_id):
            data = {"device": evidence["device"], "credential": credential_id}
            tx.publish(Event("subject:device:synced", subject, now, data))

    @property
    def _asks_for_user(self) -> bool:
        return self._factor is Factor.DEVICE_UV

    def _confirming(self, step: Step, challenge: bytes, live: Sequence[CredentialRecord]) -> Json:
        """The same challenge as a payment request, for a browser that can show the payment itself."""
        paying = [each.id for each in live if each.pays]
        if self._confirmation is None or not self._asks_for_user or not paying:
            return {}
        request = self._confirmation.request(self._party, step.payment, base64url(challenge), paying)
        return {"paymentRequest": request}

    def _judged(self, step: Step, kept: Json, submission: Submission, now: datetime) -> Json:
        """What `settle` needs of a good assertion; raises Refused."""
        response = AssertionResponse.read(submission.fields)
        offered = kept["offered"]
        if not isinstance(offered, Mapping) or response.id not in offered:
            raise Refused(Refusal.NOT_OFFERED)
        record = self._read(lambda tx: _one(tx, step, response.id, now))
        if record is None:
            raise Refused(Refusal.NOT_ACTIVE)
        expected = Expected(
            payment=step.payment,
            challenge=payment_challenge(unbase64url(kept["nonce"], NONCE_BYTES), step.binding),
            user_verification=self._asks_for_user,
            confirmation=self._confirmation if self._asks_for_user else None,
        )
        assertion = verify_assertion(self._party, record, response, expected)
        return {
            "evidence": _evidence(record, response, assertion),
            "counted": offered[response.id],
        }

    def _no(self, reason: Refusal, evidence: Json | None = None) -> Verification:
        return Verification(self._factor, False, reason.value, {} if evidence is None else evidence)


def offers(macs: Macs, subject: Subject, live: Sequence[CredentialRecord]) -> list[Offer]:
    """The live credentials; where there is none, one that does not exist and is always the same.

    An empty list would offer every key that the phone has for us, the suspended ones too.
    """
    if live:
        return [Offer(each.id, each.transports) for each in live]
    owner = f"{len(subject.client)}:{subject.client}{subject.user}"
    return [Offer(base64url(macs.mac("decoy-credential", owner.encode())), ("internal",))]


def _usable(tx: HasCredentials, step: Step, now: datetime) -> tuple[CredentialRecord, ...]:
    """The keys that may answer this step: a new phone's only where it is admitted."""
    counted_at = None if step.keys.young else now
    return tx.credentials.live(step.subject, counted_at=counted_at, suspended=step.keys.suspended)


def _one(tx: HasCredentials, step: Step, credential_id: str, now: datetime) -> CredentialRecord | None:
    """The user's own live credential of this id: a foreign one is as unknown as one that never was."""
    return next((each for each in _usable(tx, step, now) if each.id == credential_id), None)


def is_clone(record: CredentialRecord, count: int, counted: int) -> bool:
    """Whether a count that did not rise can have no innocent reason.

    An authenticator counts on with every assertion. A count below what was known before the challenge was made, or one
    that another assertion has shown already, comes from a second copy of the key. In between lies the payer who answers
    two challenges and completes the later one first.
    """
    return count <= counted or count == record.sign_count


def _evidence(record: CredentialRecord, response: AssertionResponse, assertion: Assertion) -> Json:
    return {
        "credential": record.id,
        "device": record.device_id,
        "sign_count": assertion.sign_count,
        "user_verified": assertion.user_verified,
        "backup_eligible": assertion.backup_eligible,
        "became_synced": assertion.backup_eligible and not record.backup_eligible,
        "backed_up": assertion.backed_up,
        "attested": record.attested,
        "aaguid": record.aaguid,
        "attachment_unsigned": response.attachment,
        "shown_by_browser": assertion.shown_by_browser,
        "bound_to_payment": True,
    }
