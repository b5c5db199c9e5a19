"""The search: no way up for any thief within the depth; and with each guard taken away, the way that it shut, as a story.

`AUTHSVC_MODEL_DEPTH` deepens it. It prints what it counted, under `-s`.
"""

import os
import sys
from collections.abc import Mapping

import pytest

from tests.model.account import (
    A_CODE_ALONE,
    A_KEY_ALONE,
    APART,
    GUARDS,
    SPOKEN,
    THIEVES,
    WAYS,
    Factor,
    Rules,
    Thief,
    Way,
    beginnings,
    watched,
)
from tests.model.search import Found, comes_back, moves, search

DEPTH = int(os.environ.get("AUTHSVC_MODEL_DEPTH", "6"))
"""With all guards nobody gets anywhere within it, and without any of them somebody does: what is found is the guard's doing."""

BEHIND = {"a lock does not lower an act": A_CODE_ALONE, "an outage does not lower an act": A_CODE_ALONE}
"""Guards behind which another one stands: each opens a way only once that is gone too."""


def test_nobody_climbs(capsys: pytest.CaptureFixture[str]) -> None:
    searched = search(Rules(), THIEVES, DEPTH)
    with capsys.disabled():
        for thief, states in zip(THIEVES, searched.states, strict=True):
            sys.stdout.write(f"\n{thief.name}: {states} states")
        sys.stdout.write(f"\n{searched.steps} steps, depth {DEPTH} ")
    assert searched.found is None, searched.found and searched.found.told()
    assert all(searched.states)


@pytest.mark.parametrize(
    "holds",
    [{"codes"}, {"codes", "phone and PIN", "recovery code"}],
    ids=lambda held: " + ".join(sorted(held)),
)
def test_nobody_climbs_where_a_key_and_a_code_are_one_category(holds: set[str]) -> None:
    searched = search(Rules(ways=APART), (Thief(frozenset(holds)),), DEPTH)
    assert searched.found is None, searched.found and searched.found.told()


def test_nobody_climbs_where_no_way_names_a_key_beside_a_voice() -> None:
    searched = search(Rules(ways=SPOKEN), (Thief(frozenset({"codes", "phone and PIN"})),), DEPTH)
    assert searched.found is None, searched.found and searched.found.told()


def test_there_a_key_alone_would_be_a_way() -> None:
    found = weakest({A_KEY_ALONE}, SPOKEN)
    assert found is not None
    assert found.thief.holds == {"phone and PIN"}


def test_there_a_code_alone_would_be_a_way() -> None:
    found = weakest({A_CODE_ALONE}, APART)
    assert found is not None
    assert found.thief.holds == {"codes"}


def weakest(missing: set[str], ways: Mapping[int, tuple[Way, ...]] = WAYS) -> Found | None:
    """The shortest way that missing guards open, for the thief who holds the least."""
    return search(Rules(frozenset(missing), ways), THIEVES, DEPTH).found


@pytest.mark.parametrize("guard", sorted(GUARDS))
def test_without_a_guard_there_is_a_way(guard: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = weakest({guard, *filter(None, [BEHIND.get(guard)])})
    assert found is not None, f"nothing needs `{guard}`"
    with capsys.disabled():
        sys.stdout.write(f"\nWithout `{guard}`:\n{found.told()}\n")


@pytest.mark.parametrize("guard", sorted(BEHIND))
def test_the_guard_before_another_opens_no_such_way_by_itself(guard: str) -> None:
    found = weakest({guard, BEHIND[guard]})
    assert found is not None
    assert search(Rules(frozenset({BEHIND[guard]})), THIEVES, len(found.story) - 1).found is None


def test_all_thieves_at_once_find_what_each_finds_alone() -> None:
    together = search(Rules(), THIEVES, 2)
    alone = [search(Rules(), (thief,), 2) for thief in THIEVES]
    assert together.states == tuple(searched.states[0] for searched in alone)


def test_the_owner_comes_back_from_everywhere() -> None:
    """With what they enrolled and two operators, as long as nothing of a thief's has been let count."""
    thief = Thief(frozenset({"codes", "phone and PIN", "recordings"}))
    states = set(beginnings())
    layer = list(states)
    for _ in range(DEPTH - 2):
        after = {watched(new) for state in layer for _, new, _ in moves(Rules(), thief, state)} - states
        states |= after
        layer = list(after)
    stuck = [each for each in states if not _is_taken(each) and not comes_back(each)]
    assert not stuck, stuck[0]


def _is_taken(state) -> bool:  # type: ignore[no-untyped-def]  # A state.
    return state.codes.by == "thief" or any(each == Factor("thief") for each in state.factors)
