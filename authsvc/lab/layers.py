"""What an attacker does to a face before it is sent: layers, which may be put on each other.

Each takes the frames of a presentation with their times, encoded, and returns those that are sent. What is done to a voice
stands in `voice_layers`; `other-nonce` is for both, and changes no frame but what is said of them.
"""

from __future__ import annotations

import io
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from PIL import Image, ImageDraw, ImageFilter

from authsvc.errors import InvalidRequest
from authsvc.lab.clips import EVERY_MS, Clip
from authsvc.text import did_you_mean

Shown = TypeVar("Shown")
"""What is presented: a Clip, or a Speech."""

OTHER_NONCE = "other-nonce"
_SEED = 30107

INJECTED = 80
"""Frames that are made of a single picture: eight seconds, more than a capture takes."""


@dataclass(frozen=True, slots=True)
class Layer(Generic[Shown]):
    name: str
    what: str
    change: Callable[[Shown], Shown]


def _each(change: Callable[[Image.Image], Image.Image]) -> Callable[[Clip], Clip]:
    def changed(clip: Clip) -> Clip:
        return replace(clip, pictures=tuple(_encoded(change(_opened(frame))) for frame in clip.pictures))

    return changed


def _printed(picture: Image.Image) -> Image.Image:
    """Fewer tones, the grain of paper, a white border."""
    tones = picture.quantize(64).convert("RGB").filter(ImageFilter.GaussianBlur(0.8))
    paper = Image.new("RGB", (picture.width * 5 // 4, picture.height * 5 // 4), (236, 233, 226))
    paper.paste(tones, (picture.width // 8, picture.height // 8))
    return paper


def _on_screen(picture: Image.Image) -> Image.Image:
    """The lines of a display, a bluish white, a dark border."""
    shown = picture.convert("RGB").point([min(255, int(each * 1.05)) for each in range(256)] * 3)
    drawn = ImageDraw.Draw(shown)
    for row in range(0, shown.height, 3):
        drawn.line((0, row, shown.width, row), fill=(18, 20, 30))
    device = Image.new("RGB", (picture.width * 6 // 5, picture.height * 6 // 5), (8, 8, 10))
    device.paste(shown.filter(ImageFilter.GaussianBlur(0.6)), (picture.width // 10, picture.height // 10))
    return device


def _cut(clip: Clip) -> Clip:
    """Every other frame is missing, as where a recording was cut to fit."""
    return Clip(clip.pictures[::2], clip.taken_ms[::2])


def _shuffled(clip: Clip) -> Clip:
    """The times stay: they would be refused if they fell."""
    chance = random.Random(_SEED)  # noqa: S311  # The same run must give the same frames.
    return replace(clip, pictures=tuple(chance.sample(clip.pictures, len(clip.pictures))))


def _reencoded(picture: Image.Image) -> Image.Image:
    small = io.BytesIO()
    picture.convert("RGB").save(small, "JPEG", quality=35)
    return Image.open(io.BytesIO(small.getvalue()))


def _injected(clip: Clip) -> Clip:
    """As a program feeds a page that expects a camera: moved, turned and brought nearer, so that nothing stands still."""
    turns = (
        clip
        if len(clip.pictures) > 1
        else Clip(clip.pictures * INJECTED, tuple(range(0, EVERY_MS * INJECTED, EVERY_MS)))
    )
    opened: dict[bytes, Image.Image] = {frame: _opened(frame) for frame in dict.fromkeys(turns.pictures)}
    moved = (
        _encoded(_held(opened[frame], at)) for frame, at in zip(turns.pictures, turns.taken_ms, strict=True)
    )
    return replace(turns, pictures=tuple(moved))


def _held(picture: Image.Image, at_ms: int) -> Image.Image:
    """At most 640 pixels wide, and where a hand that is never quite still holds it at this moment."""
    small = picture.copy()
    small.thumbnail((640, 640))
    sway, nod = math.sin(at_ms / 900), math.sin(at_ms / 700)
    closer = 1.06 + 0.05 * sway
    width, height = small.size
    shift = (round(12 * nod), round(8 * sway))
    turned = small.rotate(9 * sway, Image.Resampling.BILINEAR, translate=shift)
    aside, above = (round(side * (1 - 1 / closer) / 2) for side in (width, height))
    return turned.crop((aside, above, width - aside, height - above)).resize((width, height))


LAYERS: Mapping[str, Layer[Clip]] = {
    each.name: each
    for each in (
        Layer("print", "as printed and held before the camera", _each(_printed)),
        Layer("screen", "as shown on a display", _each(_on_screen)),
        Layer("cut", "every other frame is missing", _cut),
        Layer("shuffle", "the frames in another order", _shuffled),
        Layer("re-encode", "compressed a second time", _each(_reencoded)),
        Layer("inject", "fed to the page by a program in the camera's place, and never still", _injected),
        Layer(OTHER_NONCE, "filmed for another challenge, and sent with its nonce", lambda clip: clip),
    )
}


def _opened(frame: bytes) -> Image.Image:
    return Image.open(io.BytesIO(frame)).convert("RGB")


def _encoded(picture: Image.Image) -> bytes:
    made = io.BytesIO()
    picture.convert("RGB").save(made, "JPEG", quality=92)
    return made.getvalue()


def chosen(known: Mapping[str, Layer[Shown]], names: Sequence[str]) -> tuple[Layer[Shown], ...]:
    """These layers, in this order; raises InvalidRequest for a name that none has."""
    for name in names:
        if name not in known:
            raise InvalidRequest(f"no layer here is called `{name}`{did_you_mean(name, known)}")
    return tuple(known[name] for name in names)


def layered(shown: Shown, layers: Sequence[Layer[Shown]]) -> Shown:
    """With these on each other, the first of them next to what is shown."""
    for layer in layers:
        shown = layer.change(shown)
    return shown
