"""Copies of a capture are known again whatever was done to them, and another capture of a living head is not taken for one."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from authsvc.biometric.manifest import manifest_folder, read_manifest
from authsvc.face.acquisition import Frame
from authsvc.face.build import DEFAULT_MODEL, engines
from authsvc.face.copies import nearly_same
from authsvc.face.engine import Detector, Pixels
from authsvc.face.fingerprint import fingerprints, is_replay
from authsvc.face.image import decode
from authsvc.face.quality import VERIFICATION
from tests.face.clips import frames_of

Change = Callable[[Pixels], Pixels]
# Dozens of faces are found and laid over each other.
pytestmark = pytest.mark.timeout(300)


def encoded(picture: Pixels, quality: int = 92, kind: str = "JPEG") -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(buffer, kind, quality=quality)
    return decode(buffer.getvalue())


def chequered(picture: Pixels, side: int) -> Pixels:
    number = np.add.outer(np.arange(picture.shape[0]) // side, np.arange(picture.shape[1]) // side)
    pattern = (number % 2 * 2 - 1) * 3
    return np.clip(picture.astype(int) + pattern[..., None], 0, 255).astype(np.uint8)


def filtered(picture: Pixels, change: Callable[[Image.Image], Image.Image]) -> Pixels:
    return np.asarray(change(Image.fromarray(picture)))


CHANGES: dict[str, Change] = {
    "encoded at 70": lambda p: encoded(p, 70),
    "encoded at 40": lambda p: encoded(p, 40),
    "as WebP": lambda p: encoded(p, 60, "WEBP"),
    "mirrored": lambda p: encoded(p[:, ::-1]),
    "chequer of 1": lambda p: chequered(p, 1),
    "chequer of 8": lambda p: chequered(p, 8),
    "chequer of a seventeenth": lambda p: chequered(p, p.shape[0] // 17),
    "14 pixels cropped": lambda p: encoded(p[14:-14, 14:-14]),
    "14 pixels cropped at a corner": lambda p: encoded(p[14:, 14:]),
    "border of 30": lambda p: encoded(np.pad(p, ((30, 30), (30, 30), (0, 0)))),
    "brighter": lambda p: np.clip(p * 1.15 + 8, 0, 255).astype(np.uint8),
    "nine tenths": lambda p: filtered(p, lambda i: i.resize((i.width * 9 // 10, i.height * 9 // 10))),
    "5 % wider": lambda p: filtered(p, lambda i: i.resize((i.width * 21 // 20, i.height))),
    "10 % wider": lambda p: filtered(p, lambda i: i.resize((i.width * 11 // 10, i.height))),
    "10 % higher": lambda p: filtered(p, lambda i: i.resize((i.width, i.height * 11 // 10))),
    "turned by two degrees": lambda p: filtered(p, lambda i: i.rotate(2, Image.Resampling.BILINEAR)),
    "blurred": lambda p: filtered(p, lambda i: i.filter(ImageFilter.GaussianBlur(1))),
    "mirrored, cropped, encoded": lambda p: encoded(p[10:, :-10:][:, ::-1], 60),
}


STRETCHED = ("5 % wider", "10 % wider", "10 % higher")
"""Known where they are looked at, and hardly where only what is remembered is compared: 6 to 19 of 19 escape that."""


@pytest.fixture(scope="module")
def eyes(model_dir: Path) -> Detector:
    detector, _ = engines(read_manifest(manifest_folder() / f"{DEFAULT_MODEL}.toml"), model_dir)
    detector.load()
    return detector


def seen(eyes: Detector, picture: Pixels) -> Frame:
    faces = eyes.detect(picture)
    return Frame(picture, faces[0] if faces else None, None, ())


@pytest.fixture(scope="module")
def stills(eyes: Detector, test_data: Path) -> list[Frame]:
    """Photographs of all people but for the grey television crops, which are too small, and with faces that could be verified."""
    people = [
        each for each in sorted((test_data / "faces").iterdir()) if each.is_dir() and "bbt" not in each.name
    ]
    files = [
        file for each in people if each.name not in ("groups", "partial") for file in sorted(each.iterdir())
    ]
    found = [seen(eyes, decode(file.read_bytes())) for file in files]
    return [frame for frame in found if frame.face is not None and frame.face.box.width >= VERIFICATION.width]


@pytest.mark.parametrize("name", CHANGES)
def test_no_copy_of_a_photograph_escapes(eyes: Detector, stills: list[Frame], name: str) -> None:
    """Where the face is still found at all; each photograph is a capture of its own."""
    assert len(stills) >= 18
    escaped = nearly = found = 0
    for still in stills:
        kept = fingerprints([b"one"], [still], eyes.points)
        copy = seen(eyes, CHANGES[name](still.picture))
        if copy.face is None:
            continue
        new = fingerprints([b"another"], [copy], eyes.points)
        found += 1
        escaped += not is_replay(new, [copy], kept, eyes.points)
        nearly += not nearly_same(new, kept)
    assert found >= len(stills) - 3
    assert escaped == 0
    # Without the pictures the two cannot be laid over each other, and a point that moved is enough to miss one.
    assert nearly <= 2 or name in STRETCHED


@pytest.mark.parametrize("clip", ["live_clip", "replay_clip"])
def test_two_captures_of_one_head_are_not_copies(eyes: Detector, test_data: Path, clip: str) -> None:
    """Two seconds each out of one recording, a second or more between them: nearer than any two payments."""
    frames = [seen(eyes, picture) for _, picture in frames_of(test_data / "pad" / f"{clip}.mp4", every=6)]
    captures = [frames[start : start + 10] for start in range(0, len(frames) - 9, 5)]
    prints = [fingerprints([bytes([number])], each, eyes.points) for number, each in enumerate(captures)]
    pairs = [(one, two) for one, two in itertools.combinations(range(len(captures)), 2) if two - one >= 3]
    assert len(pairs) >= 15
    assert not [
        pair for pair in pairs if is_replay(prints[pair[1]], captures[pair[1]], prints[pair[0]], eyes.points)
    ]
    assert not [pair for pair in pairs if nearly_same(prints[pair[1]], prints[pair[0]])]


def test_other_photographs_of_the_same_person_are_not_copies(eyes: Detector, stills: list[Frame]) -> None:
    prints = [fingerprints([bytes([number])], [still], eyes.points) for number, still in enumerate(stills)]
    for number, still in enumerate(stills):
        others = [line for other, lines in enumerate(prints) if other != number for line in lines]
        assert not is_replay(prints[number], [still], others, eyes.points)


def test_the_same_file_is_the_same_capture_without_any_face() -> None:
    assert nearly_same(("b:1", "p:2"), ("b:1", "p:3"))
    assert not nearly_same(("b:1", "p:2"), ("b:4", "p:3"))
