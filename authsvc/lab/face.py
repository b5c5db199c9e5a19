"""How well does a face matcher tell people apart? Its shipped thresholds, tried on a folder of people.

Serves whoever must know before trusting a threshold: the operator on his own users, a tester on a hold-out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from authsvc.biometric.det_svg import Mark, Series, det_svg
from authsvc.biometric.manifest import Manifest, OperatingPoint, pairs_needed
from authsvc.biometric.vectors import Vectors
from authsvc.errors import ModelUnusable
from authsvc.face.service import SAME_PERSON_FMR
from authsvc.lab.det import corners
from authsvc.lab.face_samples import Photograph, Shot
from authsvc.lab.groups import Groups, by_group
from authsvc.lab.intervals import Counts, per_person, rounded
from authsvc.lab.iso19795 import Curve, Errors, curve, equal_error_rate, errors_at
from authsvc.lab.people import Person
from authsvc.lab.trials import Samples, Trials, all_trials

Json = dict[str, Any]  # Any: a report

FEW_PEOPLE = 100


@dataclass(frozen=True, slots=True, eq=False)
class FaceData:
    """People, and what a manifest's engines made of their photographs (one tuple for each person).

    Without `gated` every face that was found is compared, whatever speaks against it.
    """

    manifest: Manifest
    people: tuple[Person, ...]
    photographs: tuple[tuple[Photograph, ...], ...]
    gated: bool = True

    def vector(self, shot: Shot) -> Vectors | None:
        """What of this look may be compared."""
        return shot.vector if self.gated else shot.found

    def trials(self, samples: int, frames: int) -> Trials:
        """Every comparison for templates of `samples` and probes of `frames`."""
        made = [
            Samples(
                [self.vector(one.enrollment) for one in of_one],
                [self.vector(one.verification) for one in of_one],
            )
            for of_one in self.photographs
        ]
        return all_trials(made, samples, frames)


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """Everything measured for one number of samples and frames."""

    trials: Trials
    curve: Curve | None
    points: tuple[tuple[OperatingPoint, Errors], ...]


def measured(data: FaceData) -> tuple[Kind, ...]:
    """Each kind of comparison that the manifest has a threshold for, that of its fusion first."""
    fusion = data.manifest.fusion
    kinds = {(point.samples, point.frames) for point in data.manifest.operating_points}
    first = (fusion.samples, fusion.frames)
    return tuple(_kind(data, *kind) for kind in (first, *sorted(kinds - {first}, reverse=True)))


def report(data: FaceData, kinds: tuple[Kind, ...], groups: Groups) -> Json:
    """Everything that `authsvc lab face --json` prints, apart from when and how it was run."""
    main = kinds[0]
    return {
        "engine": data.manifest.engine,
        "model": data.manifest.id,
        "model_version": data.manifest.version,
        "model_digest": data.manifest.digest,
        "n_persons": len(data.people),
        "n_samples": sum(len(person.files) for person in data.people),
        "k": main.trials.samples,
        "frames": main.trials.frames,
        **acquisition(data),
        **_eer(main),
        "targets": [_target(point, errors) for kind in kinds for point, errors in kind.points],
        "kinds": [{**_about(kind, data.manifest), **_eer(kind)} for kind in kinds],
        "groups": by_group(data.people, main.points, groups),
        **({"without_quality_gate": _ungated(data)} if data.gated else {}),
        "warnings": list(_warnings(data, kinds)),
    }


def acquisition(data: FaceData) -> Json:
    """Failure to acquire a probe and to enroll a sample, by photograph; files that are no pictures are counted apart."""
    readable = [[one for one in shots if one.unreadable is None] for shots in data.photographs]
    return {
        "unreadable": sum(map(len, data.photographs)) - sum(map(len, readable)),
        **_failures("fta", data, [[one.verification for one in shots] for shots in readable]),
        **_failures("enrolment_fta", data, [[one.enrollment for one in shots] for shots in readable]),
    }


def det(data: FaceData, kinds: Iterable[Kind], data_set: str) -> str:
    """The DET curves of every kind that has one, with its shipped thresholds marked."""
    title = f"{data.manifest.id} on {data_set}: {len(data.people)} people"
    series = [
        Series(
            _named(kind.trials),
            tuple(corners(kind.curve)),
            tuple(_mark(*point) for point in kind.points),
            f"{kind.curve.genuine_pairs} genuine, {kind.curve.impostor_pairs} impostor pairs",
        )
        for kind in kinds
        if kind.curve is not None
    ]
    description = (
        "Detection error trade-off: the false non-match rate falls as the false match rate rises. Dots are the "
        "shipped thresholds. The table beside the curves has the numbers; the JSON report has their intervals."
    )
    return det_svg(title, description, series)


def _kind(data: FaceData, samples: int, frames: int) -> Kind:
    trials = data.trials(samples, frames)
    points = [
        point
        for point in data.manifest.operating_points
        if (point.samples, point.frames) == (samples, frames)
    ]
    return Kind(trials, curve(trials), tuple((point, errors_at(trials, point.threshold)) for point in points))


def _failures(name: str, data: FaceData, shots: list[list[Shot]]) -> Json:
    """The share that is not compared, what the first hint of each was, and the interval by people."""
    lost = [[shot for shot in of_one if data.vector(shot) is None] for of_one in shots]
    failed: Counts = np.array([len(of_one) for of_one in lost])
    found = per_person(failed, np.array([len(of_one) for of_one in shots]))
    hints = Counter(shot.hints[0] for of_one in lost for shot in of_one if shot.hints)
    figures = {name: None} if found is None else found.to_json(name)
    return {**figures, f"{name}_hints": dict(hints.most_common())}


def _ungated(data: FaceData) -> Json:
    """The same photographs with every face compared that is found: what the quality gate costs and what it saves."""
    every = replace(data, gated=False)
    kinds = measured(every)
    return {
        **acquisition(every),
        **_eer(kinds[0]),
        "targets": [_target(point, errors) for kind in kinds for point, errors in kind.points],
    }


def _target(point: OperatingPoint, errors: Errors) -> Json:
    fmr, fnmr = errors.fmr(), errors.fnmr()
    needed = pairs_needed(point.target_fmr)
    return {
        "target_fmr": point.target_fmr,
        "samples": point.samples,
        "frames": point.frames,
        "threshold": point.threshold,
        **({"fmr": None} if fmr is None else fmr.to_json("fmr")),
        **({"fnmr": None} if fnmr is None else fnmr.to_json("fnmr")),
        "persons_genuine": int((errors.genuine > 0).sum()),
        "impostor_pairs_needed": needed,
        "enough_impostor_pairs": fmr is not None and fmr.trials >= needed,
    }


def _eer(kind: Kind) -> Json:
    if kind.curve is None:
        return {"eer": None, "eer_interval": None, "eer_threshold": None}
    found = equal_error_rate(kind.trials, kind.curve)
    return {
        "eer": rounded(found.rate),
        "eer_interval": [rounded(end) for end in found.interval],
        "eer_threshold": found.threshold,
    }


def _about(kind: Kind, manifest: Manifest) -> Json:
    """How many comparisons there are, and how many of their templates and probes production would not have made."""
    trials = kind.trials
    agreement = _agreement(manifest)
    return {
        "samples": trials.samples,
        "frames": trials.frames,
        "templates": len(trials.templates.people),
        "probes": len(trials.probes.people),
        "genuine_pairs": len(trials.genuine),
        "impostor_pairs": trials.impostor_pairs,
        "inconsistent_templates": int((trials.templates.least_alike < agreement).sum()),
        "inconsistent_probes": int((trials.probes.least_alike < agreement).sum()),
    }


def _agreement(manifest: Manifest) -> float:
    """How alike the frames of one capture must be; anything will do for a model that was never calibrated."""
    try:
        return manifest.operating_point(SAME_PERSON_FMR, frames=1, samples=1).threshold
    except ModelUnusable:
        return -1.0


def _warnings(data: FaceData, kinds: tuple[Kind, ...]) -> Iterable[str]:
    if len(data.people) < FEW_PEOPLE:
        yield (
            f"{len(data.people)} people are far too few: the figures show that the command works, "
            "and nothing about accuracy"
        )
    for kind in kinds:
        if not len(kind.trials.genuine):
            least = kind.trials.samples + kind.trials.frames
            yield f"{_named(kind.trials)}: nobody has the {least} good photographs that a genuine pair takes"
        for point, errors in kind.points:
            if errors.false_matches.trials < pairs_needed(point.target_fmr):
                yield (
                    f"{_named(kind.trials)}: {errors.false_matches.trials} impostor pairs are too few to "
                    f"show `{point.target_fmr}`, which takes {pairs_needed(point.target_fmr)}"
                )
    yield "a threshold does not transfer to another population: calibrate on your own users"


def _named(trials: Trials) -> str:
    return f"k={trials.samples}, m={trials.frames}"


def _mark(point: OperatingPoint, errors: Errors) -> Mark:
    fmr, fnmr = errors.fmr(), errors.fnmr()
    return Mark(
        f"{point.target_fmr}, threshold {point.threshold}",
        0.0 if fmr is None else fmr.rate,
        None if fnmr is None else fnmr.rate,
        None if fnmr is None else fnmr.interval,
    )
