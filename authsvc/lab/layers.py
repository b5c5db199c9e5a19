"""What an attacker does to a capture before it is sent: layers, which may be put on each other.

Each takes the frames of a presentation, encoded, and returns those that are sent.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFilter

from authsvc.errors import InvalidRequest
from authsvc.text import did_you_mean

Frames = Sequence[bytes]
_SEED = 30107


@dataclass(frozen=True, slots=True)
class Layer:
    name: str
    what: str
    change: Callable[[Frames], Frames]


def _each(change: Callable[[Image.Image], Image.Image]) -> Callable[[Frames], Frames]:
    def changed(frames: Frames) -> Frames:
        return [_encoded(change(_opened(frame))) for frame in frames]

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


def _cut(frames: Frames) -> Frames:
    """Every other frame is missing, as where a recording was cut to fit."""
    return frames[::2] or frames


def _shuffled(frames: Frames) -> Frames:
    chance = random.Random(_SEED)  # noqa: S311  # The same run must give the same frames.
    return chance.sample(list(frames), len(frames))


def _reencoded(picture: Image.Image) -> Image.Image:
    small = io.BytesIO()
    picture.convert("RGB").save(small, "JPEG", quality=35)
    return Image.open(io.BytesIO(small.getvalue()))


LAYERS = {
    each.name: each
    for each in (
        Layer("print", "as printed and held before the camera", _each(_printed)),
        Layer("screen", "as shown on a display", _each(_on_screen)),
        Layer("cut", "every other frame is missing", _cut),
        Layer("shuffle", "the frames in another order", _shuffled),
        Layer("re-encode", "compressed a second time", _each(_reencoded)),
    )
}


def _opened(frame: bytes) -> Image.Image:
    return Image.open(io.BytesIO(frame)).convert("RGB")


def _encoded(picture: Image.Image) -> bytes:
    made = io.BytesIO()
    picture.convert("RGB").save(made, "JPEG", quality=92)
    return made.getvalue()


def chosen(names: Sequence[str]) -> tuple[Layer, ...]:
    """These layers, in this order; raises InvalidRequest for a name that none has."""
    for name in names:
        if name not in LAYERS:
            raise InvalidRequest(f"no layer is called `{name}`{did_you_mean(name, LAYERS)}")
    return tuple(LAYERS[name] for name in names)
