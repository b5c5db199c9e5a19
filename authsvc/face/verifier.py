"""The factor `face`: a nonce and gestures out, frames in, and a score that is compared only where the payment is decided.

Frames go to a biometric worker and nowhere else. What is kept until then is a comparison: numbers, no picture.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from authsvc.biometric.manifest import Manifest
from authsvc.biometric.words import (
    Comparison,
    Consent,
    Gates,
    Liveness,
    LivenessGate,
    Modality,
    StoredTemplate,
    Template,
    covers,
)
from authsvc.clock import Clock, from_millis, rfc3339, to_millis
from authsvc.errors import InvalidRequest
from authsvc.face.capture import CaptureContext
from authsvc.face.chain import NONCE_BYTES, Chain, check_nonce, meta_of, wants_swap
from authsvc.face.copies import is_copy
from authsvc.face.drawing import USUAL
from authsvc.face.part import Part
from authsvc.face.renewal import Renewing
from authsvc.factor import (
    Begun,
    Factor,
    Json,
    More,
    Reader,
    Received,
    Step,
    Submission,
    Unusable,
    Verification,
)
from authsvc.subject import Subject

NONCE_LIFE = timedelta(seconds=120)
MOST_FRAMES = 60

_TOLD = (
    "model",
    "score",
    "frame_count",
    "liveness",
    "detectors",
    "liveness_evidence",
    "liveness_asked",
    "prompt_to_part_ms",
)

_KNOWN = "known"

Captures = Mapping[str, tuple[str, ...]]
"""What remembered captures are recognised by, by capture."""


class Worker(Protocol):
    """The face room's service, wherever it runs."""

    def enroll(self, frames: Sequence[bytes], context: CaptureContext) -> Template | Unusable: ...

    def verify(
        self, frames: Sequence[bytes], reference: Template, context: CaptureContext
    ) -> Comparison | Unusable: ...

    def observe(
        self, frames: Sequence[bytes], context: CaptureContext, model: str | None = None
    ) -> Part | Unusable: ...

    def enroll_parts(self, parts: Sequence[Part], context: CaptureContext) -> Template | Unusable: ...

    def verify_parts(
        self, parts: Sequence[Part], reference: Template, context: CaptureContext
    ) -> Comparison | Unusable: ...


class Templates(Protocol):
    def find(self, subject: Subject, modality: Modality) -> StoredTemplate | None: ...

    def stands(self, subject: Subject, modality: Modality, template_id: str) -> bool:
        """Whether this very template is still the enrolled one."""

    def captures(self, subject: Subject, modality: Modality) -> Captures: ...

    def consents(self, subject: Subject) -> Sequence[Consent]: ...

    def remember_capture(
        self, subject: Subject, key: bytes, modality: Modality, fingerprints: Sequence[str], now: datetime
    ) -> None: ...


class Keyed(Protocol):
    def key(self) -> bytes:
        """The wrapped key under which the person's data are sealed."""


class Accounts(Protocol):
    def find(self, subject: Subject) -> Keyed | None: ...


class HasTemplates(Protocol):
    @property
    def templates(self) -> Templates: ...
    @property
    def accounts(self) -> Accounts: ...


@dataclass(frozen=True, slots=True)
class _Known:
    """What is on record of the person: the template, earlier captures, and whether the template is to be renewed."""

    stored: StoredTemplate | None
    earlier: Captures
    is_due: bool


Seed = Callable[[str], bytes]
"""A secret of ours for a name: what gestures are drawn from."""


class FaceVerifier:
    """`manifests` by digest turn a target FMR into a score; `model` is the digest by which faces are enrolled now.

    `without_pad` is the frightening development setting.
    """

    factor = Factor.FACE

    def __init__(
        self,
        worker: Worker,
        read: Reader[HasTemplates],
        manifests: Mapping[str, Manifest],
        *,
        model: str,
        gates: Callable[[], frozenset[LivenessGate]],
        seed: Seed,
        clock: Clock,
        without_pad: bool,
    ) -> None:
        self._worker = worker
        self._read = read
        self._manifests = manifests
        self._renewing = Renewing(worker, model)
        self._gates = gates
        self._seed = seed
        self._clock = clock
        self._without_pad = without_pad

    def is_offered(self, liveness: Gates = None) -> bool:
        """Not without a gate, and not without any gate that is asked for."""
        if self._without_pad:
            return True
        installed = self._gates()
        return bool(installed) if liveness is None else installed.issuperset(liveness)

    def begin(self, step: Step, now: datetime) -> Begun:
        asks_gestures = not self._without_pad and LivenessGate.ACTIVE in (step.liveness or LivenessGate)
        if not asks_gestures:
            return begin_capture(now)
        return begun_chain(step.challenge_id, step.attempt, self._seed, step.gestures or USUAL, now)

    def receive(
        self, step: Step, kept: Json, submission: Submission, now: datetime
    ) -> Received | More | Unusable:
        on_record = self._read(lambda tx: self._known(tx, step.subject))
        if "chain" in kept:
            return self._receive_part(step, kept, submission, on_record, now)
        frames, context = capture(kept, submission, now)
        stored, earlier = on_record.stored, on_record.earlier
        if stored is None:
            # The answer must look like any other; without a template there is nothing to be alike to.
            return Received({"template": None})
        context = replace(context, earlier=lines_of(earlier), liveness=step.liveness)
        compared = self._worker.verify(frames, stored.template, context)
        about = known_of(kept, earlier)
        if on_record.is_due and isinstance(compared, Comparison):
            about = {**about, **self._renewing.of_frames(stored, frames, context)}
        return self._compared(step, stored, compared, about)

    def _receive_part(
        self,
        step: Step,
        kept: Json,
        submission: Submission,
        on_record: _Known,
        now: datetime,
    ) -> Received | More | Unusable:
        stored, earlier = on_record.stored, on_record.earlier
        chain, known = chain_of(kept), known_of(kept, earlier)
        if wants_swap(submission):
            check_nonce(chain.nonce, submission, from_millis(chain.expires_at), now)
            return more(chain.swap(self._clock.now()), known)
        frames, context = chain.admit(submission, now)
        context = replace(context, earlier=lines_of(earlier), liveness=step.liveness)
        model = None if stored is None else stored.template.model
        _must_be_of(model, chain)
        part = self._worker.observe(frames, context, model)
        if isinstance(part, Unusable):
            return part
        anew = self._renewing.followed(kept, frames, context) if on_record.is_due else {}
        # Only now can the person be shown the next one: what looking at the frames took is not theirs.
        chain = chain.followed(part.to_json(), frames, submission, now, self._clock.now())
        if not chain.is_over:
            return more(chain, {**known, **anew})
        if stored is None:
            return Received({"template": None})
        comparison = self._worker.verify_parts(parts_of(chain), stored.template, context)
        about = {**known, "prompt_to_part_ms": list(chain.prompt_to_part_ms)}
        if isinstance(comparison, Comparison):
            about |= self._renewing.of_parts(stored, anew, context)
        return self._compared(step, stored, comparison, about)

    def _compared(
        self, step: Step, stored: StoredTemplate, comparison: Comparison | Unusable, about: Json
    ) -> Received | Unusable:
        if isinstance(comparison, Unusable):
            return comparison
        return Received(
            {
                "template": stored.id,
                "model": comparison.model,
                "score": comparison.score,
                "frame_count": comparison.frames,
                "liveness": comparison.liveness.verdict.value,
                "detectors": list(comparison.liveness.detectors),
                "liveness_evidence": dict(comparison.liveness.evidence),
                "liveness_asked": None if step.liveness is None else list(step.liveness),
                "fingerprints": list(comparison.fingerprints),
                **about,
            }
        )

    def settle(self, tx: HasTemplates, step: Step, kept: Json, now: datetime) -> Verification:
        template_id = kept["template"]
        if not isinstance(template_id, str) or not tx.templates.stands(
            step.subject, Modality.FACE, template_id
        ):
            return Verification(Factor.FACE, False, "no such template")
        is_copy = self._is_copy(tx, step.subject, kept)
        self._remember(tx, step.subject, kept, now)
        threshold = self._threshold(step, str(kept["model"]), int(str(kept["frame_count"])))
        evidence = {
            **{name: kept[name] for name in _TOLD if name in kept},
            "threshold": threshold,
            "target_fmr": step.target_fmr,
            "bound_to_payment": True,
        }
        if not self._without_pad and not covers(_gates_of(kept["liveness_asked"]), step.liveness):
            return Verification(Factor.FACE, False, "other liveness was asked", evidence)
        if is_copy:
            # Accepted by another decision in the meantime: the same capture counts once.
            return Verification(Factor.FACE, False, "used before", evidence, "presentation")
        if not self._is_alive(str(kept["liveness"])):
            alarm = "presentation" if kept["liveness"] == Liveness.ATTACK else None
            return Verification(Factor.FACE, False, f"liveness {kept['liveness']}", evidence, alarm)
        passed = float(str(kept["score"])) >= threshold
        return Verification(Factor.FACE, passed, "match" if passed else "no match", evidence)

    def _known(self, tx: HasTemplates, subject: Subject) -> _Known:
        """Where a photograph passes, so does its second showing; and it renews no template."""
        stored = tx.templates.find(subject, Modality.FACE)
        if self._without_pad:
            return _Known(stored, {}, is_due=False)
        is_due = self._renewing.is_due(stored, tx.templates.consents(subject))
        return _Known(stored, tx.templates.captures(subject, Modality.FACE), is_due)

    def _is_copy(self, tx: HasTemplates, subject: Subject, kept: Json) -> bool:
        """Whether it counted before. What was remembered since a worker looked has never been compared, so that is done here."""
        seen = kept["fingerprints"]
        if self._without_pad or not isinstance(seen, list):
            return False
        remembered = tx.templates.captures(subject, Modality.FACE)
        return is_copy([*map(str, seen)], remembered, ids_of(kept))

    def _remember(self, tx: HasTemplates, subject: Subject, kept: Json, now: datetime) -> None:
        account, seen = tx.accounts.find(subject), kept["fingerprints"]
        if account is not None and isinstance(seen, list) and seen:
            tx.templates.remember_capture(subject, account.key(), Modality.FACE, seen, now)

    def _threshold(self, step: Step, model: str, frames: int) -> float:
        if step.target_fmr is None:
            raise InvalidRequest("the policy states no target FMR for face")
        return self._manifests[model].threshold_for(step.target_fmr, frames)

    def _is_alive(self, verdict: str) -> bool:
        if verdict == Liveness.BONA_FIDE:
            return True
        return verdict == Liveness.UNDECIDED and self._without_pad


def _must_be_of(model: str | None, chain: Chain) -> None:
    """Raises InvalidRequest where the template became one of another model between two parts."""
    if model is not None and any(part["model"] != model for part in chain.parts):
        raise InvalidRequest("the face was enrolled anew in the meantime; begin again")


def _gates_of(named: object) -> Gates:
    return tuple(map(LivenessGate, named)) if isinstance(named, list) else None


def begin_capture(now: datetime) -> Begun:
    """A nonce that counts for two minutes; nothing is to be done in front of the camera."""
    nonce = secrets.token_urlsafe(NONCE_BYTES)
    expires_at = now + NONCE_LIFE
    shown = {"nonce": nonce, "gestures": [], "expires_at": rfc3339(expires_at)}
    return Begun(sent=shown, kept={"nonce": nonce, "expires_at": to_millis(expires_at)})


def begun_chain(of: str, attempt: int, seed: Seed, count: int, now: datetime) -> Begun:
    """A chain of gestures: what it asks belongs to the attempt, and no attempt of the same challenge asked it before."""
    *earlier, present = (seed(f"{of}:{number}") for number in range(attempt + 1))
    chain = Chain.begin(present, count, now, earlier)
    return Begun(sent=chain.view(), kept=_kept(chain))


def more(chain: Chain, known: Json) -> More:
    """The answer to a part that is not the last one; `known` is what `known_of` says."""
    return More({"state": "more", **chain.view()}, {**_kept(chain), **known}, chain.is_revealed)


def _kept(chain: Chain) -> Json:
    return {"nonce": chain.nonce, "chain": chain.to_json()}


def known_of(kept: Json, earlier: Captures) -> Json:
    """Which captures were known when the worker first looked at this one: with later ones not every part was compared."""
    return {_KNOWN: kept.get(_KNOWN, list(earlier))}


def ids_of(kept: Json) -> tuple[str, ...]:
    """The ids in what `known_of` said."""
    found = kept.get(_KNOWN)
    return tuple(map(str, found)) if isinstance(found, list) else ()


def lines_of(earlier: Captures) -> tuple[str, ...]:
    return tuple(line for lines in earlier.values() for line in lines)


def chain_of(kept: Json) -> Chain:
    fields = kept["chain"]
    if not isinstance(fields, Mapping):
        raise InvalidRequest("this capture has not begun")
    return Chain.from_json(fields)


def parts_of(chain: Chain) -> tuple[Part, ...]:
    return tuple(map(Part.from_json, chain.parts))


def capture(kept: Json, submission: Submission, now: datetime) -> tuple[tuple[bytes, ...], CaptureContext]:
    """The frames of a capture without gestures; raises InvalidRequest for a foreign or late nonce, or no frames."""
    check_nonce(str(kept["nonce"]), submission, from_millis(int(str(kept["expires_at"]))), now)
    frames = submission.files.get("frame", ())
    if not 1 <= len(frames) <= MOST_FRAMES:
        raise InvalidRequest(f"a capture has 1 to {MOST_FRAMES} files named `frame`")
    return frames, CaptureContext.from_json({"taken_at_ms": meta_of(submission).get("taken_at_ms", [])})
