"""Are copies of accepted recordings found, and are new recordings let through? By how the copy was made, never pooled."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from authsvc.lab.pool import shown
from authsvc.lab.voice_corpus import Utterance, joined, speakers, takes_of
from authsvc.lab.voice_degradations import degradation
from authsvc.voice.audio import Recording, encode_wav, recording_of
from authsvc.voice.engine import SAMPLE_RATE, Samples
from authsvc.voice.fingerprint import COPY, Fingerprint

SEED = 20261122
FIXED_PHRASE = 0.78
"""The limit for a sentence that is the same every time; the product asks random digits and uses the lower one."""

_MOST_PER_SPEAKER = 20

Copy = Callable[[Samples], Samples]


def trimmed_and_quieter(samples: Samples) -> Samples:
    """Without what is quiet at the ends, and 8 dB down."""
    loud = np.flatnonzero(np.abs(samples) > 0.03 * np.abs(samples).max())
    kept = samples[loud[0] : loud[-1] + 1] if loud.size else samples
    return kept * np.float32(0.4)


COPIES: Mapping[str, Copy] = {
    "as_is": lambda samples: samples,
    "trimmed": trimmed_and_quieter,
    "noise25": degradation("noise25"),
    "opus16k": degradation("opus16k"),
    "telephone": degradation("telephone"),
}


def measure_replays(folder: Path) -> dict[str, object]:
    """Detection by kind of copy, and false alarms on other takes of the same digits and on other recordings, as JSON."""
    chance = np.random.default_rng(SEED)
    detected: dict[str, list[float]] = {name: [] for name in COPIES}
    others: dict[str, list[float]] = {
        "other_takes_of_the_same_digits": [],
        "other_recordings_of_the_speaker": [],
    }
    people = speakers(folder)
    for utterances in shown(people.values(), len(people), "speakers"):
        originals, retakes = _recordings(utterances, chance)
        prints = [_fingerprint(recording.samples) for recording in originals]
        for name, copy in COPIES.items():
            detected[name] += [
                _fingerprint(copy(recording.samples)).similarity(own)
                for recording, own in zip(originals, prints, strict=True)
            ]
        others["other_takes_of_the_same_digits"] += [
            _fingerprint(retake.samples).similarity(own) for retake, own in zip(retakes, prints, strict=False)
        ]
        others["other_recordings_of_the_speaker"] += [
            one.similarity(other) for one, other in itertools.combinations(prints, 2)
        ]
    return {
        "data": folder.name,
        "limits": {"random_digits": COPY, "fixed_phrase": FIXED_PHRASE},
        "copies": {name: _found(values) for name, values in detected.items()},
        "false_alarms": {name: _found(values) for name, values in others.items()},
    }


def _recordings(
    utterances: Sequence[Utterance], chance: np.random.Generator
) -> tuple[list[Recording], list[Recording]]:
    """Recordings, and for each another take of the same digits where the speaker's single digits are there."""
    takes = takes_of(utterances)
    if len(takes) < 10:
        loaded = (utterance.load() for utterance in utterances[:_MOST_PER_SPEAKER])
        return [recording for recording in loaded if recording is not None], []
    prompts = ["".join(chance.choice(list("0123456789"), size=6)) for _ in range(_MOST_PER_SPEAKER)]
    halves = [
        {digit: own[half::2] or own for digit, own in takes.items()} for half in (0, 1)
    ]  # No take serves twice, or its copy would be found rightly.
    first, second = (
        [joined(utterances[0].speaker, half, prompt, chance).recording for prompt in prompts]
        for half in halves
    )
    return first, second


def _fingerprint(samples: Samples) -> Fingerprint:
    """As of an upload: in its own file."""
    recording = recording_of(samples, SAMPLE_RATE)
    return Fingerprint.of(encode_wav(recording.samples), recording)


def _found(values: Sequence[float]) -> dict[str, object]:
    if not values:
        return {"n": 0}
    numbers = np.array(values)
    return {
        "n": int(numbers.size),
        "random_digits": int((numbers >= COPY).sum()),
        "fixed_phrase": int((numbers >= FIXED_PHRASE).sum()),
        "least": float(numbers.min()),
        "most": float(numbers.max()),
    }
