"""Operating points for each part of a voice reference, from one's own recordings: one phrase, and two averaged.

Probes are heard clean and spoiled, each meets the part that its quality names, and a part is calibrated on all that met it. A
threshold is the least at which the upper 95 % bound of the FMR, with people resampled, meets the target.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from authsvc.biometric.manifest import Manifest, OperatingPoint, rate_of
from authsvc.lab.intervals import rounded
from authsvc.lab.iso19795 import errors_at
from authsvc.lab.operating_points import DataSet, Refusal
from authsvc.lab.voice import Plan, people_of, templates_of
from authsvc.lab.voice_listening import Engine, Voice
from authsvc.lab.voice_trials import VoiceTrials, pooled, voice_trials
from authsvc.voice.references import PARTS

LEAST_OWNERS = 3
_ASK_BELOW = 0.12
"""How far under the threshold one more phrase is worth asking for."""

_STEP = 0.001


@dataclass(frozen=True, slots=True)
class Checked:
    """A threshold set on every other person, and what it does to the others."""

    part: str
    frames: int
    threshold: float
    fmr: float | None
    fnmr: float | None


@dataclass(frozen=True, slots=True)
class Calibrated:
    points: tuple[OperatingPoint, ...]
    refused: tuple[Refusal, ...]
    checked: tuple[Checked, ...]

    def to_json(self) -> dict[str, object]:
        return {
            "operating_points": [point.model_dump(exclude_none=True) for point in self.points],
            "refused": [asdict(one) for one in self.refused],
            "cross_checked": [asdict(one) for one in self.checked],
        }


def calibrate_voices(
    folder: Path,
    manifest: Manifest,
    engine: Callable[[], Engine],
    plan: Plan,
    target_fmr: str,
    data_set: DataSet,
) -> Calibrated:
    """Raises InvalidRequest for a folder without recordings."""
    people, _ = people_of(folder, engine, plan, ("clean", *plan.degradations))
    return calibrated(people, plan, target_fmr, data_set)


def calibrated(
    people: Sequence[Sequence[Voice]], plan: Plan, target_fmr: str, data_set: DataSet
) -> Calibrated:
    """Points for one phrase and for two in every part that enough owners and strangers met."""
    found = [_point(trials, part, plan, target_fmr, data_set) for part, trials in _kinds(people, plan)]
    checked = [check for part, trials in _kinds(people, plan) for check in _checks(part, trials, target_fmr)]
    return Calibrated(
        tuple(it for it in found if isinstance(it, OperatingPoint)),
        tuple(it for it in found if isinstance(it, Refusal)),
        tuple(checked),
    )


def _kinds(people: Sequence[Sequence[Voice]], plan: Plan) -> Iterator[tuple[str, VoiceTrials]]:
    templates = templates_of(people, plan.phrases, plan.draws)
    if not templates:
        return
    for frames in (1, 2):
        several = [
            voice_trials(
                [[voice.probes[condition] for voice in own] for own in people],
                templates,
                frames,
                len(templates[0].reference.clean),
            )
            for condition in ("clean", *plan.degradations)
        ]
        for part in PARTS:
            yield part, pooled([trials.among_part(part) for trials in several])


def _point(
    trials: VoiceTrials, part: str, plan: Plan, target_fmr: str, data_set: DataSet
) -> OperatingPoint | Refusal:
    owners = len(np.unique(trials.genuine_people))
    if owners < LEAST_OWNERS:
        reason = (
            f"{owners} people met the part `{part}` of their own reference, and {LEAST_OWNERS} are needed"
        )
        return Refusal(target_fmr, plan.phrases, trials.phrases, reason)
    threshold = threshold_of(trials, rate_of(target_fmr))
    errors = errors_at(trials, threshold)
    fmr, fnmr = errors.fmr(), errors.fnmr()
    if fmr is None or fnmr is None:
        return Refusal(target_fmr, plan.phrases, trials.phrases, f"no comparisons with the part `{part}`")
    return OperatingPoint(
        target_fmr=target_fmr,
        threshold=threshold,
        samples=plan.phrases,
        frames=trials.phrases,
        part=part,
        fmr=rounded(fmr.rate),
        fmr_interval=(rounded(fmr.interval[0]), rounded(fmr.interval[1])),
        fnmr=rounded(fnmr.rate),
        fnmr_interval=(rounded(fnmr.interval[0]), rounded(fnmr.interval[1])),
        people=trials.people,
        genuine_pairs=fnmr.trials,
        impostor_pairs=fmr.trials,
        data_set=data_set.name,
        population=data_set.population,
        date=data_set.date,
        note=f"{owners} owners; set on the people it was measured on; the upper bound of the FMR meets the target",
        retry_from=round(threshold - _ASK_BELOW, 3) if trials.phrases == 1 else None,
    )


def threshold_of(trials: VoiceTrials, fmr: float) -> float:
    """The least threshold, to three decimals, whose upper bound is at most `fmr`; 1 where even that is too much."""
    low, high = 0, round(1 / _STEP)
    while low < high:
        middle = (low + high) // 2
        found = trials.impostors(middle * _STEP).estimate()
        if found is not None and found.upper_bound <= fmr:
            high = middle
        else:
            low = middle + 1
    return round(high * _STEP, 3)


def _checks(part: str, trials: VoiceTrials, target_fmr: str) -> Iterator[Checked]:
    """Both ways round: what a threshold does to people that it was not set on. Halves are every other person."""
    even = np.arange(trials.people) % 2 == 0
    for chosen in (even, ~even):
        own = trials.among(chosen)
        if len(np.unique(own.genuine_people)) and len(np.unique(trials.among(~chosen).genuine_people)):
            threshold = threshold_of(own, rate_of(target_fmr))
            errors = errors_at(trials.among(~chosen), threshold)
            fmr, fnmr = errors.fmr(), errors.fnmr()
            yield Checked(
                part,
                trials.phrases,
                threshold,
                None if fmr is None else rounded(fmr.rate),
                None if fnmr is None else rounded(fnmr.rate),
            )
