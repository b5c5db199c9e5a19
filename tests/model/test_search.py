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

DEPTH = int(os.environ.get("AUTHSVC_MODEL_DEPTH", "4"))
"""Of the search for every thief; a guard that is taken away is found within `DEEPEST`."""

DEEPEST = 6


@pytest.mark.parametrize("thief", THIEVES, ids=lambda thief: thief.name)
def test_nobody_climbs(thief: Thief, capsys: pytest.CaptureFixture[str]) -> None:
    searched = search(Rules(), thief, DEPTH)
    with capsys.disabled():
        sys.stdout.write(f"\n{thief.name}: {searched.states} states, {searched.steps} steps, depth {DEPTH} ")
    assert searched.found is None, searched.found and searched.found.told()


@pytest.mark.parametrize(
    "holds",
    [{"codes"}, {"codes", "phone and PIN", "recovery code"}],
    ids=lambda held: " + ".join(sorted(held)),
)
def test_nobody_climbs_where_a_key_and_a_code_are_one_category(holds: set[str]) -> None:
    searched = search(Rules(ways=APART), Thief(frozenset(holds)), DEPTH)
    assert searched.found is None, searched.found and searched.found.told()


def test_nobody_climbs_where_no_way_names_a_key_beside_a_voice() -> None:
    searched = search(Rules(ways=SPOKEN), Thief(frozenset({"codes", "phone and PIN"})), DEPTH)
    assert searched.found is None, searched.found and searched.found.told()


def test_there_a_key_alone_would_be_a_way() -> None:
    found = weakest(A_KEY_ALONE, SPOKEN)
    assert found is not None
    assert found.thief.holds == {"phone and PIN"}


def test_there_a_code_alone_would_be_a_way() -> None:
    found = weakest(A_CODE_ALONE, APART)
    assert found is not None
    assert found.thief.holds == {"codes"}


def weakest(guard: str, ways: Mapping[int, tuple[Way, ...]] = WAYS) -> Found | None:
    """The shortest way that a missing guard opens, for the thief who holds the least."""
    rules = Rules(frozenset({guard}), ways)
    for depth in range(1, DEEPEST + 1):
        for thief in THIEVES:
            if (found := search(rules, thief, depth).found) is not None:
                return found
    return None


@pytest.mark.parametrize("guard", sorted(GUARDS))
def test_without_a_guard_there_is_a_way(guard: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = weakest(guard)
    assert found is not None, f"nothing needs `{guard}`"
    with capsys.disabled():
        sys.stdout.write(f"\nWithout `{guard}`:\n{found.told()}\n")


def test_the_owner_comes_back_from_everywhere() -> None:
    """With what they enrolled and two operators, as long as nothing of a thief's has been let count."""
    thief = Thief(frozenset({"codes", "phone and PIN", "recordings"}))
    states = set(beginnings())
    layer = list(states)
    for _ in range(DEPTH):
        after = {watched(new) for state in layer for _, new, _ in moves(Rules(), thief, state)} - states
        states |= after
        layer = list(after)
    stuck = [each for each in states if not _is_taken(each) and not comes_back(each)]
    assert not stuck, stuck[0]


def _is_taken(state) -> bool:  # type: ignore[no-untyped-def]  # A state.
    return state.codes.by == "thief" or any(each == Factor("thief") for each in state.factors)
