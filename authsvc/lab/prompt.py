"""Does the digit recogniser accept the digits that were spoken, and only those? Acceptance per language, by what was asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from authsvc.lab.intervals import clopper_pearson, upper_bound
from authsvc.lab.pool import with_progress
from authsvc.lab.voice_corpus import Reading, readings, speakers
from authsvc.lab.voice_degradations import degradation
from authsvc.voice.acquisition import Ears
from authsvc.voice.audio import recording_of
from authsvc.voice.engine import SAMPLE_RATE
from authsvc.voice.prompt import Limits, read
from authsvc.voice.speech import find_speech
from authsvc.voice.spoken_prompt import Language

SEED = 20261122
OTHERS = 8
"""How many random other prompts are tried on each recording."""

Chance = np.random.Generator


@dataclass(slots=True)
class _Tally:
    """Acceptances by what was asked, and of the right prompt by speaker."""

    asked: dict[str, list[bool]] = field(default_factory=dict)
    scores: list[float] = field(default_factory=list)
    speakers: dict[str, list[bool]] = field(default_factory=dict)

    def count(self, what: str, accepted: bool) -> None:
        self.asked.setdefault(what, []).append(accepted)


def measure_prompts(
    folder: Path,
    ears: Ears,
    limits: Mapping[Language, Limits],
    languages: Callable[[str], Language],
    *,
    strings: int = 50,
    length: int = 6,
    degradations: Sequence[str] = (),
) -> dict[str, object]:
    """Every figure, ready for JSON. `languages` says in which language a speaker of the folder reads."""
    chance = np.random.default_rng(SEED)
    read_out = [
        reading
        for utterances in speakers(folder).values()
        for reading in readings(utterances, strings, length, chance)
    ]
    names = ("clean", *degradations)
    return {
        "recogniser": ears.recogniser.id,
        "data": folder.name,
        **{f"least_{name}": limit for name, limit in asdict(limits[Language.ENGLISH]).items()},
        **{f"least_{name}_zh": limit for name, limit in asdict(limits[Language.MANDARIN]).items()},
        "readings": len(read_out),
        "speakers": len({reading.speaker for reading in read_out}),
        "conditions": {each: _figures(read_out, ears, limits, languages, each, chance) for each in names},
    }


def _figures(
    read_out: Sequence[Reading],
    ears: Ears,
    limits: Mapping[Language, Limits],
    languages: Callable[[str], Language],
    condition: str,
    chance: Chance,
) -> Mapping[str, object]:
    tallies: dict[Language, _Tally] = {}
    for reading in with_progress(read_out, len(read_out), f"readings, {condition}"):
        language = languages(reading.speaker)
        _listen(reading, ears, limits, language, condition, chance, tallies.setdefault(language, _Tally()))
    return {language.value: _shown(tally) for language, tally in tallies.items()}


def _listen(
    reading: Reading,
    ears: Ears,
    limits: Mapping[Language, Limits],
    language: Language,
    condition: str,
    chance: Chance,
    tally: _Tally,
) -> None:
    spoiled = recording_of(degradation(condition)(reading.recording.samples), SAMPLE_RATE)
    speech = find_speech(spoiled, ears.detector)
    rows = ears.recogniser.log_probabilities(speech.span)
    for what, digits in _asked(reading.digits, chance):
        heard = read(rows, digits, language, speech.duration)
        accepted = heard.is_of_these_digits(limits)
        tally.count(what, accepted)
        if what == "right":
            tally.scores.append(heard.score)
            tally.speakers.setdefault(reading.speaker, []).append(accepted)


def _asked(digits: str, chance: Chance) -> list[tuple[str, str]]:
    others = [("random_other", _random_other(digits, chance)) for _ in range(OTHERS)]
    asked = [("right", digits), ("one_wrong", _one_wrong(digits, chance)), *others]
    asked += [("two_swapped", swapped) for swapped in _two_swapped(digits, chance)]
    return [*asked, ("one_more", _one_more(digits, chance)), ("one_less", _one_less(digits, chance))]


def _random_other(digits: str, chance: Chance) -> str:
    while True:
        other = "".join(chance.choice(list("0123456789"), size=len(digits)))
        if other != digits:
            return other


def _one_wrong(digits: str, chance: Chance) -> str:
    at = int(chance.integers(len(digits)))
    wrong = (int(digits[at]) + int(chance.integers(1, 10))) % 10
    return f"{digits[:at]}{wrong}{digits[at + 1 :]}"


def _two_swapped(digits: str, chance: Chance) -> list[str]:
    """Two neighbours changed places; nothing where they are the same digit."""
    at = int(chance.integers(len(digits) - 1))
    swapped = f"{digits[:at]}{digits[at + 1]}{digits[at]}{digits[at + 2 :]}"
    return [swapped] if swapped != digits else []


def _one_more(digits: str, chance: Chance) -> str:
    """One digit more is asked than was spoken."""
    at = int(chance.integers(len(digits) + 1))
    return f"{digits[:at]}{int(chance.integers(10))}{digits[at:]}"


def _one_less(digits: str, chance: Chance) -> str:
    """One digit that was spoken is not asked."""
    at = int(chance.integers(len(digits)))
    return digits[:at] + digits[at + 1 :]


def _shown(tally: _Tally) -> dict[str, object]:
    by_speaker = [float(np.mean(accepted)) for accepted in tally.speakers.values()]
    return {
        **{
            what: {
                "n": len(accepted),
                "accepted": sum(accepted),
                "share": float(np.mean(accepted)),
                "interval": clopper_pearson(sum(accepted), len(accepted)),
                "upper_bound": upper_bound(sum(accepted), len(accepted)),
            }
            for what, accepted in tally.asked.items()
        },
        "worst_speaker_right": min(by_speaker),
        "score_quantiles": {
            str(quantile): float(np.quantile(tally.scores, quantile)) for quantile in (0.01, 0.05, 0.5)
        },
    }
