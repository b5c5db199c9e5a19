"""Thresholds from one's own people: the operating points of a face matcher's manifest, and the scores behind them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType

from authsvc.biometric.det import DetCurve
from authsvc.biometric.drift import ScoreHistogram
from authsvc.biometric.manifest import Fusion, OperatingPoint
from authsvc.face.service import SAME_PERSON_FMR
from authsvc.lab.det import det_curve
from authsvc.lab.face import FaceData, Json
from authsvc.lab.groups import Groups, members
from authsvc.lab.intervals import Estimate
from authsvc.lab.operating_points import DataSet, Refusal, cross_checked, operating_point
from authsvc.lab.trials import Trials

NO_GROUPS: Groups = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was measured, what was refused, and what each threshold does to people that it was not set on."""

    fusion: Fusion
    points: tuple[OperatingPoint, ...]
    curves: tuple[DetCurve, ...]
    refusals: tuple[Refusal, ...]
    cross_checks: tuple[Json, ...]
    scores: Json

    @property
    def serves(self) -> bool:
        """Whether there is a threshold for the templates and probes that the service makes."""
        wanted = self.fusion.samples, self.fusion.frames
        return any((point.samples, point.frames) == wanted for point in self.points)

    def to_json(self) -> Json:
        return {
            "operating_points": [point.model_dump(exclude_none=True) for point in self.points],
            "refused": [asdict(refusal) for refusal in self.refusals],
            "cross_checked": list(self.cross_checks),
        }


def calibrated(
    data: FaceData, targets: Sequence[str], data_set: DataSet, groups: Groups = NO_GROUPS
) -> Calibration:
    """Points for each target and each number of frames that a probe may have, and for frames of one capture among themselves.

    With `groups` a target must be met within each of them as well.
    """
    inside = members(data.people, groups)
    points: list[OperatingPoint] = []
    curves: list[DetCurve] = []
    refusals: list[Refusal] = []
    checks: list[Json] = []
    scores: Json = {}
    fusion = data.manifest.fusion
    for trials, asked in _plan(data, targets):
        of_kind: list[OperatingPoint] = []
        for target in asked:
            found = operating_point(trials, target, data_set, inside)
            if isinstance(found, Refusal):
                refusals.append(found)
            else:
                of_kind.append(found)
                checks += _cross_checks(trials, target)
        points += of_kind
        curve = det_curve(trials, data_set, (point.threshold for point in of_kind))
        curves += [] if curve is None else [curve]
        if (trials.samples, trials.frames) == (fusion.samples, fusion.frames):
            scores = _scores(data, trials, data_set)
    return Calibration(fusion, tuple(points), tuple(curves), tuple(refusals), tuple(checks), scores)


def _plan(data: FaceData, targets: Sequence[str]) -> Iterator[tuple[Trials, Sequence[str]]]:
    fusion = data.manifest.fusion
    yield data.trials(1, 1), (SAME_PERSON_FMR,)
    for frames in range(1, fusion.frames + 1):
        yield data.trials(fusion.samples, frames), targets


def _cross_checks(trials: Trials, target: str) -> list[Json]:
    return [
        {
            "target_fmr": target,
            "samples": trials.samples,
            "frames": trials.frames,
            "threshold": check.threshold,
            **_figures("fmr", check.fmr),
            **_figures("fnmr", check.fnmr),
        }
        for check in cross_checked(trials, target)
    ]


def _figures(name: str, found: Estimate | None) -> Json:
    return {name: None} if found is None else found.to_json(name)


def _scores(data: FaceData, trials: Trials, data_set: DataSet) -> Json:
    """How scores were distributed while calibrating: what drift is measured against."""
    return {
        "model": data.manifest.digest,
        "samples": trials.samples,
        "frames": trials.frames,
        "data_set": data_set.name,
        "date": data_set.date,
        "genuine": ScoreHistogram.of(trials.genuine.tolist()).to_json(),
    }
