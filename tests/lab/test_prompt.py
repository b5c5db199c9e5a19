"""The asked digits are accepted and no others."""

import json
from pathlib import Path
from typing import Any

from authsvc.lab.prompt import measure_prompts
from authsvc.voice.acquisition import Ears
from authsvc.voice.spoken_prompt import Language
from tests.voice.sounds import TONE_LIMITS, LoudDetector, ToneRecogniser


def test_the_asked_digits_are_accepted_and_no_others(corpus: Path):
    figures: Any = measure_prompts(
        corpus,
        Ears(LoudDetector(), ToneRecogniser()),
        TONE_LIMITS,
        lambda speaker: Language.ENGLISH,
        degradations=("noise10",),
    )
    clean = figures["conditions"]["clean"]["en"]
    assert clean["right"]["accepted"] == clean["right"]["n"] == 19
    assert [clean[what]["accepted"] for what in ("random_other", "one_wrong", "two_swapped")] == [0] * 3
    # A tone that stands twice may be heard once, so a double is no rival.
    assert max(clean[what]["accepted"] for what in ("one_more", "one_less")) <= 1
    assert clean["one_wrong"]["n"] == clean["one_more"]["n"] == clean["one_less"]["n"] == 19
    assert clean["random_other"]["upper_bound"] < 0.05
    assert "noise10" in figures["conditions"]
    json.dumps(figures)
