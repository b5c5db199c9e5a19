"""What comes with the frames of one capture: what was asked for, when each was taken, and what was seen before.

Words without arrays, so that the web process can speak them to the worker that judges.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TypeVar

from authsvc.biometric.words import Gates, LivenessGate
from authsvc.errors import InvalidRequest

_Item = TypeVar("_Item", str, int)


class Gesture(StrEnum):
    """What a person can be asked to do; left and right are the person's own."""

    LEFT = "left"
    RIGHT = "right"
    TILT_LEFT = "tilt_left"
    TILT_RIGHT = "tilt_right"
    UP = "up"
    DOWN = "down"
    SMILE = "smile"
    OPEN_MOUTH = "open_mouth"
    CLOSER = "closer"


@dataclass(frozen=True, slots=True)
class CaptureContext:
    """What is known about a capture, or about one part of it, besides its frames.

    `gestures` that must be seen; `taken_at_ms` the client's milliseconds, one per frame, and `prompted_at_ms` when on that
    clock the gesture could first be known; `part` counts from 0; `earlier` the fingerprints of this person's earlier captures,
    as a template or a comparison handed them out; `liveness` the gates that must be passed; `enrolling` where a template is to
    be made.
    """

    gestures: tuple[Gesture, ...] = ()
    taken_at_ms: tuple[int, ...] = ()
    earlier: tuple[str, ...] = ()
    liveness: Gates = None
    prompted_at_ms: int = 0
    part: int = 0
    enrolling: bool = False

    def to_json(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Mapping[str, object]) -> CaptureContext:
        """The context that `to_json` wrote; raises InvalidRequest for anything else."""
        try:
            return cls(
                gestures=tuple(Gesture(word) for word in _items(fields, "gestures", str)),
                taken_at_ms=_items(fields, "taken_at_ms", int),
                earlier=_items(fields, "earlier", str),
                liveness=_gates(fields),
                prompted_at_ms=_number(fields, "prompted_at_ms"),
                part=_number(fields, "part"),
                enrolling=fields.get("enrolling") is True,
            )
        except ValueError as error:
            raise InvalidRequest(f"not the context of a face capture: {error}") from error


def _gates(fields: Mapping[str, object]) -> Gates:
    if fields.get("liveness") is None:
        return None
    return tuple(LivenessGate(word) for word in _items(fields, "liveness", str))


def _number(fields: Mapping[str, object], name: str) -> int:
    (value,) = _items({name: [fields.get(name, 0)]}, name, int)
    return value


def _items(fields: Mapping[str, object], name: str, kind: type[_Item]) -> tuple[_Item, ...]:
    values = fields.get(name, ())
    if not isinstance(values, list | tuple) or not all(
        isinstance(value, kind) and not isinstance(value, bool) for value in values
    ):
        raise ValueError(f"`{name}` must be a list of {kind.__name__}")
    return tuple(values)
