"""What the face room does: make a template of a person's frames, and compare new frames with it.

Runs inside a biometric worker process. It keeps nothing: frames live for one call, templates and fingerprints are handed
to the caller, who seals them.
"""

from __future__ import annotations

from collections.abc import Sequence

from authsvc.biometric import Comparison, Modality, Template
from authsvc.errors import InvalidRequest, ModelUnusable, PayloadTooLarge
from authsvc.face.acquisition import Frame, acquire, hints_of, spread
from authsvc.face.capture import CaptureContext
from authsvc.face.engine import Detector, Matcher, Vectors
from authsvc.face.hints import Hint
from authsvc.face.liveness import LivenessDetector
from authsvc.face.quality import ENROLMENT, VERIFICATION
from authsvc.face.vectors import cosine, fuse, least_alike, pack, unpack
from authsvc.factor import Unusable
from authsvc.manifest import Manifest

MAX_FRAMES = 64
MAX_CAPTURE_BYTES = 48 * 1024 * 1024

_SAME_PERSON_FMR = "1 in 1000"
"""How strictly the frames of one capture must agree, one against one."""


class FaceService:
    """One matcher, one detector, one liveness detector; `load` opens them all."""

    def __init__(
        self,
        manifest: Manifest,
        detector: Detector,
        matcher: Matcher,
        liveness: LivenessDetector,
        *,
        least_frames: int,
    ) -> None:
        """`least_frames` good frames make a probe. Raises ModelUnusable for a manifest without the points needed here."""
        self._manifest = manifest
        self._detector = detector
        self._matcher = matcher
        self._liveness = liveness
        self._least_frames = least_frames
        self._agreement = manifest.operating_point(_SAME_PERSON_FMR, frames=1, samples=1).threshold

    @property
    def model(self) -> str:
        """The manifest's digest: what a template is bound to."""
        return self._manifest.digest

    def load(self) -> None:
        """Open every weight file; raises ModelUnusable."""
        for engine in (self._detector, self._matcher, self._liveness):
            engine.load()

    def describe(self) -> dict[str, object]:
        """What health shows: engine, model and liveness mode."""
        return {
            "engine": self._matcher.id,
            "detector": self._detector.id,
            "model": self.model,
            "model_id": self._manifest.id,
            "model_version": self._manifest.version,
            "liveness": self._liveness.id,
        }

    def enroll(self, frames: Sequence[bytes], context: CaptureContext) -> Template | Unusable:
        """A template of `samples` good frames that show one and the same person, or what to do better.

        Raises what `image.decode` raises, InvalidRequest and PayloadTooLarge for too few or too many frames.
        """
        # A second person is looked for harder here: whom a template belongs to is decided once.
        acquired = [acquire(frame, self._detector, ENROLMENT, fine=True) for frame in _distinct(frames)]
        good = [frame for frame in acquired if frame.is_good]
        samples = self._manifest.fusion.samples
        if len(good) < samples:
            return Unusable(hints_of(acquired, samples))
        vectors = self._describe(spread(good, samples))
        if least_alike(vectors) < self._agreement:
            return Unusable((Hint.INCONSISTENT.value,))
        return Template(Modality.FACE, self.model, pack(fuse(vectors)), samples)

    def verify(
        self, frames: Sequence[bytes], reference: Template, context: CaptureContext
    ) -> Comparison | Unusable:
        """How alike the frames' person is to the template's, and whether they were there; raises as `enroll` does.

        Raises ModelUnusable for a template of another model: the person must enrol again.
        """
        expected = self._reference(reference)
        acquired = [acquire(frame, self._detector, VERIFICATION) for frame in _distinct(frames)]
        good = [frame for frame in acquired if frame.is_good]
        if len(good) < self._least_frames:
            return Unusable(hints_of(acquired, self._least_frames))
        probe = spread(good, self._manifest.fusion.frames)
        vectors = self._describe(probe)
        # One person throughout, or a capture could prove life with one face and match with another.
        if least_alike(vectors) < self._agreement:
            return Unusable((Hint.INCONSISTENT.value,))
        return Comparison(
            score=cosine(fuse(vectors), expected),
            model=self.model,
            frames=len(probe),
            liveness=self._liveness.judge(acquired, context),
            quality=_worst(probe),
        )

    def _describe(self, frames: Sequence[Frame]) -> Vectors:
        faces = [(frame.picture, frame.face.points) for frame in frames if frame.face is not None]
        return self._matcher.describe([picture for picture, _ in faces], [points for _, points in faces])

    def _reference(self, reference: Template) -> Vectors:
        if reference.modality is not Modality.FACE or reference.model != self.model:
            raise ModelUnusable("the template was made by another model: the person must enrol again")
        vector = unpack(reference.vector)
        if vector.shape != (self._matcher.dimension,):
            raise ModelUnusable(
                f"the template has {vector.size} numbers, and {self._matcher.dimension} are expected"
            )
        return vector


def _distinct(frames: Sequence[bytes]) -> tuple[bytes, ...]:
    """The frames in order, each once: a picture that is sent again says nothing new."""
    if not frames:
        raise InvalidRequest("a face capture without a frame")
    if len(frames) > MAX_FRAMES:
        raise PayloadTooLarge(f"{len(frames)} frames, and {MAX_FRAMES} are accepted")
    if sum(map(len, frames)) > MAX_CAPTURE_BYTES:
        raise PayloadTooLarge(f"frames of more than {MAX_CAPTURE_BYTES} bytes together")
    return tuple(dict.fromkeys(frames))


def _worst(frames: Sequence[Frame]) -> dict[str, float]:
    """The worst of each measure over the frames that were compared."""
    measured = [frame.quality.numbers() for frame in frames if frame.quality is not None]
    low = {name: min(numbers[name] for numbers in measured) for name in ("width", "sharpness", "luma")}
    return low | {
        name: max((numbers[name] for numbers in measured), key=abs) for name in ("turn", "roll", "outside")
    }
