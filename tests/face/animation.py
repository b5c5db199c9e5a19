"""One photograph that makes gestures, as whoever has nothing else of a person would send them from an injected camera.

The head is turned by the depth that a public network gives the face, and the mouth is pulled: nothing is learned, and nothing is
known of the person but the photograph.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from authsvc.face.capture import Gesture
from authsvc.face.engine import Pixels
from authsvc.face.mesh import Mesh

WIDTH, HEIGHT, FACE = 480, 480, 150
STEPS = (0.15, 0.45, 0.75, 0.95, 1.0, 1.0, 0.9, 0.6, 0.3, 0.1)
"""How far a gesture has gone, picture by picture."""

_NODES = 40
_NEAR = 0.12  # Distances between the eyes.
_ROUNDS, _EVERY = 6, 4
_SPARE = 64
_CORNERS, _LIPS, _CHEEKS = (61, 291), (13, 14), (234, 454)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Setting:
    """How an attacker works: degrees of the three turns, how far the mouth goes, and how deep the face is taken to be."""

    turn: float = 33.0
    tilt: float = 26.0
    lift: float = 21.0
    smile: float = 0.36
    gape: float = 0.55
    depth: float = 1.2


GENERIC = Setting()
SETTINGS: tuple[Setting, ...] = (
    GENERIC,
    *(
        Setting(33 * more, 26 * more, 21 * more, 0.36 * more, 0.55 * more, depth)
        for more, depth in itertools.product((1.0, 0.8, 1.25, 1.5), (1.2, 1.6, 2.0))
    ),
)
"""From which who looks at the public networks takes what they read best."""


class Looks(Protocol):
    """Finds the points of a face."""

    def look(self, picture: Pixels, before: Mesh | None = None) -> Mesh | None: ...


class Still:
    """One photograph on a blurred copy of itself; raises ValueError where no face is found."""

    def __init__(self, photograph: Pixels, eyes: Looks) -> None:
        found = eyes.look(photograph)
        if found is None:
            raise ValueError("no face is found in the photograph")
        (left, top), (right, bottom) = found.box
        self.picture = _composed(
            photograph, ((left + right) / 2, (top + bottom) / 2), FACE / float(right - left)
        )
        mesh = eyes.look(self.picture)
        if mesh is None:
            raise ValueError("no face is found in the enlarged photograph")
        self.mesh = mesh
        self._depth, self._head = self._relief()

    def views(self, gesture: Gesture, setting: Setting) -> Iterator[Pixels]:
        """The gesture, from rest and back to it."""
        return (self.view(gesture, setting, share) for share in STEPS)

    def view(self, gesture: Gesture, setting: Setting, share: float = 1.0) -> Pixels:
        """The picture, each place looking where it came from."""
        rows, columns = np.mgrid[0:HEIGHT:_EVERY, 0:WIDTH:_EVERY].astype(float)
        x, y = columns, rows
        for _ in range(_ROUNDS):
            across, down = self._moved(gesture, setting, share, x, y)
            x, y = 0.3 * x + 0.7 * (columns - across), 0.3 * y + 0.7 * (rows - down)
        rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
        here = (
            columns + _enlarged(x - columns[::_EVERY, ::_EVERY]),
            rows + _enlarged(y - rows[::_EVERY, ::_EVERY]),
        )
        seen = _sampled(self.picture, *here)
        return self._gaping(seen, setting, share) if gesture is Gesture.OPEN_MOUTH else seen

    def _gaping(self, picture: Pixels, setting: Setting, share: float) -> Pixels:
        """What lies between the lips is dark."""
        unit, (x, y) = self.mesh.eye_distance, self.mesh.points[list(_LIPS), :2].mean(axis=0)
        half = max(1.0, setting.gape * share * unit / 2)
        rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
        away = np.hypot((columns - x) / (0.25 * unit), (rows - y - half) / half)
        return np.asarray(picture * (1 - 0.75 * np.clip((1.1 - away) / 0.3, 0, 1))[..., None], dtype=np.uint8)

    def _moved(
        self, gesture: Gesture, setting: Setting, share: float, x: Floats, y: Floats
    ) -> tuple[Floats, Floats]:
        """How far what lies at these places moves; left and right are the person's own."""
        yaw = {Gesture.LEFT: 1, Gesture.RIGHT: -1}.get(gesture, 0) * setting.turn * share
        roll = {Gesture.TILT_LEFT: 1, Gesture.TILT_RIGHT: -1}.get(gesture, 0) * setting.tilt * share
        pitch = {Gesture.UP: 1, Gesture.DOWN: -1}.get(gesture, 0) * setting.lift * share
        turn = _turned(yaw, pitch, roll)
        rows, columns = (np.clip(each, 0, most - 1).astype(int) for each, most in ((y, HEIGHT), (x, WIDTH)))
        depth, head = self._depth[rows, columns] * setting.depth, self._head[rows, columns]
        # About the neck, which lies behind and below the face.
        unit, (middle_x, middle_y) = self.mesh.eye_distance, self.mesh.middle
        there = np.stack([x - middle_x, y - middle_y - 0.5 * unit, depth - 1.2 * unit])
        across, down, _ = np.tensordot(turn, there, axes=1) - there
        across, down = head * across, head * down
        if gesture is Gesture.SMILE:
            for corner, side in zip(_CORNERS, (-1, 1), strict=True):
                across += side * setting.smile / 2 * share * unit * self._around(corner, 0.3, x, y)
        if gesture is Gesture.OPEN_MOUTH:
            below = y > self.mesh.points[_LIPS, 1].mean()
            down += below * setting.gape * share * unit * self._around(_LIPS[1], 0.6, x, y)
        return across, down

    def _around(self, point: int, reach: float, x: Floats, y: Floats) -> Floats:
        left, top = self.mesh.points[point, :2]
        squares = (x - left) ** 2 + (y - top) ** 2
        return np.asarray(np.exp(-squares / (reach * self.mesh.eye_distance) ** 2))

    def _relief(self) -> tuple[Floats, Floats]:
        """For each pixel the depth of the nearest points, nearer is less, and how much it belongs to the head."""
        x, y = np.meshgrid(np.linspace(0, WIDTH - 1, _NODES), np.linspace(0, HEIGHT - 1, _NODES))
        points, unit = self.mesh.points, self.mesh.eye_distance
        squares = (x[..., None] - points[:, 0]) ** 2 + (y[..., None] - points[:, 1]) ** 2
        weights = (
            np.exp(-squares / (2 * (_NEAR * unit) ** 2)) + 1e-4 * np.exp(-squares / (2 * unit**2)) + 1e-12
        )
        depth = weights @ (points[:, 2] - points[list(_CHEEKS), 2].mean()) / weights.sum(axis=2)
        (left, top), (right, bottom) = self.mesh.box
        away = np.hypot(
            (x - (left + right) / 2) / (0.95 * (right - left)),
            (y - (top + bottom) / 2) / (0.95 * (bottom - top)),
        )
        return _enlarged(depth), _enlarged(np.clip((1.1 - away) / 0.4, 0, 1))


class Camera:
    """Makes frames of pictures as a camera would: with noise, as JPEG, and not twice the same."""

    def __init__(self, seed: int) -> None:
        self._chance = np.random.default_rng(seed)
        # Of the same picture and the same noise two frames would be one, sent twice.
        self._places = itertools.cycle(self._chance.permutation(_SPARE * _SPARE))
        self._noise = self._chance.normal(0, 2.0, (HEIGHT + _SPARE, WIDTH + _SPARE, 3)).astype(np.float32)

    def film(self, picture: Pixels) -> bytes:
        top, left = divmod(int(next(self._places)), _SPARE)
        noisy = picture + self._noise[top : top + HEIGHT, left : left + WIDTH]
        made = io.BytesIO()
        Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(made, "JPEG", quality=88)
        return made.getvalue()


def _composed(photograph: Pixels, middle: tuple[float, float], scale: float) -> Pixels:
    image = Image.fromarray(photograph)
    behind = image.resize((WIDTH, HEIGHT)).filter(ImageFilter.GaussianBlur(16))
    large = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)
    behind.paste(large, (round(WIDTH / 2 - middle[0] * scale), round(HEIGHT / 2 - middle[1] * scale)))
    return np.asarray(behind.convert("RGB"))


def _enlarged(nodes: Floats) -> Floats:
    small = Image.fromarray(nodes.astype(np.float32))
    return np.asarray(small.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR), dtype=float)


def _turned(yaw: float, pitch: float, roll: float) -> Floats:
    """In image axes (x right, y down, z away), with the signs of `Pose`."""
    a, b, c = np.radians((yaw, pitch, roll))
    across = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    up = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    aside = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return np.asarray(aside @ up @ across)


def _sampled(picture: Pixels, x: Floats, y: Floats) -> Pixels:
    """Bilinear; what lies outside is the nearest edge."""
    x, y = np.clip(x, 0, WIDTH - 1.001), np.clip(y, 0, HEIGHT - 1.001)
    left, top = x.astype(int), y.astype(int)
    right, low = (x - left)[..., None], (y - top)[..., None]
    upper = picture[top, left] * (1 - right) + picture[top, left + 1] * right
    lower = picture[top + 1, left] * (1 - right) + picture[top + 1, left + 1] * right
    return np.asarray(upper * (1 - low) + lower * low, dtype=np.uint8)
