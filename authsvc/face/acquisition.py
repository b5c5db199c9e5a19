"""From uploaded frames to faces that may be compared, or the hints that say why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from authsvc.biometric.vectors import Vectors
from authsvc.face.engine import Detector, Face, Pixels
from authsvc.face.hints import OPPOSITE, Hint
from authsvc.face.image import decode
from authsvc.face.image_structure import Still
from authsvc.face.quality import Gate, Quality, has_rival, measure

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame of a capture: the upright picture, its widest face if one was found, and what speaks against it.

    `vector` is the matcher's description of the face, of unit length, where the frame was good.
    """

    picture: Pixels
    face: Face | None
    quality: Quality | None
    hints: tuple[Hint, ...]
    vector: Vectors | None = None

    @property
    def is_good(self) -> bool:
        return not self.hints

    @property
    def is_turned(self) -> bool:
        return Hint.TURNED in self.hints


def acquire(
    data: bytes, detector: Detector, gate: Gate, *, fine: bool = False, still: Still | None = None
) -> Frame:
    """Decode, detect and judge one frame; `fine` looks harder for a second face. Raises as `image.decode` does.

    `still` is what was found when the frame was examined.
    """
    return examine(decode(data, still), detector, gate, fine=fine)


def examine(picture: Pixels, detector: Detector, gate: Gate, *, fine: bool = False) -> Frame:
    """`acquire` for a picture that is decoded already."""
    faces = detector.detect(picture, fine=fine)
    if not faces:
        return Frame(picture, None, None, (Hint.NO_FACE,))
    quality = measure(picture, faces[0], detector.points)
    rivals = (Hint.SEVERAL_FACES,) if has_rival(faces) else ()
    return Frame(picture, faces[0], quality, rivals + gate.hints(quality))


def hints_of(frames: Iterable[Frame], least: int) -> tuple[str, ...]:
    """What to tell the person, the most frequent first and nothing against it.

    `more_frames` when some frames were good, and fewer than `least`.
    """
    frames = tuple(frames)
    counted = Counter(hint for frame in frames for hint in frame.hints)
    good = sum(frame.is_good for frame in frames)
    few = (Hint.MORE_FRAMES,) if good or not counted or len(frames) < least else ()
    asked = tuple(hint for hint, _ in counted.most_common())
    agreeing = (hint for place, hint in enumerate(asked) if OPPOSITE.get(hint) not in asked[:place])
    return tuple(hint.value for hint in (*agreeing, *few))


def spread(items: Sequence[_Item], count: int) -> tuple[_Item, ...]:
    """`count` of the items, evenly over the sequence: neighbouring frames repeat each other's mistakes."""
    if len(items) <= count:
        return tuple(items)
    if count == 1:
        return (items[len(items) // 2],)
    return tuple(items[round(step * (len(items) - 1) / (count - 1))] for step in range(count))


def worst(capture: Sequence[Frame]) -> dict[str, float]:
    """The worst of each measure over the good frames."""
    return worst_of(
        [
            frame.quality.numbers()
            for frame in capture
            if frame.vector is not None and frame.quality is not None
        ]
    )


def worst_of(measured: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The least of what should be large, and the largest of what should be small."""
    low = {
        name: min(numbers[name] for numbers in measured)
        for name in ("width", "sharpness", "luma", "context", "detail")
    }
    return low | {
        name: max((numbers[name] for numbers in measured), key=abs) for name in ("turn", "roll", "outside")
    }
