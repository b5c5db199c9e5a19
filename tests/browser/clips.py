"""What a fake camera shows: a photograph, in the limited range that Chromium expects of a camera file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 640, 480
_FRAMES = 12
_RATE = 12


def write_clip(photograph: Path, clip: Path) -> Path:
    """The photograph in front of a grey wall, drifting and with a sensor's noise: no two frames are the same picture."""
    with Image.open(photograph) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((WIDTH - 16, HEIGHT - 16))
    noise = np.random.default_rng(1)
    with clip.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{_RATE}:1 Ip A1:1 C420mpeg2\n".encode())
        for number in range(_FRAMES):
            file.write(b"FRAME\n" + _limited(_placed(picture, number), noise))
    return clip


def _placed(picture: Image.Image, number: int) -> Image.Image:
    shift = 7 - abs(number - 6)
    wall = Image.new("RGB", (WIDTH, HEIGHT), (150, 150, 150))
    wall.paste(picture, ((WIDTH - picture.width) // 2 + shift, (HEIGHT - picture.height) // 2 + shift))
    return wall


def _limited(frame: Image.Image, noise: np.random.Generator) -> bytes:
    """4:2:0 with luma 16 to 235 and chroma 16 to 240; a full-range file would be stretched, and faces with it."""
    planes = np.asarray(frame.convert("YCbCr"), dtype=np.float32)
    width, height = frame.size
    luma = np.clip(16 + planes[..., 0] * 219 / 255 + noise.normal(0, 2, (height, width)), 16, 235)
    chroma = 128 + (planes[..., 1:] - 128) * 224 / 255
    small = chroma.reshape(height // 2, 2, width // 2, 2, 2).mean(axis=(1, 3))
    return b"".join(
        np.round(plane).astype(np.uint8).tobytes() for plane in (luma, small[..., 0], small[..., 1])
    )
