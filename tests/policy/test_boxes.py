"""The boxes of a change hold exactly its cells."""

from itertools import product

from authsvc.policy.boxes import Boxes
from authsvc.policy.diagram import Budget, Diagram
from tests.policy.small import enumerated, small_pairs


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
