"""Steps of a version, and who may take them."""

from datetime import UTC, datetime

import pytest

from authsvc.policy.life import Examined, Source, State, Version
from authsvc.web.console.policies.steps import Hindrance, Step, milestone, offered, standing_in_the_way
from tests.support.policies import ANN, BOB, CAI, EVE


def version(state: State, author: str = ANN.id, against: str = "sha256:1", *errors: str) -> Version:
    at = datetime(2026, 11, 27, tzinfo=UTC)
    examined = None
    if state not in (State.DRAFT, State.VALIDATED):
        whole = {"complete": True}
        examined = Examined(against, at, ANN.id, whole, whole, errors)
    return Version("pol_1", Source("", "toml", ""), author, "", at, state, examined=examined)


def test_steps_are_offered_to_whoever_may_and_say_why_not() -> None:
    ready = version(State.ANALYZED)

    def hindrance(operator, of, active="sha256:1"):
        return {each.step: each.hindrance for each in offered(ready if of is None else of, operator, active)}

    assert hindrance(BOB, None)[Step.APPROVE] is None
    assert hindrance(ANN, None)[Step.APPROVE] is Hindrance.ROLE
    assert hindrance(CAI, version(State.ANALYZED, CAI.id))[Step.APPROVE] is Hindrance.OWN_VERSION
    assert hindrance(BOB, None, "sha256:2")[Step.APPROVE] is Hindrance.OTHER_POLICY
    assert hindrance(BOB, version(State.APPROVED), "sha256:2")[Step.ACTIVATE] is Hindrance.OTHER_POLICY
    assert set(hindrance(EVE, None).values()) == {Hindrance.ROLE}
    assert hindrance(BOB, version(State.ACTIVE)) == {}


def test_errors_that_nobody_can_accept_are_told_apart() -> None:
    found = standing_in_the_way(
        version(State.ANALYZED, ANN.id, "sha256:1", "weaker-than-active", "not-monotone:risky")
    )

    assert [(each.name, each.acceptable) for each in found] == [
        ("weaker-than-active", True),
        ("not-monotone:risky", False),
    ]


@pytest.mark.parametrize(
    ("state", "reached"), [(State.DRAFT, 1), (State.SHADOWING, 3), (State.ROLLED_BACK, 5)]
)
def test_a_version_is_as_far_as_its_state(state: State, reached: int) -> None:
    assert milestone(version(state)) == reached
