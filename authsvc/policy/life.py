"""One version of the policy on its way from a draft to the document that decides, and back.

Pure: no clock and no store. A version's document never changes; what changes is how far it has come, along one table.
Every step answers the next value, or the error that says why it is not taken.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal

from authsvc.errors import AuthsvcError, NotPermitted, PolicyConflict, PolicyInvalid, PolicyStep


class State(StrEnum):
    DRAFT = "draft"
    VALIDATED = "validated"
    ANALYZED = "analyzed"
    SHADOWING = "shadowing"
    APPROVED = "approved"
    ACTIVE = "active"
    SUPERSEDED = "superseded"
    ROLLED_BACK = "rolled_back"


# Simulations and backtests are evidence that a version collects from ANALYZED on; they move it nowhere. Whoever wants a
# document back that was taken back drafts it again, so that nothing is live on an approval from before its failure.
TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.DRAFT: frozenset({State.VALIDATED}),
    State.VALIDATED: frozenset({State.ANALYZED}),
    State.ANALYZED: frozenset({State.ANALYZED, State.SHADOWING, State.APPROVED}),
    State.SHADOWING: frozenset({State.ANALYZED, State.APPROVED}),
    State.APPROVED: frozenset({State.ANALYZED, State.ACTIVE}),
    State.ACTIVE: frozenset({State.SUPERSEDED, State.ROLLED_BACK}),
    State.SUPERSEDED: frozenset({State.ACTIVE}),
    State.ROLLED_BACK: frozenset(),
}

CANDIDATES = frozenset({State.ANALYZED, State.SHADOWING, State.APPROVED})
"""The states in which a version may be tried on recorded and on live payments."""

NEVER_ACCEPTED = frozenset(
    {"invalid-document", "failed-test", "not-monotone", "gap", "weaker-set", "not-finished"}
)
"""Findings that no approver can accept: with any of them a document is weaker than it reads, or nothing is known of it."""

NOT_FINISHED = "not-finished"
"""The finding that an analysis ended before every cell was accounted for."""

NOT_COMPARABLE = "not-comparable"
"""The finding that nothing is known of the change, since the two policies think in different currencies."""

WEAKENS = "weaker-than-active"
"""The finding that a candidate asks less of some payment than the active policy does; accepted by name or not at all."""

UNFINISHED = "the analysis did not finish, so nobody knows what would become weaker"

Form = Literal["toml", "json"]


@dataclass(frozen=True, slots=True)
class Source:
    """A document as its author wrote it, comments and all. `digest` is that of its RFC 8785 canonical JSON."""

    text: str
    form: Form
    digest: str


@dataclass(frozen=True, slots=True)
class Examined:
    """What the analysis of a version found, against the policy that was active then.

    `report` is the analysis as JSON, `difference` the cells that change, `errors` the names of the findings that stand in
    the way of an approval: `code`, or `code:rule` where rules are concerned.
    """

    against: str
    at: datetime
    by: str
    report: Mapping[str, object]
    difference: Mapping[str, object]
    errors: tuple[str, ...]

    @property
    def is_finished(self) -> bool:
        """Whether every cell was accounted for, of the document and of its change; of an older analysis by what it recorded."""
        compared = self.difference.get("complete") is True or NOT_COMPARABLE in self.errors
        return self.report.get("complete") is True and compared and NOT_FINISHED not in self.errors

    def stands_in_the_way(self, accepted: Collection[str]) -> tuple[str, ...]:
        """The errors that were not accepted, and those that cannot be."""
        return tuple(
            name for name in self.errors if name not in accepted or name.partition(":")[0] in NEVER_ACCEPTED
        )


@dataclass(frozen=True, slots=True)
class Approval:
    """Who found a version fit, when, and which findings they accepted by name."""

    by: str
    at: datetime
    accepted: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """`policy_id` and `number` are the document's own id and version, once it is known to be one.

    `author` is the operator's id; `note` says why this change. `revision` counts the steps, for optimistic locking.
    """

    id: str
    source: Source
    author: str
    note: str
    created_at: datetime
    state: State = State.DRAFT
    policy_id: str | None = None
    number: int | None = None
    examined: Examined | None = None
    approval: Approval | None = None
    revision: int = 1

    def become(self, state: State, **changes: object) -> Version | PolicyStep:
        """The next value, or why the table has no such step."""
        if state not in TRANSITIONS[self.state]:
            return PolicyStep(
                f"the version is {self.state} and cannot become {state}", state=self.state.value
            )
        return replace(self, state=state, **changes)  # type: ignore[arg-type]  # replace() refuses unknown fields.

    def validated(self, policy_id: str, number: int) -> Version | PolicyStep:
        return self.become(State.VALIDATED, policy_id=policy_id, number=number)

    def analyzed(self, examined: Examined) -> Version | PolicyStep:
        """With a new analysis; an approval rests on the old one and is void."""
        return self.become(State.ANALYZED, examined=examined, approval=None)

    def approved(self, approval: Approval, active_digest: str) -> Version | AuthsvcError:
        """Found fit by another person than its author, for a change from the very policy that is active."""
        if approval.by == self.author:
            return NotPermitted("nobody approves a version of their own: another person must")
        if State.APPROVED not in TRANSITIONS[self.state] or self.examined is None:
            return PolicyStep(
                f"the version is {self.state} and cannot become approved", state=self.state.value
            )
        if self.examined.against != active_digest:
            return PolicyConflict(
                "the version was analyzed against another policy than the active one; analyze it again"
            )
        if not self.examined.is_finished:
            return PolicyInvalid(UNFINISHED, findings=[NOT_FINISHED])
        left = self.examined.stands_in_the_way(approval.accepted)
        if left:
            return PolicyInvalid(f"findings stand in the way: {', '.join(left)}", findings=list(left))
        return self.become(State.APPROVED, approval=approval)

    def activated(self, active_digest: str) -> Version | AuthsvcError:
        """Fit to decide. What was approved is a change from one policy, so no other one may have become active since."""
        if (
            self.state is State.APPROVED
            and self.examined is not None
            and self.examined.against != active_digest
        ):
            return PolicyConflict(
                "the version was approved as a change of another policy than the active one; analyze and approve it again"
            )
        if self.state is State.APPROVED and (self.examined is None or not self.examined.is_finished):
            return PolicyInvalid(UNFINISHED, findings=[NOT_FINISHED])
        if self.state is State.SUPERSEDED:
            return PolicyStep(
                "the version is superseded; roll back to it, or draft it again", state=self.state.value
            )
        return self.become(State.ACTIVE)


class Publishing(StrEnum):
    """How a version became active."""

    SEEDED = "seeded"
    ACTIVATED = "activated"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, slots=True)
class Publication:
    """One line of the publication log: from `at` on, `version_id` decides.

    `back_to` is the publication that a rollback from here restores; None where there is nothing to go back to.
    """

    number: int
    version_id: str
    digest: str
    how: Publishing
    by: str
    at: datetime
    back_to: int | None
    note: str = ""

    @property
    def etag(self) -> str:
        """What `If-Match` names: this very publication, not merely this document."""
        return f"{self.number}-{self.digest.removeprefix('sha256:')[:16]}"


@dataclass(frozen=True, slots=True)
class Current:
    """The one row that every process watches: what decides, and what is evaluated beside it."""

    publication: Publication
    shadow: ShadowRun | None = None


@dataclass(frozen=True, slots=True)
class ShadowRun:
    """A candidate beside the active policy: its answers are counted and never used."""

    id: str
    version_id: str
    digest: str
    against: str
    by: str
    started_at: datetime
    stopped_at: datetime | None = None
