"""Were *these* digits spoken? A prompt of random digits makes a recording of yesterday useless.

The recogniser answers probabilities; what is scored here is how much less likely the asked digits are than whatever the
recording sounds most like, per digit, so that 0 is a perfect reading and -2 still passes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from authsvc.voice.engine import Probabilities
from authsvc.voice.spoken_prompt import Language

Logarithms = NDArray[np.float64]

LEAST_SECONDS_PER_DIGIT = 0.17
MOST_SECONDS_PER_DIGIT = 1.9


@dataclass(frozen=True, slots=True)
class Reading:
    """How a prompt was read.

    `score` is at most 0, natural logarithm per digit, higher is surer; `heard` the number of digits that were recognised,
    whichever they are; `seconds_per_digit` from the first speech to the last.
    """

    score: float
    heard: int
    seconds_per_digit: float

    def is_of_these_digits(self, least_score: float) -> bool:
        return (
            self.score >= least_score
            and LEAST_SECONDS_PER_DIGIT <= self.seconds_per_digit <= MOST_SECONDS_PER_DIGIT
        )


def read(log_probabilities: Probabilities, digits: str, language: Language, seconds: float) -> Reading:
    """How `digits` were read in a recording with `seconds` between first and last speech.

    `log_probabilities` are `steps x 21` natural logarithms, as a DigitRecogniser answers them.
    """
    first = 1 if language is Language.ENGLISH else 11
    # Only the words of the asked language count: an English `four` shall not be the best path of a Mandarin prompt.
    allowed = log_probabilities[:, [0, *range(first, first + 10)]].astype(np.float64)
    labels = [int(digit) + 1 for digit in digits]
    best = allowed.max(axis=1).sum()
    score = (ctc_log_probability(allowed, labels) - best) / len(labels)
    return Reading(float(min(score, 0.0)), _count(allowed), seconds / len(labels))


def ctc_log_probability(log_probabilities: Logarithms, labels: list[int]) -> float:
    """The logarithm of the summed probability of all paths that spell `labels` (Graves et al. 2006, section 4.1)."""
    extended = np.zeros(2 * len(labels) + 1, dtype=np.int64)
    extended[1::2] = labels
    # A label may follow the one before it without a blank between, unless they are the same.
    skips = np.full(extended.size, -np.inf)
    skips[2:] = np.where((extended[2:] != 0) & (extended[2:] != extended[:-2]), 0.0, -np.inf)
    forward = np.full(extended.size, -np.inf)
    forward[:2] = log_probabilities[0, extended[:2]]
    for row in log_probabilities[1:]:
        stay, step, skip = forward, np.roll(forward, 1), np.roll(forward, 2) + skips
        step[0] = -np.inf
        forward = np.logaddexp(np.logaddexp(stay, step), skip) + row[extended]
    return float(np.logaddexp(forward[-1], forward[-2]))


def _count(log_probabilities: Logarithms) -> int:
    """How many digits the likeliest path spells."""
    path = log_probabilities.argmax(axis=1)
    changes = np.diff(path, prepend=0) != 0
    return int((changes & (path != 0)).sum())
