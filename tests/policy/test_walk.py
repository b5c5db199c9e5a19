"""The walk finds the answers of all cells and no other."""

from collections import Counter
from random import Random

from authsvc.policy.cells import Space
from authsvc.policy.walk import Walk
from tests.policy.small import enumerated, is_small, random_policy


def test_the_walk_finds_the_answers_of_all_cells_and_no_other() -> None:
    random = Random(11)
    compared = 0
    while compared < 300:
        policy = random_policy(random)
        space = Space(policy)
        if not is_small(space, compared):
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
