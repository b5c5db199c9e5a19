"""Each guard is taken away in the real service, and a walk must notice: else the walks would prove nothing."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.model.account import ALL, GUARDS, THIEVES
from tests.model.served import Here
from tests.model.test_walks import PROBATION, STEPS
from tests.model.walking import Differs, Walk
from tests.model.weakened import WEAKENED

WALKS, STEPS_A_WALK = max(8, STEPS // 25), 25
QUICKLY = frozenset(
    {
        "a frozen account is not erased",
        "a new key proves only beside a face",
        "a recovery takes two proofs",
        "an account that was emptied is no new one",
        "an unfreeze is proved",
        "what is new waits",
        "what was removed is owed",
        "who has no secret suspends nobody",
    }
)
"""What eight walks notice. The others take more steps, and are for the long run."""

LONG = 5000

pytestmark = pytest.mark.timeout(300 + STEPS)


def test_every_guard_of_the_model_is_taken_away() -> None:
    assert set(WEAKENED) == GUARDS


@pytest.mark.parametrize("guard", sorted(WEAKENED))
def test_a_walk_notices_a_missing_guard(guard: str, tmp_path: Path) -> None:
    if guard not in QUICKLY and STEPS < LONG:
        pytest.skip(f"a long run: AUTHSVC_MODEL_STEPS={LONG}")
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
