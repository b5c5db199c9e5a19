"""Masks find the very rules that their conditions, asked one by one, admit; and the company that each of them keeps."""

from random import Random

import pytest

from authsvc.policy import loading
from authsvc.policy.masks import Masks
from tests.policy.builders import payment, policy
from tests.policy.chance import document
from tests.policy.chance import payment as random_payment


@pytest.mark.parametrize("seed", range(40))
def test_one_lookup_an_input_finds_what_every_condition_by_itself_admits(seed: int) -> None:
    chance = Random(seed)
    tested = loading.from_mapping(document(chance))
    masks = Masks.of(tested.rules)
    for _ in range(50):
        inputs = random_payment(chance)
        seen = tested.seen(inputs)
        expected = sum(
            1 << number
            for number, rule in enumerate(tested.rules)
            if all(condition.holds(seen) for condition in rule.conditions)
        )
        assert masks.matching(inputs, seen.amount) == expected


def test_rules_that_always_match_together_keep_company() -> None:
    tested = policy(
        {"id": "large", "level": "face", "amount_at_least": 1_000},
        {"id": "larger", "level": "face_fingerprint", "amount_at_least": 5_000},
        {"id": "risky", "level": "otp", "risk_at_least": 50},
    )
    numbers = {rule.id: number for number, rule in enumerate(tested.rules)}
    masks = Masks.of(tested.rules)
    assert masks.company(numbers["larger"]) == 1 << numbers["large"]
    assert masks.company(numbers["large"]) == 0
    assert masks.company(numbers["risky"]) == 0


def test_rest_is_looked_up_only_where_a_rule_asks_for_it() -> None:
    bare = Masks.of(policy({"id": "risky", "level": "otp", "risk_at_least": 50}).rules)
    assert not bare.looks_further
    assert not bare.looks_at_habits
    assert bare.matching(payment(risk_score=50), 0) == 1
    assert bare.matching(payment(risk_score=49), 0) == 0
