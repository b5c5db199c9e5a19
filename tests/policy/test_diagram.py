"""What is said of all cells at once is what every cell says alone: the walk and the difference against full enumeration."""

from collections import Counter
from collections.abc import Iterator
from itertools import product
from random import Random

import pytest

from authsvc.policy import loading
from authsvc.policy.answers import Answer
from authsvc.policy.boxes import Boxes
from authsvc.policy.cells import Coords, Space
from authsvc.policy.diagram import Budget, Diagram, Unfinished
from authsvc.policy.diff import diff
from authsvc.policy.engine import Policy
from authsvc.policy.walk import Walk
from tests.policy import chance
from tests.policy.cells import cells

MOST = 1_500


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
        if space.size <= MOST:
            wanted -= 1
            yield before, after, space


def enumerated(policy: Policy, space: Space) -> dict[Coords, Answer]:
    return {coords: Answer.of(policy.evaluate(space.payment(coords))) for coords in cells(space)}


def test_the_walk_finds_the_answers_of_all_cells_and_no_other() -> None:
    random = Random(11)
    compared = 0
    while compared < 300:
        policy = random_policy(random)
        space = Space(policy)
        if space.size > MOST:
            continue
        compared += 1
        walk = Walk(policy, 10**6)
        every = enumerated(policy, walk.space)
        proven = {coords: walk.space.payment(coords).proven for coords in every}
        found = {
            (answer.level, answer.exemption, answer.offers, answer.proven, answer.covered)
            for answer in walk.answers
        }
        assert found == {
            (each.level, each.exemption, each.offers, proven[coords], each.covered)
            for coords, each in every.items()
        }
        assert walk.levels == Counter(answer.level for answer in every.values())
        for answer, coords in walk.answers.items():
            assert every[coords].level is answer.level
            assert every[coords].offers == answer.offers


def test_the_difference_is_that_of_all_cells_and_its_regions_hold_each_of_them_once() -> None:
    weakening = stricter = 0
    for before, after, space in small_pairs(12, 300):
        old, new = enumerated(before, space), enumerated(after, space)
        expected = {coords: (old[coords], new[coords]) for coords in old if old[coords] != new[coords]}
        difference = diff(before, after)

        assert difference.complete
        assert difference.changed == len(expected)
        assert difference.weaker == sum(one.asks_less_than(other) for other, one in expected.values())
        assert Counter((region.before, region.after) for region in difference.regions).keys() == set(
            expected.values()
        )
        for region in difference.regions:
            assert Answer.of(before.evaluate(region.witness.inputs)) == region.before
            assert Answer.of(after.evaluate(region.witness.inputs)) == region.after
        weakening += difference.weaker > 0
        stricter += difference.changed > difference.weaker
    assert min(weakening, stricter) > 50


def test_the_boxes_of_a_change_hold_exactly_its_cells() -> None:
    for before, after, space in small_pairs(13, 150):
        boxes = Boxes(space, [before, after])
        diagram = Diagram(
            space,
            boxes,
            lambda states, last, boxes=boxes: tuple(map(boxes.answer, states)) if last else None,  # type: ignore[misc]
            Budget(10**6),
        )
        old, new = enumerated(before, space), enumerated(after, space)
        for leaf, count in diagram.counted().items():
            held = [
                coords
                for box in diagram.regions(leaf)
                for coords in product(*(range(first, last + 1) for first, last in box))
            ]
            assert len(held) == len(set(held)) == count
            assert {(old[coords], new[coords]) for coords in held} == {leaf}


def test_what_takes_more_steps_than_granted_is_unfinished() -> None:
    policy = loading.shipped()
    space = Space(policy)
    with pytest.raises(Unfinished):
        Diagram(space, Boxes(space, [policy]), lambda states, last: 1 if last else None, Budget(10))


def test_a_reason_among_several_is_asked_for_as_it_is_alone() -> None:
    """Why the space holds one reason at a time."""
    random = Random(14)
    for _ in range(2_000):
        policy = random_policy(random)
        inputs = chance.payment(random)
        alone = [
            policy.evaluate(chance.with_reasons(inputs, *reasons)).asked
            for reasons in ((), *((each,) for each in chance.REASONS))
        ]
        together = policy.evaluate(chance.with_reasons(inputs, *chance.REASONS)).asked
        if policy.document.default is not None:
            assert together is max(alone, key=lambda level: level.rank)
