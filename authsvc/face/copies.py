"""Are two captures one and the same? Decided from what is remembered of each, without a picture and without arrays.

For the moment at which a capture is used up: two challenges that were open together were each judged before the other's
capture was remembered. A worker that has the pictures can do better (`fingerprint.is_replay`), for it lays them over each other.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from operator import mul

LOOK = "f:"
SIDE = 24
_ALIKE = 0.98
_LEAST_SHARE = 0.5
_COMPARED = 8  # Looks from all over a capture; the caller is within a transaction.

_Look = tuple[int, ...]


def is_copy(
    seen: Sequence[str], remembered: Mapping[str, Sequence[str]], known: Collection[str] = ()
) -> bool:
    """Whether a capture is one of those remembered, by id; with those in `known` a worker has compared its pictures already."""
    return any(
        not set(seen).isdisjoint(lines) if capture in known else nearly_same(seen, lines)
        for capture, lines in remembered.items()
    )


def nearly_same(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two captures share a file or a picture, or half of the one's looks are looks of the other, mirrored or not."""
    if not {each for each in one if not each.startswith(LOOK)}.isdisjoint(other):
        return True
    looks, known = _looks(one), _looks(other)
    if not looks or not known:
        return False
    looks = looks[:: max(1, len(looks) // _COMPARED)]
    known += [_mirrored(look) for look in known]
    lengths = list(map(_length, known))
    found = sum(_nearest(look, known, lengths) >= _ALIKE for look in looks)
    return found >= _LEAST_SHARE * len(looks)


def _looks(fingerprints: Sequence[str]) -> list[_Look]:
    found = (base64.b64decode(each.removeprefix(LOOK)) for each in fingerprints if each.startswith(LOOK))
    return [tuple(value - 256 if value > 127 else value for value in look) for look in found]


def _mirrored(look: _Look) -> _Look:
    rows = (look[at : at + SIDE][::-1] for at in range(0, len(look), SIDE))
    return tuple(chain.from_iterable(rows))


def _nearest(look: _Look, known: Sequence[_Look], lengths: Sequence[float]) -> float:
    own = _length(look)
    pairs = zip(known, lengths, strict=True)
    return max((sum(map(mul, look, each)) / (own * length) for each, length in pairs), default=0.0)


def _length(look: _Look) -> float:
    return math.sqrt(sum(map(mul, look, look))) or math.inf
