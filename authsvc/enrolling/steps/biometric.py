"""Face and voice: a capture becomes a template in a worker, and is stored only when the whole enrollment is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from authsvc.biometric.words import Modality, Template
from authsvc.clock import Clock, from_millis
from authsvc.domain.account import Account
from authsvc.domain.ids import new_id
from authsvc.domain.store import Ledger, Transaction
from authsvc.domain.ticket import EnrollmentStep, Ticket
from authsvc.enrolling.staging import Staging, bytes_of, strings_of, text_of
from authsvc.enrolling.steps.consent import agreed_to_look_alikes, must_have_consent
from authsvc.enrolling.steps.look_alikes import LookAlikes
from authsvc.enrolling.steps.step import Taken, When
from authsvc.events import Event
from authsvc.face.chain import Chain, check_nonce, wants_swap
from authsvc.face.drawing import USUAL
from authsvc.face.verifier import (
    Captures,
    begin_capture,
    begun_chain,
    capture,
    chain_of,
    known_of,
    lines_of,
    more,
    parts_of,
)
from authsvc.face.verifier import Worker as FaceWorker
from authsvc.factor import Begun, Factor, Json, Submission, Unusable
from authsvc.stepup.marks import carrying
from authsvc.subject import Subject
from authsvc.voice.capture import EnrollmentPhrase
from authsvc.voice.spoken_prompt import PHRASES
from authsvc.voice.verifier import Seed, begin_enrollment_phrase, phrase
from authsvc.voice.verifier import Worker as VoiceWorker


class FaceStep:
    step = EnrollmentStep.FACE
    # A gesture that was shown is known, so what was begun is good for one answer.
    once = True

    def __init__(
        self,
        staging: Staging,
        worker: FaceWorker,
        *,
        seed: Seed,
        clock: Clock,
        asks_gestures: bool,
        ledger: Ledger,
        look_alikes: LookAlikes | None = None,
    ) -> None:
        self._staging = staging
        self._worker = worker
        self._seed = seed
        self._clock = clock
        self._asks_gestures = asks_gestures
        self._ledger = ledger
        self._look_alikes = look_alikes

    def is_offered(self) -> bool:
        return True

    def begin(self, ticket: Ticket, now: datetime) -> Begun:
        must_have_consent(self._staging, ticket, Modality.FACE)
        if not self._asks_gestures:
            return begin_capture(now)
        return begun_chain(ticket.id, self._draws(ticket), self._seed, USUAL, now)

    def take(self, ticket: Ticket, begun: Json, submission: Submission, now: datetime) -> Taken | Unusable:
        must_have_consent(self._staging, ticket, Modality.FACE)
        if "chain" in begun:
            return self._take_part(ticket, begun, submission, now)
        frames, context = capture(begun, submission, now)
        earlier = self._earlier(ticket.subject)
        made = self._worker.enroll(frames, replace(context, earlier=lines_of(earlier)))
        if isinstance(made, Unusable):
            self._staging.begin(ticket, self.step, begun)
        return self._made(ticket, made, known_of(begun, earlier))

    def _take_part(
        self, ticket: Ticket, begun: Json, submission: Submission, now: datetime
    ) -> Taken | Unusable:
        """One gesture; a capture of which more than the first was shown is never begun again with the same ones."""
        chain, earlier = chain_of(begun), self._earlier(ticket.subject)
        known = known_of(begun, earlier)
        if wants_swap(submission):
            check_nonce(chain.nonce, submission, from_millis(chain.expires_at), now)
            return self._more(ticket, chain.swap(self._clock.now()), begun, known)
        frames, context = chain.admit(submission, now)
        context = replace(context, enrolling=True, earlier=lines_of(earlier))
        part = self._worker.observe(frames, context)
        if isinstance(part, Unusable):
            self._staging.begin(ticket, self.step, begun)
            return part
        chain = chain.followed(part.to_json(), frames, submission, now, self._clock.now())
        if not chain.is_over:
            return self._more(ticket, chain, begun, known)
        return self._made(ticket, self._worker.enroll_parts(parts_of(chain), context), known)

    def _more(self, ticket: Ticket, chain: Chain, begun: Json, known: Json) -> Taken:
        if len(chain.parts) == 1 or chain.swapped:
            self._staging.keep_parts(ticket, self.step, [{"draws": self._draws(ticket) + 1}])
        told = more(chain, known)
        self._staging.begin(ticket, self.step, carrying(told.kept, begun))
        return Taken(None, told.sent)

    def _earlier(self, subject: Subject) -> Captures:
        """What a capture must be no copy of; where a photograph passes, it passes twice."""
        if not self._asks_gestures:
            return {}
        return self._ledger.read(lambda tx: tx.templates.captures(subject, Modality.FACE))

    def _draws(self, ticket: Ticket) -> int:
        return next((int(str(part["draws"])) for part in self._staging.parts(ticket, self.step)), 0)

    def _made(self, ticket: Ticket, made: Template | Unusable, known: Json) -> Taken | Unusable:
        if isinstance(made, Unusable):
            return made
        taken = _taken(made, made.fingerprints, known)
        if self._look_alikes is None or not agreed_to_look_alikes(self._staging, ticket):
            return taken
        found = self._look_alikes.of(ticket.subject, made)
        return replace(
            taken, staged={**(taken.staged or {}), "look_alikes": None if found is None else [*found]}
        )

    def apply(self, tx: Transaction, ticket: Ticket, account: Account, staged: Json, when: When) -> Account:
        if staged.get("look_alikes"):
            users = list(strings_of(staged["look_alikes"]))
            tx.publish(Event("subject:face:resembles", ticket.subject, when.now, {"users": users}))
        return _enrol(tx, account, Modality.FACE, staged, when)


class VoiceStep:
    """One phrase at a time, each judged at once, so that a person repeats what was bad and nothing else.

    Phrases wait, sealed, until there are as many as a template is made of; leaving the page loses none.
    """

    step = EnrollmentStep.VOICE
    # Digits that were read once are known to whoever listened.
    once = True

    def __init__(
        self, staging: Staging, worker: VoiceWorker, is_at_work: Callable[[], bool], seed: Seed
    ) -> None:
        self._staging = staging
        self._worker = worker
        self._is_at_work = is_at_work
        self._seed = seed

    def is_offered(self) -> bool:
        return self._is_at_work()

    def begin(self, ticket: Ticket, now: datetime) -> Begun:
        must_have_consent(self._staging, ticket, Modality.VOICE)
        read = self._staging.read_so_far(ticket)
        begun = begin_enrollment_phrase(ticket.locale, now, self._seed(f"{ticket.id}:{read}"))
        number = 1 + len(self._staging.parts(ticket, self.step))
        return Begun({**begun.sent, "phrase": number, "phrases": PHRASES}, begun.kept)

    def take(self, ticket: Ticket, begun: Json, submission: Submission, now: datetime) -> Taken | Unusable:
        must_have_consent(self._staging, ticket, Modality.VOICE)
        recording, context = phrase(begun, submission, now)
        self._staging.count_reading(ticket)
        earlier = self._staging.parts(ticket, self.step)
        heard = self._worker.listen(recording, replace(context, earlier=_fingerprints(earlier)))
        if isinstance(heard, Unusable):
            return heard
        # Phrases that another model heard are no part of this template.
        alike = [each for each in earlier if each["model"] == heard.model]
        parts = (*alike, _part(heard, begun))
        if len(parts) < PHRASES:
            self._staging.keep_parts(ticket, self.step, parts)
            return Taken(None, {"remaining": PHRASES - len(parts)})
        self._staging.keep_parts(ticket, self.step, ())
        template = self._worker.enroll([bytes_of(part["share"]) for part in parts])
        if isinstance(template, Unusable):
            return template
        return Taken(_taken(template, _fingerprints(parts), carrying({}, *parts)).staged, {"remaining": 0})

    def apply(self, tx: Transaction, ticket: Ticket, account: Account, staged: Json, when: When) -> Account:
        return _enrol(tx, account, Modality.VOICE, staged, when)


def _part(heard: EnrollmentPhrase, begun: Json) -> Json:
    part = {"share": text_of(heard.share), "fingerprint": heard.fingerprint, "model": heard.model}
    return carrying(part, begun)


def _fingerprints(parts: Sequence[Json]) -> tuple[str, ...]:
    return tuple(str(part["fingerprint"]) for part in parts)


def _taken(template: Template, fingerprints: Sequence[str], about: Json) -> Taken:
    return Taken(
        {
            "model": template.model,
            "vector": text_of(template.vector),
            "samples": template.samples,
            "fingerprints": list(fingerprints),
            **about,
        }
    )


def _enrol(tx: Transaction, account: Account, modality: Modality, staged: Json, when: When) -> Account:
    """Store the template, and what its capture is recognised by should it be replayed."""
    subject, key = account.subject, account.key()
    samples = int(str(staged["samples"]))
    template = Template(modality, str(staged["model"]), bytes_of(staged["vector"]), samples)
    tx.templates.put(subject, key, new_id("tpl"), template, when.now)
    fingerprints = strings_of(staged["fingerprints"])
    if fingerprints:
        tx.templates.remember_capture(subject, key, modality, fingerprints, when.now)
    tx.publish(Event(f"subject:{modality}:enrolled", subject, when.now, when.event_data()))
    return account.enrolled(Factor(modality.value), when.counts_from, when.now)
