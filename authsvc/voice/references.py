"""How phrases become a reference: the mean over every phrase as it was, and as other lines and rooms would have heard it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from authsvc.voice.conditions import CONDITIONS
from authsvc.voice.engine import Samples, SpeakerEncoder, Vectors
from authsvc.voice.vectors import unit


def reference_of(encoder: SpeakerEncoder, phrases: Sequence[Samples]) -> Vectors:
    """The unit vector of a person, from speech-only phrases."""
    return unit(np.sum([phrase_sum(encoder, phrase) for phrase in phrases], axis=0))


def phrase_sum(encoder: SpeakerEncoder, phrase: Samples) -> Vectors:
    """What one phrase adds to a reference: the sum of its unit vectors under every condition."""
    total: Vectors = encoder.describe([condition(phrase) for condition in CONDITIONS]).sum(axis=0)
    return total
