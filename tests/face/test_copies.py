"""One capture and the same: by a file, by half of its looks, mirrored as well."""

import base64

import numpy as np
import pytest

from authsvc.face.copies import LOOK, SIDE, nearly_same


def look(seed: int, mirror: bool = False) -> str:
    values = np.random.default_rng(seed).integers(-127, 128, (SIDE, SIDE)).astype(np.int8)
    return LOOK + base64.b64encode((values[:, ::-1] if mirror else values).tobytes()).decode()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (["s:file"], ["s:file", look(1)], True),
        ([look(1)], [look(1)], True),
        ([look(1)], [look(1, mirror=True)], True),
        ([look(1), look(2)], [look(2)], True),
        ([look(1), look(2), look(3)], [look(3)], False),
        ([look(1)], [look(2)], False),
        ([], [look(1)], False),
        ([look(1)], [], False),
    ],
)
def test_captures_are_told_apart(one: list[str], other: list[str], same: bool) -> None:
    assert nearly_same(one, other) is same
