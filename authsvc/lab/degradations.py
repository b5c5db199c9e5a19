"""What do spoiled pictures do to the face check? Failure to acquire and false non-match, one kind of spoiling at a time.

Each photograph is the probe once, and the template is made of others of its person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from authsvc.biometric.manifest import Manifest
from authsvc.biometric.vectors import Vectors, cosine, fuse
from authsvc.face.image import decode
from authsvc.face.quality import VERIFICATION
from authsvc.lab.face import Json
from authsvc.lab.face_samples import Look, Shot, open_engines
from authsvc.lab.intervals import per_person
from authsvc.lab.people import Person
from authsvc.lab.pictures import photograph
from authsvc.lab.pool import mapped
from authsvc.lab.spoiling import DEGRADATIONS, spoiled


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one spoiled probe: `score` against its own person's template, None where it was not acquired."""

    hints: tuple[str, ...]
    score: float | None


Outcomes = dict[str, list[Outcome]]
"""Of one person, by degradation."""


def degraded(
    people: Sequence[Person], manifest: Manifest, model_dir: Path, *, processes: int
) -> tuple[Outcomes, ...]:
    """Every photograph of everybody with one more than a template takes, spoiled in every way; raises as `engines`."""
    enough = [person for person in people if len(person.files) > manifest.fusion.samples]
    make = partial(_open, manifest, model_dir)
    return tuple(mapped(make, enough, processes=processes, what="people", chunk=1))


def report(outcomes: Sequence[Outcomes], threshold: float) -> Json:
    """A row for each degradation: FTA over all probes, and FNMR over those acquired, by people."""
    tried = [of_one for of_one in outcomes if of_one]
    return {
        "threshold": threshold,
        "n_persons": len(tried),
        "degradations": {
            name: _row([of_one[name] for of_one in tried], threshold) for name in DEGRADATIONS if tried
        },
    }


def _row(outcomes: Sequence[Sequence[Outcome]], threshold: float) -> Json:
    lost = [[one.score is None for one in of_one] for of_one in outcomes]
    scores = [[one.score for one in of_one if one.score is not None] for of_one in outcomes]
    hints = Counter(one.hints[0] for of_one in outcomes for one in of_one if one.hints)
    failed = [[score < threshold for score in of_one] for of_one in scores]
    return {**_figures("fta", lost), "fta_hints": dict(hints.most_common()), **_figures("fnmr", failed)}


def _figures(name: str, wrong: Sequence[Sequence[bool]]) -> Json:
    found = per_person(
        np.array([sum(of_one) for of_one in wrong]), np.array([len(of_one) for of_one in wrong])
    )
    return {name: None} if found is None else found.to_json(name)


@dataclass(frozen=True, slots=True)
class _Spoiler:
    look: Look
    samples: int

    def __call__(self, person: Person) -> Outcomes:
        photographs = [self.look(file) for file in person.files]
        enrollment = [photograph.enrollment for photograph in photographs]
        found: Outcomes = {name: [] for name in DEGRADATIONS}
        for number, file in enumerate(person.files):
            template = self._template(enrollment, number)
            if template is not None and photographs[number].unreadable is None:
                upright = Image.fromarray(decode(photograph(file)))
                for name in DEGRADATIONS:
                    found[name].append(self._outcome(upright, name, template))
        return found

    def _template(self, enrollment: Sequence[Shot], probe: int) -> Vectors | None:
        """Of the first samples that are not the probe; None where there are too few good ones."""
        others = [shot.vector for number, shot in enumerate(enrollment) if number != probe]
        samples = [vector for vector in others if vector is not None][: self.samples]
        return fuse(np.array(samples)) if len(samples) == self.samples else None

    def _outcome(self, photograph: Image.Image, name: str, template: Vectors) -> Outcome:
        shot = self.look.shot(spoiled(photograph, self.look.detector, name), VERIFICATION, fine=False)
        return Outcome(shot.hints, None if shot.vector is None else cosine(shot.vector, template))


def _open(manifest: Manifest, model_dir: Path) -> _Spoiler:
    return _Spoiler(open_engines(manifest, model_dir), manifest.fusion.samples)
