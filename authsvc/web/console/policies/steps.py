"""What may be done with a version next, by whom, and why not by this operator. Pure; `policy.life` has the last word."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from authsvc.domain.operator import Act, Operator
from authsvc.policy.life import CANDIDATES, NEVER_ACCEPTED, State, Version
from authsvc.policy_life.lab_proof import LabProof


class Step(StrEnum):
    VALIDATE = "validate"
    ANALYZE = "analyze"
    SHADOW = "shadow"
    STOP_SHADOW = "stop-shadow"
    BACKTEST = "backtest"
    APPROVE = "approve"
    ACTIVATE = "activate"


class Hindrance(StrEnum):
    """Why a step that the version is ready for is not offered to this operator."""

    ROLE = "role"
    OWN_VERSION = "own-version"
    OTHER_POLICY = "other-policy"
    UNFINISHED = "unfinished"
    LAB = "lab"


NEEDS = {
    Step.VALIDATE: Act.TRY_POLICY,
    Step.ANALYZE: Act.TRY_POLICY,
    Step.SHADOW: Act.TRY_POLICY,
    Step.STOP_SHADOW: Act.TRY_POLICY,
    Step.BACKTEST: Act.TRY_POLICY,
    Step.APPROVE: Act.APPROVE_POLICY,
    Step.ACTIVATE: Act.ACTIVATE_POLICY,
}

READY = {
    Step.VALIDATE: frozenset({State.DRAFT}),
    Step.ANALYZE: frozenset({State.VALIDATED, State.ANALYZED, State.SHADOWING, State.APPROVED}),
    Step.SHADOW: frozenset({State.ANALYZED}),
    Step.STOP_SHADOW: frozenset({State.SHADOWING}),
    Step.BACKTEST: CANDIDATES,
    Step.APPROVE: frozenset({State.ANALYZED, State.SHADOWING}),
    Step.ACTIVATE: frozenset({State.APPROVED}),
}

PATH = (State.DRAFT, State.VALIDATED, State.ANALYZED, State.APPROVED, State.ACTIVE)
"""The milestones that a page shows; a shadow run is a stay at `analyzed`."""


@dataclass(frozen=True, slots=True)
class Offered:
    step: Step
    hindrance: Hindrance | None

    @property
    def is_open(self) -> bool:
        return self.hindrance is None


def offered(
    version: Version, operator: Operator, active_digest: str, lab: LabProof | None = None
) -> tuple[Offered, ...]:
    """The steps that the version is ready for, each with what keeps this operator from it."""
    return tuple(
        Offered(step, _hindrance(step, version, operator, active_digest) or _unproved(step, lab))
        for step, states in READY.items()
        if version.state in states
    )


def milestone(version: Version) -> int:
    """How many milestones of PATH lie behind a version; one that was active is past them all."""
    state = State.ANALYZED if version.state is State.SHADOWING else version.state
    return PATH.index(state) + 1 if state in PATH else len(PATH)


@dataclass(frozen=True, slots=True)
class Standing:
    """An error of the analysis: what an approver calls it, and whether they can accept it."""

    name: str
    acceptable: bool


def standing_in_the_way(version: Version) -> tuple[Standing, ...]:
    errors = () if version.examined is None else version.examined.errors
    return tuple(Standing(name, name.partition(":")[0] not in NEVER_ACCEPTED) for name in errors)


def _unproved(step: Step, lab: LabProof | None) -> Hindrance | None:
    return Hindrance.LAB if step is Step.ACTIVATE and lab is not None and lab.faults else None


def _hindrance(step: Step, version: Version, operator: Operator, active_digest: str) -> Hindrance | None:
    if not operator.may(NEEDS[step]):
        return Hindrance.ROLE
    if step is Step.APPROVE and version.author == operator.id:
        return Hindrance.OWN_VERSION
    if step not in (Step.APPROVE, Step.ACTIVATE) or version.examined is None:
        return None
    if not version.examined.is_finished:
        return Hindrance.UNFINISHED
    return Hindrance.OTHER_POLICY if version.examined.against != active_digest else None
