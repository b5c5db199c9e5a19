"""Who stands for a capture: a registered key of the payer's signs what it is made of, or an app's attestation does.

A statement says where pixels came from, and nothing about who is seen in them. One that is wrong leaves the capture what it was
without; why, is for the audit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from authsvc.biometric.words import Capture
from authsvc.clock import from_millis, rfc3339, to_millis
from authsvc.device.assertion import Expected, verify_assertion
from authsvc.device.attesters.app import Attester
from authsvc.device.record import CredentialRecord
from authsvc.device.refusal import Refusal, Refused
from authsvc.device.relying_party import RelyingParty
from authsvc.device.response import AssertionResponse, base64url
from authsvc.device.verifier import HasCredentials, Settling, is_clone, offers
from authsvc.device.webauthn import request_options
from authsvc.errors import InvalidRequest
from authsvc.events import Event
from authsvc.factor import Begun, Json, Reader, Stated
from authsvc.keys.macs import Macs
from authsvc.subject import Subject

WEBAUTHN = "webauthn"
LIFE = timedelta(seconds=120)


@dataclass(frozen=True, slots=True)
class CaptureStatements:
    """`attesters` are the operator's; without them only registered keys speak."""

    party: RelyingParty
    read: Reader[HasCredentials]
    macs: Macs
    attesters: Sequence[Attester] = ()

    def begin(self, subject: Subject, challenge: bytes, now: datetime) -> Begun:
        """What may sign this challenge: request options for a key, whose touch is enough, and the formats of attestations."""
        live = self.read(lambda tx: tx.credentials.live(subject, counted_at=now))
        options = request_options(
            self.party, challenge, offers(self.macs, subject, live), user_verification=False
        )
        until = now + LIFE
        sent = {
            "challenge": base64url(challenge),
            "formats": [WEBAUTHN, *(each.format for each in self.attesters)],
            "publicKey": options,
            "expires_at": rfc3339(until),
        }
        return Begun(
            sent, {"offered": {each.id: each.sign_count for each in live}, "until": to_millis(until)}
        )

    def receive(self, subject: Subject, kept: Json, challenge: bytes, fields: Json, now: datetime) -> Json:
        """What `settle` needs; raises InvalidRequest for a format that is not spoken here, or a statement that comes late."""
        form, statement = str(fields["format"]), fields["statement"]
        if now >= from_millis(int(str(kept["until"]))):
            raise InvalidRequest("the statement took too long; begin it again")
        attester = next((each for each in self.attesters if each.format == form), None)
        if not isinstance(statement, Mapping) or (attester is None and form != WEBAUTHN):
            raise InvalidRequest(
                f"`format` is none of {', '.join((WEBAUTHN, *(one.format for one in self.attesters)))}"
            )
        try:
            if attester is not None:
                return {"format": form, **attester.verify(statement, challenge, now)}
            return {"format": form, **self._signed(subject, kept, challenge, statement, now)}
        except Refused as refused:
            return {"format": form, "refused": refused.code.value}

    def settle(self, tx: Settling, subject: Subject, stated: Json, now: datetime) -> Stated:
        """What is known of the capture after all, a key's count considered."""
        evidence = {name: value for name, value in stated.items() if name != "counted"}
        if "refused" in stated:
            return Stated(evidence=evidence)
        if stated["format"] != WEBAUTHN:
            return Stated(Capture.ATTESTED, evidence)
        record = _one(tx, subject, str(stated["credential"]), now)
        if record is None:
            return Stated(evidence={**evidence, "refused": Refusal.NOT_ACTIVE.value})
        count = int(str(stated["sign_count"]))
        if tx.credentials.use(
            subject, record.id, count, stated["backed_up"] is True, now, counted_at=now
        ) or not is_clone(record, count, int(str(stated["counted"]))):
            # Overtaken within its own challenge by the same key is innocent: the capture it speaks of counts once.
            return Stated(Capture.DEVICE_SIGNED, evidence)
        tx.credentials.suspend(subject, record.id)
        data = {"device": record.device_id, "credential": record.id, "reason": "cloned"}
        tx.publish(Event("subject:device:frozen", subject, now, data))
        return Stated(evidence={**evidence, "refused": Refusal.CLONE_SUSPECTED.value}, alarm="clone")

    def _signed(self, subject: Subject, kept: Json, challenge: bytes, statement: Json, now: datetime) -> Json:
        response = AssertionResponse.read(statement)
        offered = kept["offered"]
        if not isinstance(offered, Mapping) or response.id not in offered:
            raise Refused(Refusal.NOT_OFFERED)
        record = self.read(lambda tx: _one(tx, subject, response.id, now))
        if record is None:
            raise Refused(Refusal.NOT_ACTIVE)
        said = verify_assertion(self.party, record, response, Expected(challenge, user_verification=False))
        return {
            "credential": record.id,
            "device": record.device_id,
            "sign_count": said.sign_count,
            "backed_up": said.backed_up,
            "attested": record.attested,
            "counted": offered[response.id],
        }


def _one(tx: HasCredentials, subject: Subject, credential_id: str, now: datetime) -> CredentialRecord | None:
    """The payer's own key in use. One on probation speaks for nothing: a new phone never proves itself."""
    live = tx.credentials.live(subject, counted_at=now)
    return next((each for each in live if each.id == credential_id), None)
