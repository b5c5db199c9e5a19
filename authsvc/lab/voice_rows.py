"""Rows of digits out of somebody's single takes, for an enrollment: of half of the takes, so that the others were never heard."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from authsvc.lab.replaying import NotEnrolled
from authsvc.lab.voice_corpus import strung, takes_of, utterances_in
from authsvc.voice.audio import encode_wav

_SEED = 2382


class Rows:
    """Raises NotEnrolled for a folder without a recording of each digit alone."""

    def __init__(self, folder: Path) -> None:
        takes = takes_of(utterances_in(folder))
        if len(takes) < 10:
            raise NotEnrolled("no recordings of single digits")
        self._takes = {digit: each[::2] for digit, each in takes.items()}
        self._chance = np.random.default_rng(_SEED)

    def read(self, digits: str) -> bytes:
        """A WAV with these digits."""
        own = (self._takes[digit] for digit in digits)
        return encode_wav(
            strung([takes[int(self._chance.integers(len(takes)))] for takes in own], self._chance).samples
        )
