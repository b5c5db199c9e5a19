"""Copies are found, and other recordings are not."""

import json
from pathlib import Path
from typing import Any

from authsvc.lab.replay import COPIES, measure_replays


def test_copies_are_found_and_other_recordings_are_not(corpus: Path):
    figures: Any = measure_replays(corpus)
    for name in COPIES:
        assert figures["copies"][name]["n"] == 19
    assert figures["copies"]["as_is"]["random_digits"] == 19
    assert figures["copies"]["telephone"]["random_digits"] == 19
    assert figures["false_alarms"]["other_recordings_of_the_speaker"]["random_digits"] == 0
    json.dumps(figures)
