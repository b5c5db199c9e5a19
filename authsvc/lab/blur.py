"""How blurred may a face be? FNMR by sharpness, of probes and of templates, with the gate that asks for it set aside.

Photographs are blurred until the face has just so much left of what the gate measures; a photograph that has less from the
beginning is left out of that row. The limit in `face/quality.py` is set from such a curve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from authsvc.biometric.manifest import Manifest
from authsvc.biometric.vectors import Vectors, cosine, fuse
from authsvc.face.build import engines
from authsvc.face.engine import Detector, Matcher, Pixels
from authsvc.face.image import decode
from authsvc.face.quality import measure
from authsvc.lab.face import Json
from authsvc.lab.face_samples import open_engines
from authsvc.lab.intervals import per_person
from authsvc.lab.people import Person
from authsvc.lab.pictures import photograph
from authsvc.lab.pool import mapped

LEVELS = (60.0, 40.0, 30.0, 20.0, 15.0, 10.0, 5.0)
"""Variances of the Laplacian of the face at 112 x 112."""

KINDS = ("probe", "template", "both")
"""What is blurred; the other one is as it was taken."""

_HALVINGS = 8

Described = Mapping[float | None, Sequence[Vectors | None]]
"""By level (None: as taken) a vector for each photograph, None where there is none of that level."""

Scores = Mapping[tuple[float | None, str], Sequence[float]]


def blurred_scores(
    people: Sequence[Person], manifest: Manifest, model_dir: Path, *, processes: int
) -> tuple[Scores, ...]:
    """Genuine scores of everybody with one photograph more than a template takes, by level and kind; raises as `engines`."""
    engines(manifest, model_dir)
    enough = [person for person in people if len(person.files) > manifest.fusion.samples]
    return tuple(
        mapped(partial(_open, manifest, model_dir), enough, processes=processes, what="people", chunk=1)
    )


def report(of_people: Sequence[Scores], threshold: float) -> list[Json]:
    """A row for each level and kind: FNMR at the threshold, by people."""
    rows = []
    for level, kind in ((None, "probe"), *((level, kind) for level in LEVELS for kind in KINDS)):
        scores = [person.get((level, kind), ()) for person in of_people]
        missed = np.array([sum(score < threshold for score in each) for each in scores])
        found = per_person(missed, np.array([len(each) for each in scores]))
        figures = {"fnmr": None} if found is None else found.to_json("fnmr")
        rows.append({"sharpness": level, "blurred": kind, **figures})
    return rows


def blurred_to(picture: Pixels, detector: Detector, level: float) -> Pixels | None:
    """The picture blurred until its face has this sharpness; None where it has less, or no face is found any more."""
    radius, least, most = 0.0, 0.0, 24.0
    faces = detector.detect(picture)
    if not faces or measure(picture, faces[0], detector.points).sharpness < level:
        return None
    blurred = picture
    for _ in range(_HALVINGS):
        radius = (least + most) / 2
        blurred = np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(radius)))
        if measure(blurred, faces[0], detector.points).sharpness > level:
            least = radius
        else:
            most = radius
    return blurred


@dataclass(frozen=True, slots=True)
class _Blurring:
    detector: Detector
    matcher: Matcher
    samples: int

    def __call__(self, person: Person) -> Scores:
        pictures = [decode(photograph(file)) for file in person.files]
        described: Described = {
            level: [self._described(picture, level) for picture in pictures] for level in (None, *LEVELS)
        }
        return {
            (level, kind): list(self._scores(described, level, kind))
            for level in described
            for kind in (KINDS if level is not None else KINDS[:1])
        }

    def _described(self, picture: Pixels, level: float | None) -> Vectors | None:
        shown = picture if level is None else blurred_to(picture, self.detector, level)
        faces = [] if shown is None else self.detector.detect(shown)
        if shown is None or not faces:
            return None
        return np.asarray(self.matcher.describe([shown], [faces[0].points])[0])

    def _scores(self, described: Described, level: float | None, kind: str) -> list[float]:
        """Each photograph against a template of the first others that there are."""
        probes = described[level if kind in ("probe", "both") else None]
        samples = described[level if kind in ("template", "both") else None]
        scores = []
        for number, probe in enumerate(probes):
            others = [one for other, one in enumerate(samples) if other != number and one is not None]
            if probe is not None and len(others) >= self.samples:
                scores.append(cosine(probe, fuse(np.array(others[: self.samples]))))
        return scores


def _open(manifest: Manifest, model_dir: Path) -> _Blurring:
    look = open_engines(manifest, model_dir)
    return _Blurring(look.detector, look.matcher, manifest.fusion.samples)
