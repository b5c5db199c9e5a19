"""A reference has a part for good probes and a part for degraded ones."""

from dataclasses import replace

import numpy as np
import pytest

from authsvc.biometric.vectors import cosine
from authsvc.voice.conditions import telephone
from authsvc.voice.quality import Quality
from authsvc.voice.references import Reference, Share
from tests.voice.sounds import HumEncoder, say

GOOD = Quality(seconds=4, speech=3, snr=30, clipped=0, level=-20, upper_band=-20)
TELEPHONE, NOISY = replace(GOOD, upper_band=-60), replace(GOOD, snr=14)
PHRASES = [say(digits, 380) for digits in ("402917", "385162", "760493")]


def reference(quality: Quality = GOOD) -> Reference:
    return Reference.of([Share.of(HumEncoder(), phrase, quality) for phrase in PHRASES])


@pytest.mark.parametrize("degraded", [TELEPHONE, NOISY])
def test_a_degraded_probe_is_compared_with_the_part_that_was_made_for_it(degraded: Quality):
    one = reference()
    assert one.for_probe(GOOD) is one.clean
    assert one.for_probe(degraded) is one.degraded
    assert cosine(one.clean, one.degraded) < 0.9999


def test_a_telephone_probe_is_more_alike_to_the_part_that_heard_telephones():
    one = reference()
    probe = HumEncoder().describe([telephone(say("551834", 380))])[0]
    assert cosine(probe, one.for_probe(TELEPHONE)) > 0.8


def test_who_enrolled_over_a_telephone_is_not_degraded_by_one():
    one = reference(TELEPHONE)
    assert np.array_equal(one.for_probe(TELEPHONE), one.clean)


def test_bytes_and_back():
    one = reference()
    again = Reference.unpacked(one.packed(), HumEncoder.dimension)
    assert np.array_equal(again.clean, one.clean)
    assert np.array_equal(again.degraded, one.degraded)
    with pytest.raises(ValueError, match="reshape"):
        Reference.unpacked(one.packed()[:-4], HumEncoder.dimension)
