"""What the face room does: make a template of a person's frames, and compare new frames with it.

Runs inside a biometric worker process. It keeps nothing: frames live for one call, templates and fingerprints are handed
to the caller, who seals them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from authsvc.biometric.manifest import Manifest
from authsvc.biometric.vectors import Vectors, cosine, fuse, least_alike, pack, unpack
from authsvc.biometric.words import Comparison, Liveness, LivenessResult, Modality, Template
from authsvc.errors import InvalidRequest, ModelUnusable, PayloadTooLarge
from authsvc.face.acquisition import Frame, acquire, hints_of, spread, worst, worst_of
from authsvc.face.capture import CaptureContext
from authsvc.face.duplicates import look_alikes
from authsvc.face.engine import Detector, Matcher
from authsvc.face.fingerprint import fingerprints, is_replay
from authsvc.face.hints import Hint
from authsvc.face.image import examined
from authsvc.face.image_structure import UNREAD
from authsvc.face.liveness import LivenessDetector, both, judge_parts, only, passive_part
from authsvc.face.observing import MeshEngine, Observer, unpacked
from authsvc.face.part import Part
from authsvc.face.quality import ENROLLMENT, VERIFICATION, Gate
from authsvc.factor import Unusable

MAX_FRAMES = 64
MAX_CAPTURE_BYTES = 48 * 1024 * 1024

_FINE_LOOKS = 5  # A finer look takes four times as long; a second person does not come and go within a frame.

LOOK_ALIKE_FMR = "1 in 10000"

SAME_PERSON_FMR = "1 in 1000"
"""How strictly the frames of one capture must agree, one against one."""


class FaceService:
    """One matcher, one detector, one liveness detector; `load` opens them all. One call at a time, as workers make them."""

    def __init__(
        self,
        manifest: Manifest,
        detector: Detector,
        matcher: Matcher,
        liveness: LivenessDetector,
        *,
        least_frames: int,
        mesh: MeshEngine | None = None,
        judged_by: Sequence[Manifest] = (),
    ) -> None:
        """`least_frames` good frames make a probe; `mesh` is needed where gestures are asked. `judged_by` are the models
        of liveness.

        Raises ModelUnusable for a manifest without the points needed here.
        """
        self._manifest = manifest
        self._detector = detector
        self._matcher = matcher
        self._liveness = liveness
        self._least_frames = least_frames
        self._mesh = mesh
        self._calibrations = [each.calibration_digest for each in (manifest, *judged_by)]
        self._agreement = manifest.operating_point(SAME_PERSON_FMR, frames=1, samples=1).threshold

    @property
    def model(self) -> str:
        """The manifest's digest: what a template is bound to."""
        return self._manifest.digest

    def load(self) -> None:
        """Open every weight file; raises ModelUnusable."""
        for engine in (self._detector, self._matcher, self._liveness):
            engine.load()
        if self._mesh is not None:
            self._mesh.load()

    def describe(self) -> dict[str, object]:
        """What health shows: engine, model and liveness mode."""
        return {
            "engine": self._matcher.id,
            "detector": self._detector.id,
            "model": self.model,
            "model_id": self._manifest.id,
            "model_version": self._manifest.version,
            "populations": self._manifest.populations,
            "liveness": self._liveness.id,
            "gates": [gate.value for gate in self._liveness.gates],
            "calibrations": list(self._calibrations),
        }

    def enroll(self, frames: Sequence[bytes], context: CaptureContext) -> Template | Unusable:
        """A template of `samples` good frames that show one and the same living person, or what to do better.

        Raises what `image.decode` raises, InvalidRequest and PayloadTooLarge for too few or too many frames.
        """
        # A second person is looked for harder here: whom a template belongs to is decided once.
        samples = self._manifest.fusion.samples
        fine = spread(range(len(frames)), _FINE_LOOKS)
        liveness = only(self._liveness, context.liveness)
        gate = replace(ENROLLMENT, context=liveness.least_context)
        capture = self._acquire(frames, gate, least=samples, fine=fine)
        if isinstance(capture, Unusable):
            return capture
        seen = fingerprints(frames, capture, self._detector.points)
        if self._judged(liveness, capture, seen, context).verdict is not Liveness.BONA_FIDE:
            return Unusable((Hint.NOT_LIVE.value,))
        return Template(
            Modality.FACE, self.model, pack(fuse(_spread_vectors(capture, samples))), samples, seen
        )

    def verify(
        self, frames: Sequence[bytes], reference: Template, context: CaptureContext
    ) -> Comparison | Unusable:
        """How alike the frames' person is to the template's, and whether they were there; raises as `enroll` does.

        Raises ModelUnusable for a template of another model: the person must enroll again.
        """
        expected = self._reference(reference)
        fine = spread(range(len(frames)), 1)
        liveness = only(self._liveness, context.liveness)
        gate = replace(VERIFICATION, context=liveness.least_context)
        capture = self._acquire(frames, gate, least=self._least_frames, fine=fine)
        if isinstance(capture, Unusable):
            return capture
        seen = fingerprints(frames, capture, self._detector.points)
        probe = _spread_vectors(capture, self._manifest.fusion.frames)
        return Comparison(
            score=cosine(fuse(probe), expected),
            model=self.model,
            frames=len(probe),
            liveness=self._judged(liveness, capture, seen, context),
            quality=worst(capture),
            fingerprints=seen,
        )

    def observe(
        self, frames: Sequence[bytes], context: CaptureContext, model: str | None = None
    ) -> Part | Unusable:
        """What is kept of one part of an active capture, or what the person can do better; raises as `enroll` does.

        Whether it shows the gesture is not said before all parts are in. `model` is that of the template, if there is one.
        """
        if model not in (None, self.model):
            raise ModelUnusable("the template was made by another model: the person must enroll again")
        if self._mesh is None:
            raise ModelUnusable("gestures were asked without the mesh that they are read from")
        asked = only(self._liveness, context.liveness)
        gate = replace(ENROLLMENT if context.enrolling else VERIFICATION, context=asked.least_context)
        observer = Observer(self._detector, self._matcher, self._mesh, self.model)
        # What is held to the camera is judged once; that it stays the same is seen from part to part.
        passive = passive_part(asked) if context.part == 0 else None
        return observer.observe(
            frames, context, gate, None if passive is None else lambda seen: passive.judge(seen, context)
        )

    def enroll_parts(self, parts: Sequence[Part], context: CaptureContext) -> Template | Unusable:
        """A template of a whole active capture; returns as `enroll` does."""
        samples = self._manifest.fusion.samples
        vectors = self._vectors_of(parts, samples)
        if isinstance(vectors, Unusable):
            return vectors
        if self._judged_parts(parts, context).verdict is not Liveness.BONA_FIDE:
            return Unusable((Hint.NOT_LIVE.value,))
        seen = tuple(one for part in parts for one in part.fingerprints)
        return Template(Modality.FACE, self.model, pack(fuse(vectors)), samples, seen)

    def verify_parts(
        self, parts: Sequence[Part], reference: Template, context: CaptureContext
    ) -> Comparison | Unusable:
        """How alike the person of a whole active capture is to the template's; returns and raises as `verify` does."""
        expected = self._reference(reference)
        vectors = self._vectors_of(parts, self._manifest.fusion.frames)
        if isinstance(vectors, Unusable):
            return vectors
        return Comparison(
            score=cosine(fuse(vectors), expected),
            model=self.model,
            frames=len(vectors),
            liveness=self._judged_parts(parts, context),
            quality=worst_of([part.quality for part in parts]),
            fingerprints=tuple(one for part in parts for one in part.fingerprints),
        )

    def _vectors_of(self, parts: Sequence[Part], count: int) -> Vectors | Unusable:
        """`count` vectors of frames at rest, from all over the capture; Unusable unless all of them agree."""
        if any(part.model != self.model for part in parts):
            raise ModelUnusable("a part was observed by another model: the capture must be made anew")
        vectors = np.concatenate([unpacked(part.rest, self._matcher.dimension) for part in parts])
        if len(vectors) < count:
            return Unusable((Hint.MORE_FRAMES.value,))
        if least_alike(vectors) < self._agreement:
            return Unusable((Hint.INCONSISTENT.value,))
        return np.array(spread(list(vectors), count))

    def _judged_parts(self, parts: Sequence[Part], context: CaptureContext) -> LivenessResult:
        """What each gate that is asked says, and ATTACK in any case for a part that was seen before."""
        judged = judge_parts(only(self._liveness, context.liveness), parts, self._matcher.dimension)
        if not any(part.replayed for part in parts):
            return judged
        return both(judged, LivenessResult(Liveness.ATTACK, ("replay",), {"replayed": 1.0}))

    def look_alikes(self, template: Template, others: Sequence[Template]) -> tuple[int, ...]:
        """The places of those in `others` who resemble this model's template, the most alike first.

        Exact, at the threshold for 1 in 10 000. Raises ModelUnusable for a template of another model.
        """
        self._reference(template)
        threshold = self._manifest.threshold_for(LOOK_ALIKE_FMR)
        return tuple(found.number for found in look_alikes(template, others, threshold))

    def _acquire(
        self, frames: Sequence[bytes], gate: Gate, *, least: int, fine: Sequence[int]
    ) -> tuple[Frame, ...] | Unusable:
        """Every frame in order, the good ones with their vectors; Unusable unless at least `least` good ones agree."""
        _check_size(frames)
        try:
            stills = examined(frames)
        except UNREAD as unread:
            return Unusable((unread.hint.value,))
        acquired = [
            acquire(frame, self._detector, gate, fine=number in fine, still=still)
            for number, (frame, still) in enumerate(zip(frames, stills, strict=True))
        ]
        repeated = len(frames) - len(set(frames))
        good = [frame for frame in acquired if frame.is_good]
        if len(good) - repeated < least:
            return Unusable(hints_of(acquired, least + repeated))
        described = dict(zip(map(id, good), self._describe(good), strict=True))
        # One person throughout, or a capture could prove life with one face and match with another.
        if least_alike(np.array(list(described.values()))) < self._agreement:
            return Unusable((Hint.INCONSISTENT.value,))
        return tuple(replace(frame, vector=described.get(id(frame))) for frame in acquired)

    def _judged(
        self,
        liveness: LivenessDetector,
        capture: Sequence[Frame],
        seen: Sequence[str],
        context: CaptureContext,
    ) -> LivenessResult:
        """What the detector says, and ATTACK in any case for a capture that was seen before."""
        judged = liveness.judge(capture, context)
        if not is_replay(seen, capture, context.earlier, self._detector.points):
            return judged
        return both(judged, LivenessResult(Liveness.ATTACK, ("replay",), {"replayed": 1.0}))

    def _describe(self, frames: Sequence[Frame]) -> Vectors:
        faces = [(frame.picture, frame.face.points) for frame in frames if frame.face is not None]
        return self._matcher.describe([picture for picture, _ in faces], [points for _, points in faces])

    def _reference(self, reference: Template) -> Vectors:
        if reference.modality is not Modality.FACE or reference.model != self.model:
            raise ModelUnusable("the template was made by another model: the person must enroll again")
        vector = unpack(reference.vector)
        if vector.shape != (self._matcher.dimension,):
            raise ModelUnusable(
                f"the template has {vector.size} numbers, and {self._matcher.dimension} are expected"
            )
        return vector


def _check_size(frames: Sequence[bytes]) -> None:
    if not frames:
        raise InvalidRequest("a face capture without a frame")
    if len(frames) > MAX_FRAMES:
        raise PayloadTooLarge(f"{len(frames)} frames, and {MAX_FRAMES} are accepted")
    if sum(map(len, frames)) > MAX_CAPTURE_BYTES:
        raise PayloadTooLarge(f"frames of more than {MAX_CAPTURE_BYTES} bytes together")


def _spread_vectors(capture: Sequence[Frame], count: int) -> Vectors:
    return np.array(spread([frame.vector for frame in capture if frame.vector is not None], count))
