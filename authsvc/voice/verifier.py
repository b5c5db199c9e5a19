"""The factor `voice`: random digits out, a recording in, and a score that is compared only where the payment is decided.

A voice never releases a payment by itself; the policy puts something that is held beside it. Sound goes to a biometric
worker and nowhere else. What is kept until then is a comparison: numbers, no sound.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from authsvc.biometric.manifest import Manifest
from authsvc.biometric.words import Gates, Liveness, Modality, StoredTemplate, Template
from authsvc.clock import from_millis, rfc3339, to_millis
from authsvc.errors import InvalidRequest
from authsvc.factor import Begun, Factor, Json, Reader, Received, Step, Submission, Unusable, Verification
from authsvc.subject import Subject
from authsvc.voice.capture import CaptureContext, EnrollmentPhrase, Heard
from authsvc.voice.held import HeldPhrase, HeldPhrases
from authsvc.voice.hints import Hint, is_telephone
from authsvc.voice.spoken_prompt import DIGITS, ENROLLMENT_DIGITS, Language, new_digits

PROMPT_LIFE = timedelta(seconds=60)
_EVIDENCE = ("model", "score", "phrases", "part", "liveness", "detectors", "prompt")
NONCE_BYTES = 24  # 192 bits; requirement 6 asks for 128.


class Worker(Protocol):
    """The voice room's service, wherever it runs."""

    def listen(self, recording: bytes, context: CaptureContext) -> EnrollmentPhrase | Unusable: ...

    def enroll(self, shares: Sequence[bytes]) -> Template | Unusable: ...

    def verify(self, recording: bytes, reference: Template, context: CaptureContext) -> Heard | Unusable: ...


class Templates(Protocol):
    def find(self, subject: Subject, modality: Modality) -> StoredTemplate | None: ...

    def stands(self, subject: Subject, modality: Modality, template_id: str) -> bool:
        """Whether this very template is still the enrolled one."""

    def fingerprints(self, subject: Subject, modality: Modality) -> tuple[str, ...]:
        """What the enrollment and the last accepted captures are recognised by."""

    def remember_capture(
        self, subject: Subject, key: bytes, modality: Modality, fingerprints: Sequence[str], now: datetime
    ) -> None: ...


class Account(Protocol):
    def key(self) -> bytes:
        """The wrapped key under which everything of this subject is sealed."""


class Accounts(Protocol):
    def find(self, subject: Subject) -> Account | None: ...


class HasVoices(Protocol):
    @property
    def accounts(self) -> Accounts: ...

    @property
    def templates(self) -> Templates: ...


Seed = Callable[[str], bytes]
"""A secret of ours for a name: what digits are drawn from."""


class VoiceVerifier:
    """Digits belong to one attempt at one challenge: beginning again shows the same ones.

    `manifests` by digest turn a target FMR into a score, and say between which scores a second phrase is asked.

    `is_at_work` says whether a worker has the voice models loaded.
    """

    factor = Factor.VOICE

    def __init__(
        self,
        worker: Worker,
        read: Reader[HasVoices],
        manifests: Mapping[str, Manifest],
        held: HeldPhrases,
        is_at_work: Callable[[], bool],
        seed: Seed,
    ) -> None:
        self._worker = worker
        self._read = read
        self._manifests = manifests
        self._held = held
        self._is_at_work = is_at_work
        self._seed = seed

    def is_offered(self, liveness: Gates = None) -> bool:
        return bool(self._manifests) and self._is_at_work()

    def begin(self, step: Step, now: datetime) -> Begun:
        phrase_number = 1 if self._held.find(step) is None else 2
        return begin_phrase(
            step.locale, now, self._seed(f"{step.challenge_id}:{step.attempt}:{phrase_number}")
        )

    def receive(self, step: Step, kept: Json, submission: Submission, now: datetime) -> Received | Unusable:
        recording, context = phrase(kept, submission, now)
        held = self._held.find(step)
        if held is not None and held.nonce == kept["nonce"]:
            raise InvalidRequest("these digits were read already; begin again")
        stored, earlier = self._read(
            lambda tx: (
                tx.templates.find(step.subject, Modality.VOICE),
                tx.templates.fingerprints(step.subject, Modality.VOICE),
            )
        )
        if stored is None:
            # The answer must look like any other; without a template there is nothing to be alike to.
            return Received({"template": None})
        if held is not None and (held.template, held.model) != (stored.id, stored.template.model):
            held = None
        context = _with(context, earlier, held)
        heard = self._worker.verify(recording, stored.template, replace(context, corrects=True))
        if heard == Unusable((Hint.READ_AS_SHOWN.value,)) and not self._held.corrects(step):
            heard = self._worker.verify(recording, stored.template, context)
        if isinstance(heard, Unusable):
            return heard
        if held is None and self._is_in_between(step, heard):
            self._hold(step, str(kept["nonce"]), stored, heard)
            return Unusable(_asking_again(heard))
        self._held.forget(step)
        return Received(_kept(stored.id, heard, held))

    def settle(self, tx: HasVoices, step: Step, kept: Json, now: datetime) -> Verification:
        template_id = kept["template"]
        if not isinstance(template_id, str) or not tx.templates.stands(
            step.subject, Modality.VOICE, template_id
        ):
            return Verification(Factor.VOICE, False, "no such template")
        evidence, matches = self._compared(step, kept)
        # Nothing but BONA_FIDE passes: a copy, other digits or a doubt do not, whatever the score.
        if kept["liveness"] != Liveness.BONA_FIDE:
            alarm = "presentation" if kept["liveness"] == Liveness.ATTACK else None
            return Verification(Factor.VOICE, False, f"liveness {kept['liveness']}", evidence, alarm)
        if not matches:
            return Verification(Factor.VOICE, False, "no match", evidence)
        fingerprints = _strings(kept["fingerprints"])
        if set(fingerprints) & set(tx.templates.fingerprints(step.subject, Modality.VOICE)):
            # Accepted by another decision in the meantime: the same recording counts once.
            return Verification(Factor.VOICE, False, "used before", evidence, "presentation")
        account = tx.accounts.find(step.subject)
        if account is None:
            return Verification(Factor.VOICE, False, "no such template")
        # Only what was accepted: a stranger's failures shall not push the owner's recordings out of memory.
        tx.templates.remember_capture(step.subject, account.key(), Modality.VOICE, fingerprints, now)
        return Verification(Factor.VOICE, True, "match", evidence)

    def _hold(self, step: Step, nonce: str, stored: StoredTemplate, heard: Heard) -> None:
        prints = heard.comparison.fingerprints
        self._held.hold(step, HeldPhrase(nonce, stored.id, stored.template.model, heard.probe, prints))

    def _compared(self, step: Step, kept: Json) -> tuple[Json, bool]:
        """What the comparison found, as evidence, and whether it is a match."""
        model, frames, score = str(kept["model"]), int(str(kept["phrases"])), float(str(kept["score"]))
        part = str(kept.get("part", ""))
        threshold = self._threshold(step, model, frames, part)
        evidence = {
            **{name: kept.get(name) for name in _EVIDENCE},
            "threshold": threshold,
            "target_fmr": step.target_fmr,
            "log_likelihood_ratio": self._manifests[model].log_likelihood_ratio(score, frames, part),
            "bound_to_payment": True,
        }
        return evidence, score >= threshold

    def _is_in_between(self, step: Step, heard: Heard) -> bool:
        """Neither accepted nor rejected by the first phrase; only a bona fide one is worth a second."""
        compared = heard.comparison
        if compared.liveness.verdict is not Liveness.BONA_FIDE or step.target_fmr is None:
            return False
        point = self._manifests[compared.model].operating_point(step.target_fmr, frames=1, part=compared.part)
        return point.retry_from is not None and point.retry_from <= compared.score < point.threshold

    def _threshold(self, step: Step, model: str, frames: int, part: str) -> float:
        if step.target_fmr is None:
            raise InvalidRequest("the policy states no target FMR for voice")
        return self._manifests[model].threshold_for(step.target_fmr, frames, part)


def begin_phrase(locale: str, now: datetime, seed: bytes, count: int = DIGITS) -> Begun:
    """A nonce and digits that count for one minute, in the words of the person's language."""
    language, nonce, digits = Language.of(locale), secrets.token_urlsafe(NONCE_BYTES), new_digits(seed, count)
    expires_at = now + PROMPT_LIFE
    shown: dict[str, object] = {
        "nonce": nonce,
        "digits": digits,
        "language": language.tag,
        "expires_at": rfc3339(expires_at),
    }
    kept = {
        "nonce": nonce,
        "digits": digits,
        "language": language.value,
        "expires_at": to_millis(expires_at),
    }
    return Begun(sent=shown, kept=kept)


def begin_enrollment_phrase(locale: str, now: datetime, seed: bytes) -> Begun:
    """The same with a longer row, for a template."""
    return begin_phrase(locale, now, seed, ENROLLMENT_DIGITS)


def phrase(kept: Json, submission: Submission, now: datetime) -> tuple[bytes, CaptureContext]:
    """The recording of a submission; raises InvalidRequest for a foreign or late nonce, or another number of recordings."""
    nonce = submission.fields.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), str(kept["nonce"]).encode()):
        raise InvalidRequest("`nonce` is not the one of this capture; begin again")
    if now >= from_millis(int(str(kept["expires_at"]))):
        raise InvalidRequest("the capture took too long; begin again")
    recordings = submission.files.get("audio", ())
    if len(recordings) != 1:
        raise InvalidRequest("this capture has one file named `audio`")
    return recordings[0], CaptureContext(str(kept["digits"]), str(kept["language"]))


def _with(context: CaptureContext, earlier: tuple[str, ...], held: HeldPhrase | None) -> CaptureContext:
    if held is None:
        return CaptureContext(context.digits, context.language, earlier)
    # The second phrase must be no copy of the first one either.
    return CaptureContext(context.digits, context.language, (*earlier, *held.fingerprints), held.probe)


def _kept(template_id: str, heard: Heard, held: HeldPhrase | None) -> Json:
    compared = heard.comparison
    return {
        "template": template_id,
        "model": compared.model,
        "score": compared.score,
        "phrases": compared.frames,
        "part": compared.part,
        "liveness": compared.liveness.verdict.value,
        "detectors": list(compared.liveness.detectors),
        "prompt": compared.liveness.evidence.get("prompt"),
        "fingerprints": [*compared.fingerprints, *(held.fingerprints if held else ())],
    }


def _asking_again(heard: Heard) -> tuple[str, ...]:
    """A telephone band leaves doubt about most owners, so who recorded in one is told what would end it."""
    quality = heard.comparison.quality
    narrowband = is_telephone(quality.get("upper_band", 0.0), quality.get("lower_band", 0.0))
    return (Hint.SAY_ANOTHER.value, *((Hint.NARROWBAND.value,) if narrowband else ()))


def _strings(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else ()
