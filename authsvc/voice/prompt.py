"""Were *these* digits spoken? A prompt of random digits makes a recording of yesterday useless.

The recogniser answers probabilities; what is scored here is how much less likely the asked digits are than whatever the
recording sounds most like, per digit, so that 0 is a perfect reading; and how the digits do against their nearest rivals, because
one wrong digit of six weighs little in a mean: another digit in any place, one digit left out, one more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from authsvc.voice.engine import Probabilities
from authsvc.voice.spoken_prompt import Language

Logarithms = NDArray[np.float64]

LEAST_SECONDS_PER_DIGIT = 0.17
MOST_SECONDS_PER_DIGIT = 1.9
_STEP_S = 0.04
_RESCALED_EVERY = 8
"""Steps, before the probabilities of a path grow too small to be told from none."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a reading in one language must reach, from the recogniser's manifest: over all digits, and against each kind of
    rival."""

    score: float
    digit: float
    fewer: float
    more: float


@dataclass(frozen=True, slots=True)
class Reading:
    """How a prompt was read.

    `score` is at most 0, natural logarithm per digit, higher is surer; `digit` the natural logarithm of how much likelier the
    worst digit is than the likeliest of the nine others in its place, above 0 when every digit is the likeliest; `fewer` and
    `more` how much likelier the digits are than the likeliest row without one of them, or with one more; `heard` the number
    of digits that were recognised, whichever they are; `seconds_per_digit` from the first speech or digit to the last.
    """

    score: float
    digit: float
    fewer: float
    more: float
    heard: int
    seconds_per_digit: float
    language: Language

    def is_of_these_digits(self, limits: Mapping[Language, Limits]) -> bool:
        least = limits[self.language]
        return (
            self.score >= least.score
            and self.digit >= least.digit
            and self.fewer >= least.fewer
            and self.more >= least.more
            and LEAST_SECONDS_PER_DIGIT <= self.seconds_per_digit <= MOST_SECONDS_PER_DIGIT
        )


def read(log_probabilities: Probabilities, digits: str, language: Language, seconds: float) -> Reading:
    """How `digits` were read in a recording with `seconds` between first and last speech.

    `log_probabilities` are `steps x 21` natural logarithms, as a DigitRecogniser answers them; a constant in each row is of
    no consequence, because every score is a difference.
    """
    first = 1 if language is Language.ENGLISH else 11
    # Only the words of the asked language count: an English `four` shall not be the best path of a Mandarin prompt.
    allowed = log_probabilities[:, [0, *range(first, first + 10)]].astype(np.float64)
    labels = np.array([int(digit) + 1 for digit in digits])
    fewer, others, more = _with_one_less(labels), _with_each_digit(labels), _with_one_more(labels)
    likelihoods = ctc_log_probabilities(allowed, np.concatenate([fewer, others, more]))
    of_fewer, of_others, of_more = np.split(likelihoods, [len(fewer), len(fewer) + len(others)])
    asked = float(of_others[labels[0] - 1])
    score = (asked - allowed.max(axis=1).sum()) / labels.size
    # On a telephone the speech detector misses most of what the recogniser hears; the longer of the two is nearer the truth.
    pace = max(seconds, _seconds(allowed)) / labels.size
    return Reading(
        score=float(min(score, 0.0)),
        digit=_margin(asked, of_others[(others[:, :-1] != labels).any(axis=1)]),
        fewer=_margin(asked, of_fewer),
        more=_margin(asked, of_more),
        heard=_count(allowed),
        seconds_per_digit=pace,
        language=language,
    )


def ctc_log_probabilities(log_probabilities: Logarithms, labels: NDArray[np.int64]) -> Logarithms:
    """For each row of `labels` the logarithm of the summed probability of all paths that spell it (Graves et al. 2006, 4.1).

    A row that is shorter than others ends in zeros.
    """
    extended = np.zeros((len(labels), 2 * labels.shape[1] + 1), dtype=np.int64)
    extended[:, 1::2] = labels
    # A label may follow the one before it without a blank between, unless they are the same.
    skips = (extended[:, 2:] != 0) & (extended[:, 2:] != extended[:, :-2])
    best = log_probabilities.max(axis=1, keepdims=True)
    # Probabilities against the best of their step, in place of logarithms: a third of the time.
    steps = np.exp(log_probabilities - best)[:, extended]
    forward, taken_out = np.zeros(extended.shape), np.full(len(labels), best.sum())
    forward[:, :2] = steps[0, :, :2]
    for number, step in enumerate(steps[1:]):
        reached = forward.copy()
        reached[:, 1:] += forward[:, :-1]
        reached[:, 2:] += forward[:, :-2] * skips
        forward = reached * step
        if number % _RESCALED_EVERY == 0:
            largest = np.maximum(forward.max(axis=1), np.finfo(float).tiny)
            forward /= largest[:, None]
            taken_out += np.log(largest)
    rows, ends = np.arange(len(labels)), 2 * (labels != 0).sum(axis=1)
    total = forward[rows, ends] + forward[rows, np.maximum(ends - 1, 0)] * (ends > 0)
    with np.errstate(divide="ignore"):
        both: Logarithms = np.log(total) + taken_out
    return both


def _with_one_less(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """The prompt without each of its digits in turn: `places x (places + 1)`, as wide as the widest rival."""
    return np.stack([np.append(np.delete(labels, place), [0, 0]) for place in range(labels.size)])


def _with_each_digit(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each place in turn, the prompt with 0 to 9 in that place: `10 * places x (places + 1)`."""
    prompts = np.repeat(np.append(labels, 0)[None], 10 * labels.size, axis=0)
    for place in range(labels.size):
        prompts[10 * place : 10 * place + 10, place] = np.arange(1, 11)
    return prompts


def _with_one_more(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Before each digit and behind the last, 0 to 9: `10 * (places + 1) x (places + 1)`."""
    places = range(labels.size + 1)
    return np.stack([np.insert(labels, place, digit) for place in places for digit in range(1, 11)])


def _margin(asked: float, rivals: Logarithms) -> float:
    """How much likelier than the likeliest rival."""
    return asked - float(rivals.max()) if math.isfinite(asked) else -math.inf


def _count(log_probabilities: Logarithms) -> int:
    """How many digits the likeliest path spells."""
    path = log_probabilities.argmax(axis=1)
    changes = np.diff(path, prepend=0) != 0
    return int((changes & (path != 0)).sum())


def _seconds(log_probabilities: Logarithms) -> float:
    """From the first recognised digit to the last."""
    spelled = np.flatnonzero(log_probabilities.argmax(axis=1) != 0)
    return float(spelled[-1] - spelled[0]) * _STEP_S if spelled.size else 0.0
