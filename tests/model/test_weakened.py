"""Each guard is taken away in the real service, and somebody who walks must notice: else the walks would prove nothing.

Its story is played each time; in the long run chance finds it too.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from random import Random
from time import monotonic

import pytest

from tests.model.account import ALL, GUARDS, NAMES, THIEVES, Thief
from tests.model.served import Here
from tests.model.stories import STORIES, Story
from tests.model.test_walks import PROBATION, STEPS
from tests.model.walking import Differs, Walk
from tests.model.weakened import WEAKENED

WALKS, STEPS_A_WALK = STEPS // 25, 25
LONG = 5000
"""With so many steps chance has the time to find each."""

PEOPLE = count()

pytestmark = pytest.mark.timeout(300 + STEPS)


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    """One service for all, with an account for each walk."""
    made = Here(tmp_path_factory.mktemp("service"))
    yield made
    made.close()


def test_every_guard_of_the_model_is_taken_away_and_has_its_story() -> None:
    assert set(WEAKENED) == set(STORIES) == GUARDS


@pytest.mark.parametrize("guard", sorted(STORIES))
def test_the_story_of_a_missing_guard_is_noticed(guard: str, caller: Here) -> None:
    """The same acts, of which the whole service answers each as the model does."""
    _play(caller, STORIES[guard])
    with pytest.MonkeyPatch.context() as patch:
        WEAKENED[guard](patch)
        with pytest.raises(Differs):
            _play(caller, STORIES[guard])


def _play(caller: Here, story: Story) -> None:
    enrolled = frozenset(NAMES.index(name) for name in story.enrolled)
    walk = Walk(caller, f"u_{next(PEOPLE)}", Thief(story.holds), enrolled, PROBATION)
    for told in story.acts:
        caller.clock.advance(timedelta(seconds=1))
        assert walk.takes(told, Random(told)), f"`{told}` cannot be tried"


@pytest.mark.parametrize("guard", sorted(WEAKENED))
def test_chance_finds_a_missing_guard(guard: str, caller: Here, capsys: pytest.CaptureFixture[str]) -> None:
    if STEPS < LONG:
        pytest.skip(f"a long run: AUTHSVC_MODEL_STEPS={LONG}")
    began = monotonic()
    with pytest.MonkeyPatch.context() as patch:
        WEAKENED[guard](patch)
        found = next((walk for walk in range(WALKS) if _differs(caller, walk)), None)
    assert found is not None, f"nobody noticed that `{guard}` is gone"
    with capsys.disabled():
        print(f"\n`{guard}`: walk {found + 1}, {monotonic() - began:.0f} s")  # noqa: T201  # What the long run is read for.


def _differs(caller: Here, number: int) -> bool:
    """Every other walk is that of somebody who holds everything, about somebody who has everything."""
    chance = Random(number)
    thief = THIEVES[-1] if number % 2 else chance.choice(THIEVES)
    enrolled = frozenset(ALL if number % 4 == 1 else chance.sample(ALL, chance.randint(1, 3)))
    walk = Walk(caller, f"u_{next(PEOPLE)}", thief, enrolled, PROBATION)
    try:
        for _ in range(STEPS_A_WALK):
            walk.step(chance)
    except Differs:
        return True
    return False
