"""What comes with the frames of one capture: what was asked for, when each was taken, and what was seen before.

Words without arrays, so that the web process can speak them to the worker that judges.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TypeVar

from authsvc.biometric.words import Gates, LivenessGate
from authsvc.errors import InvalidRequest

_SEQUENCE = 3
_Item = TypeVar("_Item", str, int)


class Gesture(StrEnum):
    """What a person can be asked to do; left and right are the person's own."""

    LEFT = "left"
    RIGHT = "right"
    UP = "up"
    CLOSER = "closer"


@dataclass(frozen=True, slots=True)
class CaptureContext:
    """What is known about a capture besides its frames.

    `gestures` in the order asked; `taken_at_ms` the client's milliseconds since the capture began, one per frame;
    `earlier` the fingerprints of this person's earlier captures, as a template or a comparison handed them out; `liveness` the
    gates that must be passed.
    """

    gestures: tuple[Gesture, ...] = ()
    taken_at_ms: tuple[int, ...] = ()
    earlier: tuple[str, ...] = ()
    liveness: Gates = None

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
            )
        except ValueError as error:
            raise InvalidRequest(f"not the context of a face capture: {error}") from error


def gesture_sequences() -> tuple[tuple[Gesture, ...], ...]:
    """All sequences that may be asked: three gestures, none twice in a row, at least one turn of the head.

    A turn shows that the face is solid; looking up and coming closer alone could be done with a picture.
    """
    turns = {Gesture.LEFT, Gesture.RIGHT}
    return tuple(
        sequence
        for sequence in itertools.product(Gesture, repeat=_SEQUENCE)
        if not turns.isdisjoint(sequence)
        and all(one is not other for one, other in itertools.pairwise(sequence))
    )


def choose_gestures() -> tuple[Gesture, ...]:
    """One of the sequences, each as likely as any other; a recording guesses right once in 34 times."""
    return secrets.choice(gesture_sequences())


def _gates(fields: Mapping[str, object]) -> Gates:
    if fields.get("liveness") is None:
        return None
    return tuple(LivenessGate(word) for word in _items(fields, "liveness", str))


def _items(fields: Mapping[str, object], name: str, kind: type[_Item]) -> tuple[_Item, ...]:
    values = fields.get(name, ())
    if not isinstance(values, list | tuple) or not all(
        isinstance(value, kind) and not isinstance(value, bool) for value in values
    ):
        raise ValueError(f"`{name}` must be a list of {kind.__name__}")
    return tuple(values)
