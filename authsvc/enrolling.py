"""Enrolment: a one-time ticket of the payment backend, then step by step; nothing counts until `complete`, and then all of it.

What a person has done so far waits sealed in the short-lived store, so a half-finished enrolment leaves nothing behind.
On which grounds a person may enrol is the ticket's; somebody who has lost the phone proves it first (`recovery`).
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from authsvc.account import Account, AccountStatus
from authsvc.audit.chain import Entry
from authsvc.biometric import Modality, Template
from authsvc.ceremony import Box
from authsvc.clock import Clock
from authsvc.device.credential import LONGEST_NAME, Device, DeviceState, label
from authsvc.device.record import CredentialRecord
from authsvc.device.refusal import Refused
from authsvc.device.registration import begin_registration, finish_registration
from authsvc.device.relying_party import RelyingParty
from authsvc.ephemeral import Ephemeral, Key
from authsvc.errors import (
    ChallengeClosed,
    ChallengeFailed,
    InvalidRequest,
    NotFound,
    ProofRequired,
    RateLimited,
)
from authsvc.events import Event
from authsvc.face.verifier import Worker, begin_capture, capture
from authsvc.factor import Factor, Json, Submission, Unusable
from authsvc.ids import new_id
from authsvc.lost_phone import give_up_lost_phone
from authsvc.otp import (
    APP,
    AppSecret,
    matching_step,
    new_recovery_codes,
    recovery_digest,
    strict_code,
)
from authsvc.recovery import Recovering
from authsvc.store import Ledger, Transaction
from authsvc.subject import Subject
from authsvc.ticket import PROVING, TICKET_LIFE, EnrollmentStep, Grounds, Recovery, Ticket, TicketState

CONSENT_VERSION = "2026-11"
TRIES_PER_STEP = 20
CODES_PER_TICKET = 5


class Macs(Protocol):
    def mac(self, label: str, data: bytes) -> bytes: ...


class Keys(Protocol):
    def new_subject_key(self, subject: Subject) -> bytes:
        """A fresh wrapped key under which everything of this subject is sealed."""


@dataclass(frozen=True, slots=True)
class EnrollmentParts:
    """What enrolment is wired with. `probation` is how long a further device stays on probation."""

    ledger: Ledger
    ephemeral: Ephemeral
    box: Box
    macs: Macs
    keys: Keys
    face: Worker | None
    issuer: str
    probation: timedelta
    asks_gestures: bool
    party: RelyingParty
    recovering: Recovering
    clock: Clock


class Enrolling:
    def __init__(self, parts: EnrollmentParts) -> None:
        self._parts = parts
        self._clock = parts.clock
        self._recovering = parts.recovering
        self._begin: Mapping[EnrollmentStep, Callable[[Ticket], tuple[Json, Json]]] = {
            EnrollmentStep.CONSENT: self._begin_consent,
            EnrollmentStep.OTP: self._begin_otp,
            EnrollmentStep.FACE: self._begin_face,
            EnrollmentStep.DEVICE: self._begin_device,
        }
        self._answer: Mapping[EnrollmentStep, Callable[[Ticket, Json, Submission], Json | Unusable]] = {
            EnrollmentStep.CONSENT: self._answer_consent,
            EnrollmentStep.OTP: self._answer_otp,
            EnrollmentStep.FACE: self._answer_face,
            EnrollmentStep.DEVICE: self._answer_device,
        }

    def open(
        self,
        tx: Transaction,
        subject: Subject,
        locale: str,
        return_url: str | None,
        grounds: Grounds,
        recovery: Recovery | None,
        now: datetime,
    ) -> Ticket:
        """A ticket, and an account for it where there is none. The caller has checked the grounds."""
        account = tx.accounts.find(subject)
        if account is None:
            fresh = Account(
                subject, now, locale=locale, sealing_key=self._parts.keys.new_subject_key(subject)
            )
            tx.accounts.add(fresh)
        elif account.status is AccountStatus.ERASED:
            key = self._parts.keys.new_subject_key(subject)
            tx.accounts.save(
                replace(Account(subject, now, locale=locale, sealing_key=key), version=account.version)
            )
        else:
            account.must_be_active()
        expires_at = now + TICKET_LIFE
        ticket = Ticket(
            new_id("enr"), subject, TicketState.OPEN, locale, expires_at, return_url, grounds, recovery
        )
        tx.tickets.add(ticket, now)
        operators = {} if recovery is None else {"operators": list(recovery.operators)}
        tx.record(_entry(ticket, "backend", "open", "open", now, grounds=grounds.value, **operators))
        return ticket

    def find(self, enrollment_id: str) -> Ticket:
        """An open ticket; raises NotFound, or ChallengeClosed once it is used or its time is over."""
        ticket = self._parts.ledger.read(lambda tx: tx.tickets.find(enrollment_id))
        if ticket is None:
            raise NotFound("no such enrolment")
        return ticket.must_be_open(self._clock.now())

    def done(self, ticket: Ticket) -> tuple[EnrollmentStep, ...]:
        """The steps whose evidence is in."""
        proving = () if ticket.recovery is None else self._recovering.received(ticket)
        return (*proving, *(step for step in self._begin if self._staged(ticket, step) is not None))

    def offered(self, ticket: Ticket) -> tuple[EnrollmentStep, ...]:
        """The steps that can be taken now: those of a recovery until it is proven, and then what can be enrolled."""
        if ticket.recovery is not None and not ticket.recovery.is_proven:
            return self._recovering.offered(ticket)
        return tuple(self._begin)

    def consented(self, ticket: Ticket) -> tuple[str, ...]:
        """The modalities that the person has agreed to in this enrolment."""
        consent = self._staged(ticket, EnrollmentStep.CONSENT)
        return () if consent is None else _strings(consent["modalities"])

    def begin(self, ticket: Ticket, step: EnrollmentStep) -> Json:
        """Start a step; what the person is shown."""
        self._count(ticket, step)
        if step in PROVING:
            return self._recovering.begin(ticket, step)
        ticket.must_be_proven()
        if step not in self._begin:
            raise InvalidRequest(f"the step `{step}` is not offered here")
        shown, kept = self._begin[step](ticket)
        self._put(ticket, f"{step}:begun", kept)
        return shown

    def answer(self, ticket: Ticket, step: EnrollmentStep, submission: Submission) -> Json | Unusable:
        """Take a step's evidence; answering a step again replaces what was given before."""
        self._count(ticket, step)
        if step in PROVING:
            return self._recovering.answer(ticket, step, submission)
        ticket.must_be_proven()
        if step not in self._answer:
            raise InvalidRequest(f"the step `{step}` is not offered here")
        # A registration challenge is used up by the first answer to it, good or bad.
        begun = (self._take if step is EnrollmentStep.DEVICE else self._get)(ticket, f"{step}:begun")
        if begun is None:
            raise InvalidRequest(f"the step `{step}` has not begun")
        return self._answer[step](ticket, begun, submission)

    def complete(self, ticket: Ticket) -> Json:
        """Make everything count, in one transaction; answers what is shown once: the recovery codes."""
        ticket.must_be_proven()
        staged = {step: found for step in self._begin if (found := self._staged(ticket, step)) is not None}
        if not set(staged) - {EnrollmentStep.CONSENT}:
            raise InvalidRequest("nothing has been enrolled yet")
        now = self._clock.now()
        # After a recovery the old codes are void as well: whoever has the lost phone may have them.
        renews = ticket.grounds is not Grounds.RECEIPT or EnrollmentStep.OTP in staged
        codes = new_recovery_codes() if renews else ()
        factors = self._parts.ledger.transact(lambda tx: self._apply(tx, ticket, staged, codes, now))
        for step in self._begin:
            self._forget(ticket, step)
        return {"status": "completed", "factors": sorted(factors), "recovery_codes": list(codes)}

    # -- The steps --------------------------------------------------------------------------------------------------

    def _begin_consent(self, ticket: Ticket) -> tuple[Json, Json]:
        shown = {
            "text_version": CONSENT_VERSION,
            "modalities": [each.value for each in Modality if EnrollmentStep(each.value) in self._begin],
        }
        return shown, {}

    def _answer_consent(self, ticket: Ticket, begun: Json, submission: Submission) -> Json:
        named = submission.fields.get("modalities")
        version = submission.fields.get("text_version", CONSENT_VERSION)
        if not isinstance(named, list | tuple) or not all(name in list(Modality) for name in named):
            raise InvalidRequest("`modalities` must list `face`, `voice`, both or neither")
        if version != CONSENT_VERSION:
            raise InvalidRequest(f"`text_version` must be `{CONSENT_VERSION}`, the text that is in force")
        if submission.fields.get("under_14") is True and not submission.fields.get("guardian"):
            raise InvalidRequest("a person under 14 needs the consent of a `guardian`")
        self._stage(
            ticket, EnrollmentStep.CONSENT, {"modalities": sorted(set(named)), "text_version": version}
        )
        return {"state": "received"}

    def _begin_otp(self, ticket: Ticket) -> tuple[Json, Json]:
        secret = AppSecret.new(ticket.subject.user, self._parts.issuer)
        shown = {"secret": secret.text, "uri": secret.uri, "qr_svg": secret.qr_svg()}
        return shown, {"secret": _text(secret.raw)}

    def _answer_otp(self, ticket: Ticket, begun: Json, submission: Submission) -> Json:
        code = strict_code(submission.fields.get("code"))
        # Charged before it is judged, so that parallel guesses cannot outrun the counter.
        tries = self._parts.ephemeral.increment(self._key(ticket, "otp:tries"), TICKET_LIFE)
        if tries > CODES_PER_TICKET:
            raise RateLimited("too many codes were tried; ask for a new enrolment", retry_after=900)
        step = matching_step(_raw(begun["secret"]), code, self._clock.now())
        if step is None:
            left = CODES_PER_TICKET - tries
            raise ChallengeFailed("the code is not the app's current one", attempts_remaining=left)
        # The confirming code is used up as well: its step counts as the last one used.
        self._stage(ticket, EnrollmentStep.OTP, {"secret": begun["secret"], "step": step})
        return {"state": "received"}

    def _begin_face(self, ticket: Ticket) -> tuple[Json, Json]:
        self._must_have_consent(ticket, Modality.FACE)
        begun = begin_capture(self._clock.now(), with_gestures=self._parts.asks_gestures)
        return begun.shown, begun.kept

    def _answer_face(self, ticket: Ticket, begun: Json, submission: Submission) -> Json | Unusable:
        self._must_have_consent(ticket, Modality.FACE)
        if self._parts.face is None:
            raise InvalidRequest("no face engine is installed here")
        frames, context = capture(begun, submission, self._clock.now())
        made = self._parts.face.enroll(frames, context)
        if isinstance(made, Unusable):
            return made
        template = {
            "model": made.model,
            "vector": _text(made.vector),
            "samples": made.samples,
            "fingerprints": list(made.fingerprints),
        }
        self._stage(ticket, EnrollmentStep.FACE, template)
        return {"state": "received"}

    def _begin_device(self, ticket: Ticket) -> tuple[Json, Json]:
        live, handle = self._parts.ledger.read(
            lambda tx: (tx.credentials.live(ticket.subject), tx.credentials.user_handle(ticket.subject))
        )
        begun = begin_registration(
            self._parts.party, ticket.subject, live, self._clock.now(), user_handle=handle
        )
        return {"name_length": LONGEST_NAME, **begun.shown}, begun.kept

    def _answer_device(self, ticket: Ticket, begun: Json, submission: Submission) -> Json:
        name = submission.fields.get("name")
        if not isinstance(name, str):
            raise InvalidRequest("`name` must be the device's name")
        device_id, secret = new_id("dev"), f"ds_{secrets.token_urlsafe(32)}"
        mac = self._parts.macs.mac("device-secret", secret.encode())
        staged: dict[str, object] = {"id": device_id, "name": label(name), "mac": _text(mac)}
        credential = submission.fields.get("credential")
        if isinstance(credential, Mapping):
            staged["credential"] = self._registered(ticket, begun, credential, device_id)
        elif credential is not None:
            raise InvalidRequest("`credential` must be the browser's credential as a JSON object")
        self._stage(ticket, EnrollmentStep.DEVICE, staged)
        return {"state": "received", "device": {"id": device_id, "secret": secret}}

    def _registered(self, ticket: Ticket, begun: Json, credential: Json, device_id: str) -> Json:
        """The device key that was made; what was wrong with a refused one is for the audit, not for the browser."""
        now = self._clock.now()
        try:
            record = finish_registration(self._parts.party, begun, credential, ticket.subject, device_id, now)
        except Refused as refused:
            why = _entry(ticket, "person", "device", "refused", now, reason=refused.code.value)
            self._parts.ledger.transact(lambda tx: tx.record(why))
            raise InvalidRequest("this device key cannot be used") from None
        return record.to_json()

    # -- What complete writes ---------------------------------------------------------------------------------------

    def _apply(
        self,
        tx: Transaction,
        ticket: Ticket,
        staged: Mapping[EnrollmentStep, Json],
        codes: tuple[str, ...],
        now: datetime,
    ) -> set[str]:
        if not tx.tickets.close(ticket.id, TicketState.COMPLETED, now):
            raise ChallengeClosed("the enrolment is over")
        account = tx.accounts.find(ticket.subject)
        if account is None:
            raise NotFound("no such user")
        account = account.must_be_active()
        if ticket.grounds is Grounds.FIRST and account.factors:
            raise ProofRequired(
                "something was enrolled in between; what stands is replaced with a proof only"
            )
        if ticket.recovery is not None:
            with_app = EnrollmentStep.OTP in staged
            account = give_up_lost_phone(tx, ticket, account, now, with_app=with_app)
        self._apply_consent(tx, ticket, staged, now)
        for step, factor, apply in (
            (EnrollmentStep.OTP, Factor.OTP, self._apply_otp),
            (EnrollmentStep.FACE, Factor.FACE, self._apply_face),
        ):
            if step in staged:
                apply(tx, account, staged[step], now)
                account = account.enrolled(factor)
                tx.publish(Event(f"subject:{step}:enrolled", ticket.subject, now))
        if codes:
            macs = [self._parts.macs.mac("recovery-code", recovery_digest(code)) for code in codes]
            tx.codes.replace_recovery_codes(ticket.subject, macs, now)
        if EnrollmentStep.DEVICE in staged:
            self._apply_device(tx, ticket, staged[EnrollmentStep.DEVICE], now)
            if "credential" in staged[EnrollmentStep.DEVICE]:
                account = account.enrolled(Factor.DEVICE_UV).enrolled(Factor.DEVICE_KEY)
        tx.accounts.save(account)
        steps = sorted(staged)
        tx.record(_entry(ticket, "person", "complete", "completed", now, steps=steps))
        tx.publish(Event("subject:enrolled", ticket.subject, now, {"steps": steps}))
        return {factor.value for factor in account.factors}

    def _apply_consent(
        self, tx: Transaction, ticket: Ticket, staged: Mapping[EnrollmentStep, Json], now: datetime
    ) -> None:
        consent = staged.get(EnrollmentStep.CONSENT)
        if consent is None:
            return
        for name in _strings(consent["modalities"]):
            tx.templates.give_consent(
                new_id("cst"), ticket.subject, Modality(name), str(consent["text_version"]), now
            )

    def _apply_otp(self, tx: Transaction, account: Account, staged: Json, now: datetime) -> None:
        step = int(str(staged["step"]))
        tx.codes.put_secret(account.subject, account.key(), APP, _raw(staged["secret"]), step, now)

    def _apply_face(self, tx: Transaction, account: Account, staged: Json, now: datetime) -> None:
        template = Template(
            Modality.FACE, str(staged["model"]), _raw(staged["vector"]), int(str(staged["samples"]))
        )
        tx.templates.put(account.subject, account.key(), new_id("tpl"), template, now)
        seen = _strings(staged["fingerprints"])
        if seen:
            tx.templates.remember_capture(account.subject, account.key(), Modality.FACE, seen, now)

    def _apply_device(self, tx: Transaction, ticket: Ticket, staged: Json, now: datetime) -> None:
        """The first device is vouched for by the backend's ticket; a further one, or one after a loss, has its probation."""
        is_first = not tx.accounts.devices(ticket.subject) and ticket.recovery is None
        tx.accounts.add_device(
            Device(
                subject=ticket.subject,
                id=str(staged["id"]),
                name=str(staged["name"]),
                state=DeviceState.ACTIVE,
                secret_mac=_raw(staged["mac"]),
                created_at=now,
                trusted_from=now if is_first else now + self._parts.probation,
                seen_at=now,
            )
        )
        credential = staged.get("credential")
        if isinstance(credential, Mapping) and not tx.credentials.add(
            CredentialRecord.from_json(ticket.subject, credential)
        ):
            raise InvalidRequest("this device key is registered already")
        data = {"device": str(staged["id"]), "probation": not is_first}
        tx.publish(Event("subject:device:enrolled", ticket.subject, now, data))

    # -- The staging area -------------------------------------------------------------------------------------------

    def _must_have_consent(self, ticket: Ticket, modality: Modality) -> None:
        consent = self._staged(ticket, EnrollmentStep.CONSENT)
        if consent is None or modality.value not in _strings(consent["modalities"]):
            raise InvalidRequest(f"consent to `{modality}` comes before the first frame")

    def _count(self, ticket: Ticket, step: EnrollmentStep) -> None:
        tries = self._parts.ephemeral.increment(self._key(ticket, f"{step}:count"), TICKET_LIFE)
        if tries > TRIES_PER_STEP:
            raise RateLimited("too many tries of this step", retry_after=60)

    def _stage(self, ticket: Ticket, step: EnrollmentStep, value: Json) -> None:
        self._put(ticket, f"{step}:staged", value)

    def _staged(self, ticket: Ticket, step: EnrollmentStep) -> Json | None:
        return self._get(ticket, f"{step}:staged")

    def _put(self, ticket: Ticket, name: str, value: Json) -> None:
        key = self._key(ticket, name)
        self._parts.ephemeral.put(
            key, self._parts.box.seal(key.name, json.dumps(value).encode()), TICKET_LIFE
        )

    def _get(self, ticket: Ticket, name: str) -> Json | None:
        key = self._key(ticket, name)
        return self._opened(key, self._parts.ephemeral.get(key))

    def _take(self, ticket: Ticket, name: str) -> Json | None:
        key = self._key(ticket, name)
        return self._opened(key, self._parts.ephemeral.take(key))

    def _opened(self, key: Key, sealed: bytes | None) -> Json | None:
        if sealed is None:
            return None
        value: Json = json.loads(self._parts.box.open(key.name, sealed))
        return value

    def _forget(self, ticket: Ticket, step: EnrollmentStep) -> None:
        for part in ("begun", "staged"):
            self._parts.ephemeral.delete(self._key(ticket, f"{step}:{part}"))

    def _key(self, ticket: Ticket, name: str) -> Key:
        return Key(f"{ticket.subject.client}/{ticket.subject.user}", f"{ticket.id}:{name}")


def _entry(ticket: Ticket, actor: str, action: str, result: str, now: datetime, **details: object) -> Entry:
    return Entry(now, actor, f"enrollment.{action}", ticket.subject, ticket.id, result, details)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _raw(text: object) -> bytes:
    return base64.b64decode(str(text))


def _strings(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else ()
