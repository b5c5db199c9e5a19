"""Layers change what is sent, the same way every time, and can be put on each other."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from authsvc.errors import InvalidRequest
from authsvc.lab.layers import LAYERS, chosen


def picture(tone: int) -> bytes:
    made = io.BytesIO()
    Image.linear_gradient("L").resize((80, 60)).point(lambda each: min(255, each + tone)).convert("RGB").save(
        made, "JPEG"
    )
    return made.getvalue()


FRAMES = [picture(10 * n) for n in range(6)]


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_a_layer_changes_the_frames_and_always_in_the_same_way(name: str) -> None:
    once, again = (list(LAYERS[name].change(FRAMES)) for _ in range(2))
    assert once == again
    assert once != FRAMES
    for frame in once:
        Image.open(io.BytesIO(frame)).load()


def test_layers_are_put_on_each_other() -> None:
    frames = list(FRAMES)
    for layer in chosen(("cut", "print", "screen", "re-encode")):
        frames = list(layer.change(frames))
    assert len(frames) == 3
    assert Image.open(io.BytesIO(frames[0])).width == 80 * 5 // 4 * 6 // 5


def test_shuffling_loses_nothing() -> None:
    assert sorted(LAYERS["shuffle"].change(FRAMES)) == sorted(FRAMES)
    assert list(LAYERS["cut"].change(FRAMES[:1])) == FRAMES[:1]


def test_a_name_that_no_layer_has_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="no layer is called `prnt`"):
        chosen(("prnt",))
