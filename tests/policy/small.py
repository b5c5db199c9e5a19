"""Pairs of documents whose space is small enough to be walked through cell by cell."""

from collections.abc import Iterator
from functools import lru_cache
from random import Random

from authsvc.policy import loading
from authsvc.policy.answers import Answer
from authsvc.policy.cells import Coords, Space
from authsvc.policy.engine import Policy
from authsvc.policy.inputs import Inputs
from tests.policy import chance
from tests.policy.cells import cells

MOST = 1_500
FEW = 400
"""Most documents whose axes meet in a few cells, and some with more axes: a fault that many cells show, few show too."""


def is_small(space: Space, number: int) -> bool:
    """Every tenth may be larger."""
    return space.size <= (FEW if number % 10 else MOST)


def random_policy(random: Random) -> Policy:
    return loading.from_mapping(chance.document(random, loosening=random.random() < 0.5), for_analysis=True)


def small_pairs(seed: int, wanted: int) -> Iterator[tuple[Policy, Policy, Space]]:
    """A document and another one, or the same one with a rule, a level or an exemption of the other, in a small space."""
    random = Random(seed)
    while wanted:
        one, other = chance.document(random), chance.document(random)
        part = random.choice(["rules", "levels", "exemptions", "devices", None])
        mixed = other if part is None else {**one, part: other[part]}
        before, after = (loading.from_mapping(each, for_analysis=True) for each in (one, mixed))
        space = Space(before, after)
        if is_small(space, wanted):
            wanted -= 1
            yield before, after, space


def enumerated(policy: Policy, space: Space) -> dict[Coords, Answer]:
    return {coords: Answer.of(policy.evaluate(payment)) for coords, payment in payments(space)}


@lru_cache(maxsize=1)
def payments(space: Space) -> list[tuple[Coords, Inputs]]:
    """Of every cell; made once for the documents that share it."""
    return [(coords, space.payment(coords)) for coords in cells(space)]
