"""A recording is taken within its limits, as it was written, and nothing else is taken for one."""

from base64 import b64encode
from typing import Any

import pytest

from authsvc.errors import InvalidRequest
from authsvc.gait.words import LONGEST_TEXT, POINTS, Gait, Recording

TWELVE_SECONDS = b64encode(bytes(6 * 600)).decode()


def test_a_recording_is_read_as_it_was_written() -> None:
    written = b"".join(each.to_bytes(2, "little", signed=True) for each in (1_000, -1, 0) * 300)
    found = Recording.read(50.0, b64encode(written).decode())
    assert found.samples[0] == (1.0, -0.001, 0.0)
    assert found.seconds == 6


@pytest.mark.parametrize(
    ("rate", "samples"),
    [
        (19.9, TWELVE_SECONDS),
        (100.1, TWELVE_SECONDS),
        (float("nan"), TWELVE_SECONDS),
        (50.0, ""),
        (50.0, "no base64 !"),
        (50.0, "é"),
        (50.0, b64encode(bytes(6 * 600 + 2)).decode()),
        (50.0, b64encode(bytes(6 * 200)).decode()),
        (20.0, b64encode(bytes(6 * 1_300)).decode()),
        (50.0, "A" * (LONGEST_TEXT + 4)),
    ],
)
def test_what_is_none_is_refused(rate: Any, samples: str) -> None:
    with pytest.raises(InvalidRequest):
        Recording.read(rate, samples)


def test_a_template_comes_back_as_it_was_packed() -> None:
    gait = Gait(tuple(number / 64 for number in range(POINTS)), 1.125)
    assert Gait.unpacked(gait.packed()) == gait
