"""Layers change what is sent, the same way every time, and can be put on each other."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from authsvc.errors import InvalidRequest
from authsvc.lab.clips import Clip
from authsvc.lab.layers import LAYERS, OTHER_NONCE, chosen


def picture(tone: int) -> bytes:
    made = io.BytesIO()
    Image.linear_gradient("L").resize((80, 60)).point(lambda each: min(255, each + tone)).convert("RGB").save(
        made, "JPEG"
    )
    return made.getvalue()


CLIP = Clip(tuple(picture(10 * n) for n in range(6)), (0, 90, 210, 300, 410, 500))


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_a_layer_changes_the_frames_and_always_in_the_same_way(name: str) -> None:
    once, again = (LAYERS[name].change(CLIP) for _ in range(2))
    assert once == again
    assert (once == CLIP) is (name == OTHER_NONCE)
    for frame in once.pictures:
        Image.open(io.BytesIO(frame)).load()


def test_layers_are_put_on_each_other() -> None:
    clip = CLIP
    for layer in chosen(LAYERS, ("cut", "print", "screen", "re-encode")):
        clip = layer.change(clip)
    assert clip.taken_ms == (0, 210, 410)
    assert Image.open(io.BytesIO(clip.pictures[0])).width == 80 * 5 // 4 * 6 // 5


def test_shuffling_loses_nothing_and_lets_no_time_fall() -> None:
    shuffled = LAYERS["shuffle"].change(CLIP)
    assert sorted(shuffled.pictures) == sorted(CLIP.pictures)
    assert shuffled.taken_ms == CLIP.taken_ms
    one = Clip(CLIP.pictures[:1], (0,))
    assert LAYERS["cut"].change(one) == one


def test_a_name_that_no_layer_has_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="no layer here is called `prnt`"):
        chosen(LAYERS, ("prnt",))
