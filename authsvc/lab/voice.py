"""How well an engine tells voices apart: templates as in production, one phrase, two averaged, and the ask-again rule.

Everything is drawn from a fixed seed. Recordings that the quality gates would refuse are counted and still compared, so that
short studio phrases can be measured too; `gated` leaves them out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from authsvc.arrays.vectors import Vectors, unit
from authsvc.lab.voice_corpus import speakers
from authsvc.lab.voice_degradations import degradation
from authsvc.lab.voice_rates import (
    Rate,
    ScoreSet,
    equal_error_rate,
    false_match_rate,
    false_non_match_rate,
)
from authsvc.lab.voice_spoofs import measure_spoofs
from authsvc.manifest import Manifest, OperatingPoint
from authsvc.voice.audio import Recording, recording_of
from authsvc.voice.engine import SAMPLE_RATE, Samples, SpeakerEncoder, SpeechDetector
from authsvc.voice.quality import ENROLMENT, VERIFICATION, Gate, Quality, measure
from authsvc.voice.references import Reference, Share
from authsvc.voice.speech import Speech, find_speech

SEED = 20261122

Figures = dict[str, object]


@dataclass(frozen=True, slots=True, eq=False)
class Engine:
    """What is measured."""

    manifest: Manifest
    encoder: SpeakerEncoder
    detector: SpeechDetector


@dataclass(frozen=True, slots=True)
class Plan:
    """`phrases` make a template; each speaker is enrolled `draws` times with others of their recordings.

    `spoofs` holds made-up voices, a folder for each system that made them.
    """

    phrases: int
    draws: int
    degradations: tuple[str, ...] = ()
    gated: bool = False
    spoofs: Path | None = None


_Template = tuple[int, Reference, frozenset[int]]


@dataclass(frozen=True, slots=True, eq=False)
class _Voice:
    """One utterance: what it adds to a reference, and its vector and quality as a probe under each degradation."""

    share: Share
    probes: Mapping[str, tuple[Vectors, Quality]]


@dataclass(frozen=True, slots=True, eq=False)
class _Trials:
    """Scores by number of phrases, under one degradation."""

    one: ScoreSet
    two: ScoreSet
    first_of_two: np.ndarray


def measure_voices(folder: Path, engine: Engine, plan: Plan) -> Figures:
    """Every figure, ready for JSON."""
    conditions = ("clean", *plan.degradations)
    files = speakers(folder)
    refused = {"enrolment": 0, "verification": 0, "unreadable": 0}
    people = {}
    for name, utterances in files.items():
        heard = [_heard(utterance.load(), engine, plan, conditions, refused) for utterance in utterances]
        people[name] = [voice for voice in heard if voice is not None]
    templates = _templates(people, plan)
    utterances_read = sum(map(len, people.values()))
    return {
        "engine": engine.encoder.id,
        "model": engine.manifest.id,
        "model_digest": engine.manifest.digest,
        "data": folder.name,
        "speakers": len(people),
        "speakers_enrolled": len({owner for owner, _, _ in templates}),
        "utterances": utterances_read,
        "enrolment_phrases": plan.phrases,
        "draws": plan.draws,
        "gated": plan.gated,
        "refused_by_the_gates": refused,
        "conditions": {
            condition: _figures(_trials(people, templates, condition), engine.manifest)
            for condition in conditions
        }
        if templates
        else {},
        "spoofs": {}
        if plan.spoofs is None or not templates
        else measure_spoofs(
            plan.spoofs,
            [reference.clean for _, reference, _ in templates],
            engine.encoder,
            engine.detector,
            engine.manifest,
        ),
    }


def _heard(
    recording: Recording | None,
    engine: Engine,
    plan: Plan,
    conditions: Sequence[str],
    refused: dict[str, int],
) -> _Voice | None:
    if recording is None:
        refused["unreadable"] += 1
        return None
    speech = find_speech(recording, engine.detector)
    enrols, verifies = (_passes(gate, speech) for gate in (ENROLMENT, VERIFICATION))
    refused["enrolment"] += not enrols
    refused["verification"] += not verifies
    if plan.gated and not verifies:
        return None
    probes = {name: _probe(recording.samples, name, engine) for name in conditions}
    return _Voice(Share.of(engine.encoder, speech.only, measure(speech)), probes)


def _probe(samples: Samples, condition: str, engine: Engine) -> tuple[Vectors, Quality]:
    """Spoiled first, and only then cut to speech, as it would be in earnest."""
    speech = find_speech(recording_of(degradation(condition)(samples), SAMPLE_RATE), engine.detector)
    return engine.encoder.describe([speech.only])[0], measure(speech)


def _passes(gate: Gate, speech: Speech) -> bool:
    return not gate.hints(measure(speech))


def _templates(people: Mapping[str, Sequence[_Voice]], plan: Plan) -> list[_Template]:
    """Owner, reference and the utterances that it was made of; at least one utterance must be left to compare."""
    chance = np.random.default_rng(SEED)
    made = []
    for owner, voices in enumerate(people.values()):
        if len(voices) <= plan.phrases:
            continue
        for _ in range(plan.draws):
            chosen = chance.choice(len(voices), size=plan.phrases, replace=False)
            reference = Reference.of([voices[index].share for index in chosen])
            made.append((owner, reference, frozenset(map(int, chosen))))
    return made


def _trials(
    people: Mapping[str, Sequence[_Voice]],
    templates: Sequence[_Template],
    condition: str,
) -> _Trials:
    """Every template against every probe that is not in it; two phrases are neighbours in a random order."""
    chance = np.random.default_rng(SEED + 1)
    rows: list[tuple[float, int, int]] = []
    pairs: list[tuple[float, float, int, int]] = []
    for owner, reference, used in templates:
        for speaker, voices in enumerate(people.values()):
            left = [
                voice.probes[condition]
                for index, voice in enumerate(voices)
                if speaker != owner or index not in used
            ]
            if not left:
                continue
            probes = np.stack([vector for vector, _ in left])
            expected = np.stack([reference.for_probe(quality) for _, quality in left])
            scores = (probes * expected).sum(axis=1)
            rows += [(float(score), owner, speaker) for score in scores]
            order = chance.permutation(len(probes))
            for first, second in zip(order[0::2], order[1::2], strict=False):
                both = unit(probes[[first, second]].mean(axis=0))
                pairs.append((float(both @ expected[second]), float(scores[first]), owner, speaker))
    one, two = np.array(rows), np.array(pairs).reshape(-1, 4)
    return _Trials(_score_set(one), _score_set(two[:, [0, 2, 3]]), two[:, 1])


def _score_set(rows: np.ndarray) -> ScoreSet:
    return ScoreSet(rows[:, 0], rows[:, 1].astype(np.int64), rows[:, 2].astype(np.int64))


def _figures(trials: _Trials, manifest: Manifest) -> Figures:
    figures: Figures = {}
    for name, frames, scores in (("one_phrase", 1, trials.one), ("two_phrases", 2, trials.two)):
        if not scores.genuine.size or not scores.impostor.size:
            continue
        eer, interval = equal_error_rate(scores)
        points = [point for point in manifest.operating_points if point.frames == frames]
        figures[name] = {
            "genuine": int(scores.genuine.size),
            "impostor": int(scores.impostor.size),
            "eer": eer,
            "eer_interval": interval,
            "operating_points": [_at(scores, point) for point in points],
        }
    if "two_phrases" in figures:
        figures["ask_again"] = _ask_again(trials, manifest)
    return figures


def _at(scores: ScoreSet, point: OperatingPoint) -> Figures:
    return {
        "target_fmr": point.target_fmr,
        "threshold": point.threshold,
        "fmr": _shown(false_match_rate(scores, point.threshold)),
        "fnmr": _shown(false_non_match_rate(scores, point.threshold)),
    }


def _ask_again(trials: _Trials, manifest: Manifest) -> list[Figures]:
    """The rule that ships: accept the first phrase, or refuse it, or ask once more and judge the two together."""
    figures = []
    for single in manifest.operating_points:
        if single.frames != 1 or single.retry_from is None:
            continue
        pair = manifest.operating_point(single.target_fmr, frames=2)
        again = (trials.first_of_two >= single.retry_from) & (trials.first_of_two < single.threshold)
        accepted = (trials.first_of_two >= single.threshold) | (again & (trials.two.scores >= pair.threshold))
        decided = ScoreSet(accepted.astype(np.float64), trials.two.owners, trials.two.speakers)
        own = trials.two.owners == trials.two.speakers
        figures.append(
            {
                "target_fmr": single.target_fmr,
                "accept_from": single.threshold,
                "ask_from": single.retry_from,
                "accept_both_from": pair.threshold,
                "fmr": _shown(false_match_rate(decided, 0.5)),
                "fnmr": _shown(false_non_match_rate(decided, 0.5)),
                "owners_asked_again": float(again[own].mean()),
            }
        )
    return figures


def _shown(rate: Rate) -> Figures:
    return {"value": rate.value, "interval": rate.interval, "worst_speaker": rate.worst}
