"""How often made-up voices pass the comparison: per system that made them, against every template, never pooled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from authsvc.biometric.manifest import Manifest
from authsvc.lab.intervals import upper_bound
from authsvc.lab.trials import Scores
from authsvc.lab.voice_corpus import Utterance, speakers
from authsvc.lab.voice_listening import Engine
from authsvc.voice.quality import measure
from authsvc.voice.references import Reference
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
    return {system: _accepted(np.array(found), manifest) for system, found in scores.items() if found}


def _scores(utterance: Utterance, references: Sequence[Reference], engine: Engine) -> list[float]:
    recording = utterance.load()
    if recording is None:
        return []
    speech = find_speech(recording, engine.detector)
    quality, vector = measure(speech), engine.encoder.describe([speech.only])[0]
    return [float(reference.for_probe(quality) @ vector) for reference in references]


def _accepted(scores: Scores, manifest: Manifest) -> dict[str, object]:
    points = [point for point in manifest.operating_points if point.frames == 1]
    limits = sorted(
        {limit for point in points for limit in (point.threshold, point.retry_from) if limit is not None}
    )
    return {
        "n": int(scores.size),
        "highest_score": float(scores.max()),
        "accepted": [
            {
                "from": limit,
                "n": int((scores >= limit).sum()),
                "upper_bound": upper_bound(int((scores >= limit).sum()), int(scores.size)),
            }
            for limit in limits
        ],
    }
