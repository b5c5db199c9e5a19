"""Are copies of accepted recordings found, and are new recordings let through? By how the copy was made, never pooled.

With `splice` and `tempo` also what was cut and joined, or played at another tempo or speed, against all that is remembered.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from authsvc.lab.intervals import clopper_pearson
from authsvc.lab.pool import with_progress
from authsvc.lab.voice_copies import at_speed, at_tempo, spliced, with_shorter_pauses
from authsvc.lab.voice_corpus import Utterance, joined, speakers, takes_of
from authsvc.lab.voice_degradations import degradation
from authsvc.voice.audio import Recording, encode_wav, recording_of
from authsvc.voice.engine import SAMPLE_RATE, Samples
from authsvc.voice.excerpts import EXCERPT
from authsvc.voice.fingerprint import COPY, Fingerprint, Likeness, likeness

SEED = 20261122
SAME_DIGITS, SAME_SPEAKER = "other_takes_of_the_same_digits", "other_recordings_of_the_speaker"
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


TEMPOS: Mapping[str, Copy] = {
    **{f"tempo_{by:+d}%": partial(at_tempo, factor=1 + by / 100) for by in (-6, -3, 3, 6)},
    **{f"speed_{by:+d}%": partial(at_speed, factor=1 + by / 100) for by in (-6, -3, 3, 6)},
    "shorter_pauses": with_shorter_pauses,
}

SPLICES: Mapping[str, Copy] = {
    "spliced": lambda samples: samples,
    "spliced_noise25": degradation("noise25"),
    "spliced_noise10": degradation("noise10"),
    "spliced_opus16k": degradation("opus16k"),
    "spliced_telephone": degradation("telephone"),
    "spliced_reverb": degradation("reverb"),
    "spliced_speed_+3%": partial(at_speed, factor=1.03),
    "spliced_tempo_+4%": partial(at_tempo, factor=1.04),
}


def measure_edits(folder: Path, *, splice: bool, tempo: bool) -> dict[str, object]:
    """What is found of edited copies, and of honest recordings, by kind and by speaker; everything is drawn from a seed."""
    chance = np.random.default_rng(SEED)
    found: dict[str, list[tuple[str, Likeness]]] = {}
    people = speakers(folder)
    for name, utterances in with_progress(people.items(), len(people), "speakers"):
        for kind, samples, memory in _edits(utterances, chance, splice=splice, tempo=tempo):
            found.setdefault(kind, []).append((name, likeness(_fingerprint(samples), memory)))
    return {
        "limits": {"copy": COPY, "excerpts": EXCERPT},
        **{kind: _judged(rows) for kind, rows in found.items()},
    }


def _edits(
    utterances: Sequence[Utterance], chance: np.random.Generator, *, splice: bool, tempo: bool
) -> Iterator[tuple[str, Samples, Sequence[str]]]:
    """Recordings by kind, each with what is remembered of its speaker."""
    takes = takes_of(utterances)
    if splice and len(takes) >= 10 and min(map(len, takes.values())) > 1:
        yield from _spliced(takes, chance)
    originals = [recording.samples for recording in _recordings(utterances, chance)[0]]
    if len(originals) < 2:
        return
    memory = [_fingerprint(samples).text() for samples in originals[::2]]
    yield from (
        ("honest_other_recordings", samples, memory) for samples in originals[1::2] if len(takes) < 10
    )
    if tempo:
        for kind, copy in TEMPOS.items():
            yield from ((kind, copy(samples), memory) for samples in originals[::2])


def _spliced(
    takes: Mapping[str, Sequence[Samples]], chance: np.random.Generator
) -> Iterator[tuple[str, Samples, Sequence[str]]]:
    """An attacker has half of the takes, all from remembered recordings; the owner speaks the other half, one each."""
    known, fresh = ({digit: own[half::2] for digit, own in takes.items()} for half in (0, 1))
    memory = [_fingerprint(_said(known, chance)).text() for _ in range(_MOST_PER_SPEAKER)]
    for _ in range(_MOST_PER_SPEAKER):
        attack = _said(known, chance)
        yield from ((kind, copy(attack), memory) for kind, copy in SPLICES.items())
        honest = _said(fresh, chance, differing=True)
        yield from ((f"honest{kind[7:]}", copy(honest), memory) for kind, copy in SPLICES.items())


def _said(
    takes: Mapping[str, Sequence[Samples]], chance: np.random.Generator, *, differing: bool = False
) -> Samples:
    """Six digits; of who is honest, none twice, because no two takes of theirs are the same."""
    digits = chance.choice(sorted(takes), size=6, replace=not differing)
    return spliced([takes[digit][int(chance.integers(len(takes[digit])))] for digit in digits], chance)


def _judged(rows: Sequence[tuple[str, Likeness]]) -> dict[str, object]:
    copies = [one.is_copy for _, one in rows]
    excerpts = np.array([one.excerpts for _, one in rows])
    return {
        "n": len(rows),
        "speakers": len({name for name, _ in rows}),
        "found": sum(copies),
        "interval": clopper_pearson(sum(copies), len(copies)),
        "excerpts": [round(float(value), 3) for value in np.quantile(excerpts, [0, 0.05, 0.5, 0.95, 1])],
        "most_of_each_speaker": {
            name: round(max(one.excerpts for other, one in rows if other == name), 3) for name, _ in rows
        },
    }


def measure_replays(folder: Path) -> dict[str, object]:
    """Detection by kind of copy, and false alarms on other takes of the same digits and on other recordings, as JSON."""
    chance = np.random.default_rng(SEED)
    detected: dict[str, list[float]] = {name: [] for name in COPIES}
    others: dict[str, list[float]] = {SAME_DIGITS: [], SAME_SPEAKER: []}
    people = speakers(folder)
    for utterances in with_progress(people.values(), len(people), "speakers"):
        originals, retakes = _recordings(utterances, chance)
        prints = [_fingerprint(recording.samples) for recording in originals]
        for name, copy in COPIES.items():
            detected[name] += [
                _fingerprint(copy(recording.samples)).similarity(own)
                for recording, own in zip(originals, prints, strict=True)
            ]
        others[SAME_DIGITS] += [
            _fingerprint(retake.samples).similarity(own) for retake, own in zip(retakes, prints, strict=False)
        ]
        others[SAME_SPEAKER] += [one.similarity(other) for one, other in itertools.combinations(prints, 2)]
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
