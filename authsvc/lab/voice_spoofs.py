"""How often made-up voices pass the comparison: per system that made them, against every template, never pooled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from authsvc.arrays.vectors import Vectors
from authsvc.lab.intervals import upper_bound
from authsvc.lab.voice_corpus import speakers
from authsvc.manifest import Manifest
from authsvc.voice.engine import SpeakerEncoder, SpeechDetector
from authsvc.voice.speech import find_speech


def measure_spoofs(
    folder: Path,
    templates: Sequence[Vectors],
    encoder: SpeakerEncoder,
    detector: SpeechDetector,
    manifest: Manifest,
) -> Mapping[str, object]:
    """Acceptance by one phrase at each shipped threshold, for every folder of `folder`, ready for JSON.

    What is counted is the comparison alone: digit prompt, copies and the factor beside the voice come on top.
    """
    references = np.stack(list(templates))
    return {
        system: _accepted(np.concatenate(scores), manifest)
        for system, utterances in speakers(folder).items()
        if (
            scores := [
                references @ encoder.describe([find_speech(recording, detector).only])[0]
                for utterance in utterances
                if (recording := utterance.load()) is not None
            ]
        )
    }


def _accepted(scores: Vectors, manifest: Manifest) -> dict[str, object]:
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
