"""The factor `face`: a nonce and gestures out, frames in, and a score that is compared only where the payment is decided.

Frames go to a biometric worker and nowhere else. What is kept until then is a comparison: numbers, no picture.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from authsvc.biometric.manifest import Manifest
from authsvc.biometric.words import (
    Comparison,
    Gates,
    Liveness,
    LivenessGate,
    Modality,
    StoredTemplate,
    Template,
    covers,
)
from authsvc.clock import from_millis, rfc3339, to_millis
from authsvc.errors import InvalidRequest
from authsvc.face.capture import CaptureContext, choose_gestures
from authsvc.factor import Begun, Factor, Json, Received, Step, Submission, Unusable, Verification
from authsvc.subject import Subject

NONCE_LIFE = timedelta(seconds=120)
NONCE_BYTES = 24  # 192 bits; requirement 6 asks for 128.
MOST_FRAMES = 60

_TOLD = ("model", "score", "frame_count", "liveness", "detectors", "liveness_evidence", "liveness_asked")

Answer = TypeVar("Answer")


class Worker(Protocol):
    """The face room's service, wherever it runs."""

    def enroll(self, frames: Sequence[bytes], context: CaptureContext) -> Template | Unusable: ...

    def verify(
        self, frames: Sequence[bytes], reference: Template, context: CaptureContext
    ) -> Comparison | Unusable: ...


class Templates(Protocol):
    def find(self, subject: Subject, modality: Modality) -> StoredTemplate | None: ...

    def stands(self, subject: Subject, modality: Modality, template_id: str) -> bool:
        """Whether this very template is still the enrolled one."""

    def fingerprints(self, subject: Subject, modality: Modality) -> tuple[str, ...]: ...

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


class Reader(Protocol):
    def __call__(self, query: Callable[[HasTemplates], Answer]) -> Answer: ...


class FaceVerifier:
    """`manifests` by digest turn a target FMR into a score; `without_pad` is the frightening development setting."""

    factor = Factor.FACE

    def __init__(
        self,
        worker: Worker,
        read: Reader,
        manifests: Mapping[str, Manifest],
        *,
        gates: Callable[[], frozenset[LivenessGate]],
        without_pad: bool,
    ) -> None:
        self._worker = worker
        self._read = read
        self._manifests = manifests
        self._gates = gates
        self._without_pad = without_pad

    def is_offered(self, liveness: Gates = None) -> bool:
        """Not without a gate, and not without any gate that is asked for."""
        if self._without_pad:
            return True
        installed = self._gates()
        return bool(installed) if liveness is None else installed.issuperset(liveness)

    def begin(self, step: Step, now: datetime) -> Begun:
        asks_gestures = not self._without_pad and LivenessGate.ACTIVE in (step.liveness or LivenessGate)
        return begin_capture(now, with_gestures=asks_gestures)

    def receive(self, step: Step, kept: Json, submission: Submission, now: datetime) -> Received | Unusable:
        frames, context = capture(kept, submission, now)
        stored, earlier = self._read(lambda tx: self._known(tx, step.subject))
        if stored is None:
            # The answer must look like any other; without a template there is nothing to be alike to.
            return Received({"template": None})
        comparison = self._worker.verify(
            frames, stored.template, replace(context, earlier=earlier, liveness=step.liveness)
        )
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
            **{name: kept[name] for name in _TOLD},
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

    def _known(self, tx: HasTemplates, subject: Subject) -> tuple[StoredTemplate | None, tuple[str, ...]]:
        """The template, and what earlier captures are recognised by; where a photograph passes, so does its second showing."""
        stored = tx.templates.find(subject, Modality.FACE)
        return stored, () if self._without_pad else tx.templates.fingerprints(subject, Modality.FACE)

    def _is_copy(self, tx: HasTemplates, subject: Subject, kept: Json) -> bool:
        seen = kept["fingerprints"]
        if self._without_pad or not isinstance(seen, list):
            return False
        return not set(map(str, seen)).isdisjoint(tx.templates.fingerprints(subject, Modality.FACE))

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


def _gates_of(named: object) -> Gates:
    return tuple(map(LivenessGate, named)) if isinstance(named, list) else None


def begin_capture(now: datetime, *, with_gestures: bool) -> Begun:
    """A nonce that counts for two minutes, and the gestures to make, chosen by chance."""
    nonce = secrets.token_urlsafe(NONCE_BYTES)
    expires_at = now + NONCE_LIFE
    gestures = [gesture.value for gesture in choose_gestures()] if with_gestures else []
    shown = {"nonce": nonce, "gestures": gestures, "expires_at": rfc3339(expires_at)}
    return Begun(
        shown=shown, kept={"nonce": nonce, "gestures": gestures, "expires_at": to_millis(expires_at)}
    )


def capture(kept: Json, submission: Submission, now: datetime) -> tuple[tuple[bytes, ...], CaptureContext]:
    """The frames of a submission for this ceremony; raises InvalidRequest for a foreign or late nonce, or no frames."""
    nonce = submission.fields.get("nonce")
    expected = str(kept["nonce"])
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), expected.encode()):
        raise InvalidRequest("`nonce` is not the one of this capture; begin again")
    if now >= from_millis(int(str(kept["expires_at"]))):
        raise InvalidRequest("the capture took too long; begin again")
    frames = submission.files.get("frame", ())
    if not 1 <= len(frames) <= MOST_FRAMES:
        raise InvalidRequest(f"a capture has 1 to {MOST_FRAMES} files named `frame`")
    meta = submission.fields.get("meta")
    times = meta.get("taken_at_ms", []) if isinstance(meta, Mapping) else []
    return frames, CaptureContext.from_json({"gestures": kept["gestures"], "taken_at_ms": times})
