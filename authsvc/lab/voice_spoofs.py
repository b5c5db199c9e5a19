"""How often made-up voices pass the comparison: per system that made them, against every template, never pooled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from authsvc.biometric.manifest import Manifest
from authsvc.lab.intervals import upper_bound
from authsvc.lab.voice_corpus import Utterance, speakers
from authsvc.lab.voice_listening import Engine
from authsvc.voice.quality import measure
from authsvc.voice.references import Reference, part_for
from authsvc.voice.speech import find_speech


def measure_spoofs(
    folder: Path, references: Sequence[Reference], engine: Engine, manifest: Manifest
) -> Mapping[str, object]:
    """Acceptance by one phrase at each shipped threshold, for every folder of `folder`, ready for JSON.

    What is counted is the comparison alone: digit prompt, copies and the factor beside the voice come on top.
    """
    scores = {
        system: [score for one in utterances for score in _scores(one, references, engine)]
        for system, utterances in speakers(folder).items()
    }
    return {system: _accepted(found, manifest) for system, found in scores.items() if found}


def _scores(utterance: Utterance, references: Sequence[Reference], engine: Engine) -> list[tuple[str, float]]:
    recording = utterance.load()
    if recording is None:
        return []
    speech = find_speech(recording, engine.detector)
    quality, vector = measure(speech), engine.encoder.describe([speech.only])[0]
    return [(part_for(quality), float(reference.for_probe(quality) @ vector)) for reference in references]


def _accepted(scores: Sequence[tuple[str, float]], manifest: Manifest) -> dict[str, object]:
    """By the limits of the part that each meets: from where another phrase is asked, and from where one is enough."""
    target = next(point.target_fmr for point in manifest.operating_points if point.frames == 1)
    points = {part: manifest.operating_point(target, 1, part=part) for part, _ in scores}
    asking = {part: it.threshold if it.retry_from is None else it.retry_from for part, it in points.items()}
    return {
        "n": len(scores),
        "highest_score": max(score for _, score in scores),
        "accepted": [
            _passing(scores, limits)
            for limits in (asking, {part: it.threshold for part, it in points.items()})
        ],
    }


def _passing(scores: Sequence[tuple[str, float]], limits: Mapping[str, float]) -> dict[str, object]:
    passing = sum(score >= limits[part] for part, score in scores)
    return {
        "from": max(limits.values()),
        "by_part": dict(limits),
        "n": passing,
        "upper_bound": upper_bound(passing, len(scores)),
    }
