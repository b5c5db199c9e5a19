"""A reason among several is asked for as it is alone: why the space holds one reason at a time."""

from random import Random

import pytest

from tests.policy import chance
from tests.policy.small import random_policy


@pytest.mark.long
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
