"""Tries a passive liveness detector, and the matcher behind it, on live people and on attacks of known species.

The detector judges whatever it can, so that its errors are its own; what the quality gate would have sent back before is
counted beside them. IAPAR is of the whole chain: quality, detector and matcher must all let an attack through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from authsvc.biometric.manifest import Manifest
from authsvc.biometric.vectors import Vectors, cosine, fuse
from authsvc.errors import InvalidRequest, PayloadTooLarge, UnsupportedMedia
from authsvc.face.acquisition import Frame, acquire, hints_of, spread
from authsvc.face.build import engines, passive_detector, passive_form
from authsvc.face.engine import Detector, Matcher
from authsvc.face.passive_engine import PassiveDetector
from authsvc.face.quality import VERIFICATION
from authsvc.lab.clips import frames_of
from authsvc.lab.corpus import Sample
from authsvc.lab.face_samples import look_at
from authsvc.lab.iso30107 import Presentation
from authsvc.lab.people import Person
from authsvc.lab.pool import mapped


@dataclass(frozen=True, slots=True)
class Bench:
    """What presentations are tried on: the passive detector, the matcher, and who is enrolled (name to template).

    `target_fmr` says at which of its thresholds the matcher takes an attack for the enrolled person.
    """

    passive: Manifest
    matcher: Manifest
    model_dir: Path
    templates: Mapping[str, Vectors]
    target_fmr: str


@dataclass(frozen=True, slots=True)
class Tried:
    """A presentation, and the hints with which the quality gate would have sent it back."""

    presentation: Presentation
    hints: tuple[str, ...]


def try_all(listed: Sequence[Sample], bench: Bench, *, processes: int) -> tuple[Tried, ...]:
    """Every presentation of the list, in order; raises ModelUnusable as `passive_detector` and `engines` do."""
    passive_detector(bench.passive, bench.model_dir)
    engines(bench.matcher, bench.model_dir)
    return tuple(mapped(partial(_open, bench), listed, processes=processes, what="presentations"))


def enrolled(
    people: tuple[Person, ...], matcher: Manifest, model_dir: Path, *, processes: int
) -> dict[str, Vectors]:
    """A template of everybody who has enough good photographs, made of the first k of them."""
    looked = look_at(people, matcher, model_dir, processes=processes)
    templates = {}
    for person, photographs in zip(people, looked, strict=True):
        found = [one.enrollment.vector for one in photographs if one.enrollment.vector is not None]
        samples = found[: matcher.fusion.samples]
        if len(samples) == matcher.fusion.samples:
            templates[person.name] = fuse(np.array(samples))
    return templates


@dataclass(frozen=True, slots=True)
class _Trial:
    bench: Bench
    detector: Detector
    matcher: Matcher
    passive: PassiveDetector
    frames: int

    def __call__(self, listed: Sample) -> Tried:
        try:
            pictures = frames_of(listed.path)
            gate = replace(VERIFICATION, context=self.passive.least_context)
            seen = [acquire(picture, self.detector, gate) for picture in pictures]
        except (InvalidRequest, PayloadTooLarge, UnsupportedMedia) as error:
            raise InvalidRequest(f"`{listed.path.name}`: {error.detail}") from error
        refused = not any(frame.is_good for frame in seen)
        return Tried(
            Presentation(
                listed.subject, listed.species, self._score(seen), refused, self._matches(listed, seen)
            ),
            hints_of(seen, self._needed(seen)) if refused else (),
        )

    def _score(self, seen: Sequence[Frame]) -> float | None:
        """The mean over frames from all over the presentation; None where too few show a face with its surroundings."""
        faces = [frame for frame in seen if frame.face is not None]
        frontal = [frame for frame in faces if not frame.is_turned] or faces
        scores = [self.passive.score(frame.picture) for frame in spread(frontal, 2 * self.frames)]
        judged = [score for score in scores if score is not None]
        return float(np.mean(judged)) if judged and len(judged) >= self._needed(seen) else None

    def _needed(self, seen: Sequence[Frame]) -> int:
        """As many judged frames as in production, though a picture may be judged by itself."""
        return min(self.frames, len(seen))

    def _matches(self, listed: Sample, seen: Sequence[Frame]) -> bool | None:
        """Whether the matcher alone takes it for the enrolled subject; None where nobody of that name is enrolled."""
        template = self.bench.templates.get(listed.subject)
        if template is None:
            return None
        good = [
            (frame.picture, frame.face.points) for frame in seen if frame.is_good and frame.face is not None
        ]
        chosen = spread(good, self.bench.matcher.fusion.frames)
        if not chosen:
            return False
        vectors = self.matcher.describe([picture for picture, _ in chosen], [points for _, points in chosen])
        threshold = self.bench.matcher.threshold_for(self.bench.target_fmr, len(chosen))
        return cosine(fuse(vectors), template) >= threshold


def _open(bench: Bench) -> _Trial:
    detector, matcher = engines(bench.matcher, bench.model_dir)
    passive = passive_detector(bench.passive, bench.model_dir)
    for engine in (detector, matcher, passive):
        engine.load()
    frames = passive_form(bench.passive).frames
    return _Trial(bench, detector, matcher, passive, frames)
