"""Photographs into what the face room makes of them: a vector for a template, one for a probe, or the hints against it.

Everything is done as in production and with the same code. As there, a second face is looked for at the finer detector step where
a template is made, and at the coarse one where a probe is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from authsvc.biometric.manifest import Manifest
from authsvc.biometric.vectors import Vectors
from authsvc.errors import InvalidRequest, PayloadTooLarge, UnsupportedMedia
from authsvc.face.acquisition import acquire
from authsvc.face.build import engines
from authsvc.face.engine import Detector, Matcher
from authsvc.face.quality import ENROLLMENT, VERIFICATION, Gate
from authsvc.lab.people import Person
from authsvc.lab.pictures import photograph
from authsvc.lab.pool import mapped


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """What one look at a photograph gave: a unit vector of the face that was found, and the hints that speak against it."""

    hints: tuple[str, ...]
    found: Vectors | None = None

    @property
    def vector(self) -> Vectors | None:
        """The face's, where the quality gate lets it through."""
        return None if self.hints else self.found


@dataclass(frozen=True, slots=True, eq=False)
class Photograph:
    """One file, looked at twice; `unreadable` says why it is no picture that the service would accept."""

    enrollment: Shot
    verification: Shot
    unreadable: str | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """Looks at files with the engines of one manifest."""

    detector: Detector
    matcher: Matcher

    def __call__(self, file: Path) -> Photograph:
        try:
            data = photograph(file)
            verification = self.shot(data, VERIFICATION, fine=False)
            # Where nothing was found the detector has looked at the finer step already.
            lost = verification.found is None
            return Photograph(verification if lost else self.shot(data, ENROLLMENT, fine=True), verification)
        except (InvalidRequest, PayloadTooLarge, UnsupportedMedia) as error:
            return _unreadable(error.detail)
        except OSError as error:
            return _unreadable(error.__class__.__name__)

    def shot(self, data: bytes, gate: Gate, *, fine: bool) -> Shot:
        """One look at an encoded picture; raises as `acquire` does."""
        frame = acquire(data, self.detector, gate, fine=fine)
        hints = tuple(hint.value for hint in frame.hints)
        if frame.face is None:
            return Shot(hints)
        return Shot(hints, self.matcher.describe([frame.picture], [frame.face.points])[0])


def look_at(
    people: tuple[Person, ...], manifest: Manifest, model_dir: Path, *, processes: int
) -> tuple[tuple[Photograph, ...], ...]:
    """Every file of everybody, people by people; raises ModelUnusable as `engines` does."""
    files = [file for person in people for file in person.files]
    # Made here once as well, so that a missing weight is told before processes are started.
    engines(manifest, model_dir)
    looked = iter(
        mapped(
            partial(open_engines, manifest, model_dir),
            files,
            processes=processes,
            what="pictures",
        )
    )
    return tuple(tuple(next(looked) for _ in person.files) for person in people)


def open_engines(manifest: Manifest, model_dir: Path) -> Look:
    """Detector and matcher of a manifest, loaded; raises ModelUnusable."""
    detector, matcher = engines(manifest, model_dir)
    detector.load()
    matcher.load()
    return Look(detector, matcher)


def _unreadable(why: str) -> Photograph:
    return Photograph(Shot(()), Shot(()), why)
