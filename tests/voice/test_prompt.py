"""Were these digits spoken? The score against every path counted one by one, and what a prompt is made of."""

import hashlib
import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from authsvc.biometric.manifest import read_manifests
from authsvc.errors import ModelUnusable
from authsvc.voice.build import DIGIT_RECOGNISER, limits_of
from authsvc.voice.prompt import Limits, Reading, ctc_log_probabilities, read
from authsvc.voice.spoken_prompt import DIGITS, Language, new_digits
from tests.voice.sounds import ToneRecogniser, say

MODELS = Path(__file__).resolve().parents[2] / "models"
LIMITS = dict.fromkeys(Language, Limits(score=-2.0, digit=-1.0, fewer=-1.0, more=-1.0))


def by_counting(log_probabilities: np.ndarray, labels: list[int]) -> float:
    """The sum over every path that spells the labels, as the definition has it."""
    steps, kinds = log_probabilities.shape
    total = -np.inf
    for path in itertools.product(range(kinds), repeat=steps):
        spelled = [label for label, _ in itertools.groupby(path) if label != 0]
        if spelled == labels:
            total = np.logaddexp(
                total, sum(row[label] for row, label in zip(log_probabilities, path, strict=True))
            )
    return float(total)


@pytest.mark.parametrize("labels", [[1], [1, 2], [2, 2], [1, 2, 1], [3, 3, 3]])
def test_the_probability_is_that_of_every_path_together(labels: list[int]):
    chance = np.random.default_rng(len(labels))
    rows = np.log(chance.dirichlet(np.ones(4), size=6))
    assert ctc_log_probabilities(rows, np.array([labels])) == pytest.approx(by_counting(rows, labels))


def test_more_digits_than_time_is_impossible():
    rows = np.log(np.full((2, 4), 0.25))
    assert ctc_log_probabilities(rows, np.array([[1, 1]])) == -np.inf


def test_many_prompts_score_as_each_of_them_alone():
    chance = np.random.default_rng(1)
    rows = np.log(chance.dirichlet(np.ones(11), size=20))
    prompts = chance.integers(1, 11, size=(30, 4))
    alone = [ctc_log_probabilities(rows, prompt[None])[0] for prompt in prompts]
    assert ctc_log_probabilities(rows, prompts) == pytest.approx(alone)


@pytest.mark.parametrize("language", list(Language))
def test_the_spoken_digits_score_best(language: Language):
    rows = ToneRecogniser().log_probabilities(say("402917"))
    right = read(rows, "402917", language, 3.0)
    assert right.heard == 6
    assert -1 < right.score <= 0
    for other in ("402918", "40291", "4029177", "420917", "111111"):
        assert read(rows, other, language, 3.0).score < right.score
    assert right.is_of_these_digits(LIMITS)
    assert not read(rows, "111111", language, 3.0).is_of_these_digits(LIMITS)


def test_one_wrong_digit_is_seen_where_the_mean_of_all_would_bear_it():
    rows = ToneRecogniser().log_probabilities(say("402917"))
    right, wrong = (read(rows, digits, Language.ENGLISH, 3.0) for digits in ("402917", "402317"))
    assert right.digit > 0
    assert wrong.digit < -1
    assert right.is_of_these_digits(LIMITS)
    assert not wrong.is_of_these_digits(dict.fromkeys(Language, Limits(-100.0, -1.0, -100.0, -100.0)))


def test_a_digit_that_no_path_spells_is_not_read():
    rows = np.full((3, 21), -5.0)
    assert read(rows, "402917", Language.ENGLISH, 3.0).digit == -np.inf


@pytest.mark.parametrize(
    ("asked", "rival"),
    [
        ("40291", "more"),
        ("02917", "more"),
        ("40917", "more"),
        ("4029177", "fewer"),
        ("5402917", "fewer"),
        ("4029817", "fewer"),
    ],
)
def test_a_digit_too_few_or_too_many_is_seen_whatever_the_others_score(asked: str, rival: str):
    rows = ToneRecogniser().log_probabilities(say("402917"))
    right, other = (read(rows, digits, Language.ENGLISH, 3.0) for digits in ("402917", asked))
    assert getattr(right, rival) > 0
    assert getattr(other, rival) < -5
    for name in ("fewer", "more"):
        alone = replace(Limits(-100.0, -100.0, -100.0, -100.0), **{name: -5.0})
        assert other.is_of_these_digits(dict.fromkeys(Language, alone)) is (name != rival)


def test_a_single_digit_is_a_prompt_like_any_other():
    rows = ToneRecogniser().log_probabilities(say("4"))
    assert read(rows, "4", Language.ENGLISH, 0.5).is_of_these_digits(LIMITS)
    assert not read(rows, "5", Language.ENGLISH, 0.5).is_of_these_digits(LIMITS)


def test_a_language_may_have_a_limit_of_its_own():
    [manifest] = [one for one in read_manifests(MODELS) if one.id == DIGIT_RECOGNISER]
    own = manifest.model_copy(update={"input": {**manifest.input, "least_more_zh": -9.0}})
    limits = limits_of({DIGIT_RECOGNISER: own})
    assert limits[Language.MANDARIN].more == -9.0
    assert limits[Language.ENGLISH] == limits_of({DIGIT_RECOGNISER: manifest})[Language.ENGLISH]


@pytest.mark.parametrize("name", ["score", "digit", "fewer", "more"])
@pytest.mark.parametrize("limit", ["worst", None])
def test_a_manifest_without_every_limit_is_unusable(name: str, limit: object):
    [manifest] = [one for one in read_manifests(MODELS) if one.id == DIGIT_RECOGNISER]
    spoiled = manifest.model_copy(update={"input": {**manifest.input, f"least_{name}": limit}})
    with pytest.raises(ModelUnusable, match=f"least_{name}"):
        limits_of({DIGIT_RECOGNISER: spoiled})


def test_digits_that_the_speech_detector_missed_are_not_too_fast():
    rows = ToneRecogniser().log_probabilities(say("402917"))
    assert read(rows, "402917", Language.ENGLISH, 0.1).is_of_these_digits(LIMITS)


def test_words_of_the_other_language_do_not_count():
    rows = ToneRecogniser().log_probabilities(say("402917"))
    rows[:, 11:] = -20
    assert read(rows, "402917", Language.ENGLISH, 3.0).is_of_these_digits(LIMITS)
    assert read(rows, "402917", Language.MANDARIN, 3.0).heard == 0


@pytest.mark.parametrize(("seconds_per_digit", "fits"), [(0.05, False), (0.3, True), (2.5, False)])
def test_digits_take_their_time(seconds_per_digit: float, fits: bool):
    assert (
        Reading(0.0, 5.0, 5.0, 5.0, 6, seconds_per_digit, Language.ENGLISH).is_of_these_digits(LIMITS) is fits
    )


def test_a_prompt_is_six_digits_that_do_not_repeat_themselves():
    prompts = {new_digits(hashlib.sha256(bytes([number])).digest()) for number in range(200)}
    assert len(prompts) > 195
    assert all(len(prompt) == DIGITS and prompt.isdecimal() for prompt in prompts)


@pytest.mark.parametrize(
    ("locale", "language", "tag"), [("zh-CN", "zh", "zh-CN"), ("zh-Hant", "zh", "zh-CN"), ("de", "en", "en")]
)
def test_the_language_follows_the_locale(locale: str, language: str, tag: str):
    assert (Language.of(locale), Language.of(locale).tag) == (Language(language), tag)
