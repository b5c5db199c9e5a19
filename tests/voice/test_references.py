"""A reference has a part for quiet recordings, one for rooms, noise and codecs, and one for the telephone."""

from dataclasses import replace

import numpy as np
import pytest

from authsvc.biometric.vectors import cosine
from authsvc.voice.conditions import telephone
from authsvc.voice.quality import Quality
from authsvc.voice.references import PARTS, Reference, Share, part_for
from tests.voice.sounds import HumEncoder, say

PRISTINE = Quality(seconds=4, speech=3, snr=50, clipped=0, level=-20, upper_band=-20, lower_band=5)
PHRASES = [say(digits, 380) for digits in ("402917", "385162", "760493")]


def reference() -> Reference:
    return Reference.of([Share.of(HumEncoder(), phrase) for phrase in PHRASES])


@pytest.mark.parametrize(
    ("heard", "part"),
    [
        ({}, "clean"),
        ({"snr": 44.0}, "multi"),
        ({"snr": 14.0}, "multi"),
        ({"upper_band": -60.0}, "clean"),
        ({"lower_band": -40.0}, "clean"),
        ({"upper_band": -60.0, "lower_band": -40.0}, "telephone"),
        ({"upper_band": -60.0, "lower_band": -40.0, "snr": 14.0}, "telephone"),
        ({"upper_band": -60.0, "snr": 30.0}, "multi"),
    ],
)
def test_band_and_noise_say_which_part_a_probe_meets(heard: dict[str, float], part: str):
    one, quality = reference(), replace(PRISTINE, **heard)
    assert part_for(quality) == part
    assert np.array_equal(one.for_probe(quality), getattr(one, part))


def test_a_telephone_probe_is_alike_to_the_part_that_heard_telephones():
    one = reference()
    probe = HumEncoder().describe([telephone(say("551834", 380))])[0]
    assert cosine(probe, one.telephone) > 0.8


def test_bytes_and_back():
    one = reference()
    again = Reference.unpacked(one.packed(), HumEncoder.dimension)
    assert np.array_equal(again.clean, one.clean)
    assert np.array_equal(again.parts, one.parts)
    assert one.parts.shape == (len(PARTS), HumEncoder.dimension)
    with pytest.raises(ValueError, match="reshape"):
        Reference.unpacked(one.packed()[:-4], HumEncoder.dimension)
