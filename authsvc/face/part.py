"""One part of an active capture as it waits for the others: numbers that were measured, and no picture.

Words without arrays: the web process seals a part until the last one is in, and never looks inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from authsvc.biometric.words import Liveness, LivenessResult
from authsvc.face.capture import Gesture

Fields = Mapping[str, Any]  # Any: decoded JSON, written by ourselves and sealed in between.


@dataclass(frozen=True, slots=True)
class Part:
    """What was seen while one gesture was made.

    `trace` the face's points in each frame, `room` how each frame lies to the first by all that is not the head
    (`scene.shifts`), empty where older code looked, which did not measure that; `rest` and `apex` the matcher's vectors of
    frames at rest and of the gesture; all little-endian float32 in base64. `scene` what surrounds the face in the first and in
    the last frame, `scene_changes` how much of it, but for what moves most, changes from each frame to the next; `flatness` how
    well rest and turned face agree as one plane, None where the gesture does not turn the head; `passive` what passive detection
    says of the frames at rest.
    """

    model: str
    gesture: Gesture
    taken_at_ms: tuple[int, ...]
    prompted_at_ms: int
    trace: str
    room: str
    scene: tuple[str, str]
    scene_changes: tuple[float, ...]
    rest: str
    apex: str
    flatness: float | None
    fingerprints: tuple[str, ...]
    quality: Mapping[str, float]
    replayed: bool
    passive: LivenessResult | None

    def to_json(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Fields) -> Part:
        """The part that `to_json` wrote; raises KeyError, TypeError or ValueError for anything else."""
        first, last = fields["scene"]
        return cls(
            model=str(fields["model"]),
            gesture=Gesture(fields["gesture"]),
            taken_at_ms=tuple(map(int, fields["taken_at_ms"])),
            prompted_at_ms=int(fields["prompted_at_ms"]),
            trace=str(fields["trace"]),
            room=str(fields.get("room", "")),
            scene=(str(first), str(last)),
            scene_changes=tuple(map(float, fields["scene_changes"])),
            rest=str(fields["rest"]),
            apex=str(fields["apex"]),
            flatness=None if fields["flatness"] is None else float(fields["flatness"]),
            fingerprints=tuple(map(str, fields["fingerprints"])),
            quality={str(name): float(value) for name, value in fields["quality"].items()},
            replayed=fields["replayed"] is True,
            passive=None if fields["passive"] is None else _result(fields["passive"]),
        )


def _result(fields: Fields) -> LivenessResult:
    return LivenessResult(
        Liveness(fields["verdict"]),
        tuple(map(str, fields["detectors"])),
        {str(name): float(value) for name, value in fields["evidence"].items()},
    )
