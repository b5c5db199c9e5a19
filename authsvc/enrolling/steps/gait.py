"""The walk: a recording becomes a template at once, and counts with the whole enrollment. A pilot, which proves nothing."""

from __future__ import annotations

import secrets
from datetime import datetime

from authsvc.biometric.words import Modality, Template
from authsvc.domain.account import Account
from authsvc.domain.ids import new_id
from authsvc.domain.store import Transaction
from authsvc.domain.ticket import EnrollmentStep, Ticket
from authsvc.enrolling.staging import Staging, bytes_of, text_of
from authsvc.enrolling.steps.consent import must_have_consent
from authsvc.enrolling.steps.step import Taken, When
from authsvc.errors import InvalidRequest
from authsvc.events import Event
from authsvc.factor import Begun, Json, Submission, Unusable
from authsvc.gait.cycles_engine import is_copy, walked
from authsvc.gait.hints import WALK_ON
from authsvc.gait.words import ENROLLED_SECONDS, MODEL, Recording


class GaitStep:
    step = EnrollmentStep.GAIT
    # A recording is asked for once, so that one of before does not answer.
    once = True

    def __init__(self, staging: Staging) -> None:
        self._staging = staging

    def is_offered(self) -> bool:
        return True

    def begin(self, ticket: Ticket, now: datetime) -> Begun:
        must_have_consent(self._staging, ticket, Modality.GAIT)
        nonce = secrets.token_urlsafe(24)
        return Begun({"nonce": nonce, "seconds": ENROLLED_SECONDS}, {"nonce": nonce})

    def take(self, ticket: Ticket, begun: Json, submission: Submission, now: datetime) -> Taken | Unusable:
        must_have_consent(self._staging, ticket, Modality.GAIT)
        if submission.fields.get("nonce") != begun["nonce"]:
            raise InvalidRequest("the `nonce` is not the one that the step began with")
        recording = Recording.read(float(str(submission.fields["rate"])), str(submission.fields["samples"]))
        found = walked(recording) if recording.seconds >= ENROLLED_SECONDS - 1 else None
        if found is None:
            return Unusable((WALK_ON,))
        return Taken({"vector": text_of(found.gait.packed()), "trace": found.trace})

    def apply(self, tx: Transaction, ticket: Ticket, account: Account, staged: Json, when: When) -> Account:
        subject, trace = account.subject, str(staged["trace"])
        remembered = tx.templates.captures(subject, Modality.GAIT).values()
        if is_copy(trace, [earlier for earlier, *_ in remembered]):
            raise InvalidRequest("the capture for `gait` was used before; take another")
        template = Template(Modality.GAIT, MODEL, bytes_of(staged["vector"]), 1)
        tx.templates.put(subject, account.key(), new_id("tpl"), template, when.now)
        tx.templates.remember_capture(subject, account.key(), Modality.GAIT, (trace,), when.now)
        tx.publish(Event("subject:gait:enrolled", subject, when.now, when.event_data()))
        return account
