"""Which gestures a challenge asks for, and what a recording of some is worth against others.

Drawn from a secret seed, so that beginning again shows the very same ones, whatever was lost in between. *Closer* is read but
never drawn: whoever has a recording makes it by enlarging the picture.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache

from authsvc.biometric.words import USUAL_GESTURES
from authsvc.face.capture import Gesture

USUAL = USUAL_GESTURES

TURNS = frozenset({Gesture.LEFT, Gesture.RIGHT})
DRAWN = tuple(gesture for gesture in Gesture if gesture is not Gesture.CLOSER)

_MIRRORED: Mapping[Gesture, Gesture] = {
    Gesture.LEFT: Gesture.RIGHT,
    Gesture.RIGHT: Gesture.LEFT,
    Gesture.TILT_LEFT: Gesture.TILT_RIGHT,
    Gesture.TILT_RIGHT: Gesture.TILT_LEFT,
}

Sequence = tuple[Gesture, ...]


@cache
def gesture_sequences(count: int = USUAL) -> tuple[Sequence, ...]:
    """All sequences that may be asked: none twice in a row, at least one turn of the head.

    A turn shows that the face is solid; everything else could be done with a picture.
    """
    return tuple(
        sequence
        for sequence in itertools.product(DRAWN, repeat=count)
        if not TURNS.isdisjoint(sequence)
        and all(one is not other for one, other in itertools.pairwise(sequence))
    )


def drawn(seed: bytes, count: int = USUAL, earlier: Iterable[bytes] = ()) -> Sequence:
    """The sequence that belongs to a secret seed, each as likely as any other.

    None that was drawn from the `earlier` seeds of the same challenge, nor what a recording of it shows mirrored or backwards,
    as long as there are others.
    """
    left = gesture_sequences(count)
    for one in earlier:
        shown = playable([_of(one, left)], count, cuts=0, backwards=True)
        left = tuple(each for each in left if each not in shown) or gesture_sequences(count)
    return _of(seed, left)


def _of(seed: bytes, sequences: tuple[Sequence, ...]) -> Sequence:
    return sequences[_number(seed, "draw") % len(sequences)]


def swapped(sequence: Sequence, at: int, seed: bytes) -> Sequence:
    """Another gesture instead of one that a person cannot do, and one more at the end.

    The additional one keeps whoever has a recording from choosing by swapping.
    """
    before, after = sequence[max(at - 1, 0) : at], sequence[at + 1 :]
    other = _pick({*before, sequence[at], *after[:1]}, seed, "swap", DRAWN)
    changed = (*sequence[:at], other, *after)
    wanted: Collection[Gesture] = DRAWN if TURNS.intersection(changed) else TURNS
    # What the person cannot do must not come back as the additional one.
    return (*changed, _pick({changed[-1], sequence[at]}, seed, "more", wanted))


def _pick(without: Collection[Gesture], seed: bytes, label: str, among: Collection[Gesture]) -> Gesture:
    choices = [gesture for gesture in DRAWN if gesture in among and gesture not in without]
    return choices[_number(seed, label) % len(choices)]


def _number(seed: bytes, label: str) -> int:
    return int.from_bytes(hashlib.sha256(label.encode() + b"\0" + seed).digest(), "big")


# -- What a recording is worth ------------------------------------------------------------------------------------------


def mirrored(sequence: Iterable[Gesture]) -> Sequence:
    """What a recording shows once it is mirrored."""
    return tuple(_MIRRORED.get(gesture, gesture) for gesture in sequence)


def playable(
    recordings: Iterable[Sequence], count: int, cuts: int, *, backwards: bool = False
) -> frozenset[Sequence]:
    """The sequences of `count` that recordings can be made to show by at most `cuts` cuts from one rest to another.

    A run of a recording may begin and end at any rest, and may be mirrored as a whole; slowing down and enlarging add nothing.
    Played `backwards` a head does the same gestures in the other order.
    """
    forms = [form for one in recordings for form in (tuple(one), mirrored(one))]
    runs = set(_runs([*forms, *(form[::-1] for form in forms)] if backwards else forms))
    made = set(runs)
    for _ in range(cuts):
        made |= {(*one, *other) for one in made for other in runs if len(one) + len(other) <= count}
    return frozenset(made.intersection(gesture_sequences(count)))


def chance(
    recordings: Iterable[Sequence], count: int = USUAL, cuts: int = 0, *, backwards: bool = False
) -> float:
    """How often a challenge of `count` gestures asks for what recordings can show with so many unnoticed cuts."""
    found = playable(recordings, count, cuts, backwards=backwards)
    return len(found) / len(gesture_sequences(count))


def _runs(recordings: Iterable[Sequence]) -> Iterator[Sequence]:
    for recording in recordings:
        for start, end in itertools.combinations(range(len(recording) + 1), 2):
            yield recording[start:end]
