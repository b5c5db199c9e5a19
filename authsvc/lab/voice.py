"""How well an engine tells voices apart: templates as in production, one phrase, two averaged, and the ask-again rule.

Everything is drawn from a fixed seed. Recordings that the quality gates would refuse are counted and still compared, so that
short studio phrases can be measured too; `gated` leaves them out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from authsvc.biometric.manifest import Manifest, OperatingPoint
from authsvc.lab.intervals import Estimate, rounded
from authsvc.lab.iso19795 import Errors, curve, equal_error_rate
from authsvc.lab.pool import mapped
from authsvc.lab.voice_corpus import Utterance, phrases, speakers
from authsvc.lab.voice_listening import Engine, Listener, Voice
from authsvc.lab.voice_spoofs import measure_spoofs
from authsvc.lab.voice_trials import Template, VoiceTrials, make_templates, voice_trials
from authsvc.voice.references import PARTS

Figures = dict[str, object]

_KINDS = (("one_phrase", 1), ("two_phrases", 2))


@dataclass(frozen=True, slots=True)
class Plan:
    """`phrases` make a template; each speaker is enrolled `draws` times with others of their recordings.

    `spoofs` holds made-up voices, a folder for each system that made them; inside of the folder of people they are none.
    """

    phrases: int
    draws: int
    degradations: tuple[str, ...] = ()
    gated: bool = False
    spoofs: Path | None = None
    processes: int = 1


def measure_voices(folder: Path, manifest: Manifest, engine: Callable[[], Engine], plan: Plan) -> Figures:
    """Every figure, ready for JSON. Raises InvalidRequest for a folder without recordings."""
    conditions = ("clean", *plan.degradations)
    people, refused = people_of(folder, engine, plan, conditions)
    templates = templates_of(people, plan.phrases, plan.draws)
    return {
        "engine": manifest.engine,
        "model": manifest.id,
        "model_digest": manifest.digest,
        "data": folder.resolve().name,
        "speakers": len(people),
        "speakers_enrolled": len({template.owner for template in templates}),
        "utterances": sum(map(len, people)),
        "enrolment_phrases": plan.phrases,
        "draws": plan.draws,
        "gated": plan.gated,
        "refused_by_the_gates": refused,
        "conditions": {
            condition: _condition(people, templates, condition, manifest)
            for condition in conditions
            if templates
        },
        "spoofs": _spoofs(plan, templates, engine, manifest),
    }


def templates_of(people: Sequence[Sequence[Voice]], count: int, draws: int) -> tuple[Template, ...]:
    """Of the clean phrases of everybody who has enough; sessions apart."""
    return make_templates(
        [[one.share for one in own] for own in people],
        count,
        draws,
        [[one.session for one in own] for own in people],
    )


def people_of(
    folder: Path, engine: Callable[[], Engine], plan: Plan, conditions: tuple[str, ...]
) -> tuple[list[list[Voice]], dict[str, int]]:
    """Everybody's voices, and how many recordings were no good for what."""
    utterances = [
        one for own in speakers(folder).values() if not _is_made_up(own, folder, plan) for one in phrases(own)
    ]
    heard = mapped(
        Listener(engine, conditions), utterances, processes=plan.processes, what="recordings of voices"
    )
    readable = [(one.speaker, voice) for one, voice in zip(utterances, heard, strict=True) if voice]
    refused = {
        "enrolment": sum(not voice.enrolls for _, voice in readable),
        "verification": sum(not voice.verifies for _, voice in readable),
        "unreadable": len(heard) - len(readable),
    }
    people: dict[str, list[Voice]] = {}
    for speaker, voice in readable:
        if voice.verifies or not plan.gated:
            people.setdefault(speaker, []).append(voice)
    return list(people.values()), refused


def _is_made_up(own: Sequence[Utterance], folder: Path, plan: Plan) -> bool:
    if plan.spoofs is None or plan.spoofs.resolve() == folder.resolve():
        return False
    return own[0].path.resolve().is_relative_to(plan.spoofs.resolve())


def _spoofs(
    plan: Plan, templates: Sequence[Template], engine: Callable[[], Engine], manifest: Manifest
) -> Mapping[str, object]:
    if plan.spoofs is None or not templates:
        return {}
    return measure_spoofs(plan.spoofs, [one.reference for one in templates], engine(), manifest)


def _condition(
    people: Sequence[Sequence[Voice]], templates: Sequence[Template], condition: str, manifest: Manifest
) -> Figures:
    probes = [[voice.probes[condition] for voice in own] for own in people]
    figures: Figures = {}
    for name, count in _KINDS:
        trials = voice_trials(probes, templates, count, len(templates[0].reference.clean))
        found = curve(trials)
        if found is None:
            continue
        rate = equal_error_rate(trials, found)
        figures[name] = {
            "genuine": found.genuine_pairs,
            "impostor": found.impostor_pairs,
            "eer": rounded(rate.rate),
            "eer_threshold": rate.threshold,
            "eer_interval": [rounded(end) for end in rate.interval],
            "operating_points": [
                _at(trials, points_of(manifest, target, count)) for target in targets_of(manifest, count)
            ],
        }
        if count == 2:
            figures["ask_again"] = _ask_again(trials, manifest)
    return figures


def targets_of(manifest: Manifest, frames: int) -> list[str]:
    return list(
        dict.fromkeys(point.target_fmr for point in manifest.operating_points if point.frames == frames)
    )


def points_of(manifest: Manifest, target_fmr: str, frames: int) -> list[OperatingPoint]:
    """One for each part of a reference, in their order."""
    return [manifest.operating_point(target_fmr, frames, part=part) for part in PARTS]


def _at(trials: VoiceTrials, points: Sequence[OperatingPoint]) -> Figures:
    thresholds = {part: point.threshold for part, point in zip(PARTS, points, strict=True)}
    return {"target_fmr": points[0].target_fmr, "thresholds": thresholds, **_rates(trials.at(points))}


def _ask_again(trials: VoiceTrials, manifest: Manifest) -> list[Figures]:
    """The rule that ships: accept the first phrase, or refuse it, or ask once more and judge the two together."""
    figures: list[Figures] = []
    for target in targets_of(manifest, 1):
        singles, pairs = points_of(manifest, target, 1), points_of(manifest, target, 2)
        errors, again = trials.asked_again(singles, pairs)
        figures.append(
            {
                "target_fmr": target,
                "accept_from": {one.part or "any": one.threshold for one in singles},
                "ask_from": {one.part or "any": one.retry_from for one in singles},
                "accept_both_from": {one.part or "any": one.threshold for one in pairs},
                "met": {
                    part: int((trials.own.first_parts == number).sum()) for number, part in enumerate(PARTS)
                },
                **_rates(errors),
                "owners_asked_again": rounded(again),
            }
        )
    return figures


def _rates(errors: Errors) -> Figures:
    """Both rates with what stands behind them, and those of the single speakers who fare worst."""
    matches = errors.false_matches
    met = matches.templates * (matches.probes.sum() - matches.probes)
    wrong = np.bincount(matches.template_of, weights=matches.errors, minlength=len(met))
    return {
        "fmr": _rate(errors.fmr(), wrong, met),
        "fnmr": _rate(errors.fnmr(), errors.false_non_matches, errors.genuine),
    }


def _rate(estimate: Estimate | None, errors: np.ndarray, trials: np.ndarray) -> Figures | None:
    if estimate is None:
        return None
    return {
        "value": rounded(estimate.rate),
        "errors": estimate.errors,
        "trials": estimate.trials,
        "interval": [rounded(end) for end in estimate.interval],
        "upper_bound": rounded(estimate.upper_bound),
        "worst_speaker": rounded(float((errors[trials > 0] / trials[trials > 0]).max())),
    }
