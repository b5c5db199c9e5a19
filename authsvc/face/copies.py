"""Are two captures one and the same? Decided from what is remembered of each, without a picture and without arrays.

For the moment at which a capture is used up: two challenges that were open together were each judged before the other's
capture was remembered. A worker that has the pictures can do better (`fingerprint.is_replay`), for it lays them over each other.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from itertools import chain
from operator import mul

LOOK = "f:"
SIDE = 24
_ALIKE = 0.98
_LEAST_SHARE = 0.5

_Look = tuple[int, ...]


def nearly_same(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two captures share a file or a picture, or half of the one's looks are looks of the other, mirrored or not."""
    if not {each for each in one if not each.startswith(LOOK)}.isdisjoint(other):
        return True
    looks, known = _looks(one), _looks(other)
    if not looks or not known:
        return False
    known += [_mirrored(look) for look in known]
    found = sum(any(_likeness(look, each) >= _ALIKE for each in known) for look in looks)
    return found >= _LEAST_SHARE * len(looks)


def _looks(fingerprints: Sequence[str]) -> list[_Look]:
    found = (base64.b64decode(each.removeprefix(LOOK)) for each in fingerprints if each.startswith(LOOK))
    return [tuple(value - 256 if value > 127 else value for value in look) for look in found]


def _mirrored(look: _Look) -> _Look:
    rows = (look[at : at + SIDE][::-1] for at in range(0, len(look), SIDE))
    return tuple(chain.from_iterable(rows))


def _likeness(one: _Look, other: _Look) -> float:
    lengths = math.sqrt(sum(map(mul, one, one)) * sum(map(mul, other, other)))
    return sum(map(mul, one, other)) / lengths if lengths else 0.0
