"""Each guard is taken away in the real service, and a walk must notice: else the walks would prove nothing."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.model.account import ALL, GUARDS, THIEVES
from tests.model.served import Here
from tests.model.test_walks import PROBATION
from tests.model.walking import Differs, Walk
from tests.model.weakened import WEAKENED

WALKS, STEPS_A_WALK = 200, 25
pytestmark = pytest.mark.timeout(400)


def test_every_guard_of_the_model_is_taken_away() -> None:
    assert set(WEAKENED) == GUARDS


@pytest.mark.parametrize("guard", sorted(WEAKENED))
def test_a_walk_notices_a_missing_guard(guard: str, tmp_path: Path) -> None:
    caller = Here(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        WEAKENED[guard](patch)
        assert any(_differs(caller, walk) for walk in range(WALKS)), f"nobody noticed that `{guard}` is gone"
    caller.close()


def _differs(caller: Here, number: int) -> bool:
    """Every other walk is that of somebody who holds everything, about somebody who has everything."""
    chance = Random(number)
    thief = THIEVES[-1] if number % 2 else chance.choice(THIEVES)
    enrolled = frozenset(ALL if number % 4 == 1 else chance.sample(ALL, chance.randint(1, 3)))
    walk = Walk(caller, f"u_{number}", thief, enrolled, PROBATION)
    try:
        for _ in range(STEPS_A_WALK):
            walk.step(chance)
    except Differs:
        return True
    return False
