"""Who operates the service, and what each role may do.

Operators are people of the security team and of support. They share nothing with payment backends or payers: no
key, no token, no session. Which operator may do what is one table, read by the console and the policy's API alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What an operator is there for. One person may have several, and still never approve their own work."""

    ANALYST = "analyst"
    APPROVER = "approver"
    AUDITOR = "auditor"
    SUPPORT = "support"


class Act(StrEnum):
    """What can be asked of the service on the operators' plane."""

    READ_OVERVIEW = "read-overview"
    READ_DECISION = "read-decision"
    READ_USER = "read-user"
    READ_AUDIT = "read-audit"
    READ_POLICY = "read-policy"
    DRAFT_POLICY = "draft-policy"
    TRY_POLICY = "try-policy"
    APPROVE_POLICY = "approve-policy"
    ACTIVATE_POLICY = "activate-policy"
    FREEZE_USER = "freeze-user"
    UNFREEZE_USER = "unfreeze-user"


_LOOKING = frozenset({Act.READ_OVERVIEW, Act.READ_DECISION, Act.READ_POLICY})

ALLOWED = {
    Role.ANALYST: _LOOKING | {Act.DRAFT_POLICY, Act.TRY_POLICY},
    Role.APPROVER: _LOOKING | {Act.TRY_POLICY, Act.APPROVE_POLICY, Act.ACTIVATE_POLICY, Act.UNFREEZE_USER},
    Role.AUDITOR: _LOOKING | {Act.READ_USER, Act.READ_AUDIT},
    Role.SUPPORT: _LOOKING | {Act.READ_USER, Act.FREEZE_USER, Act.UNFREEZE_USER},
}
"""What each role may do. An auditor reads everything and writes nothing."""


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator as signed in. `id` stands in the audit; `name` is for people and never decides anything."""

    id: str
    name: str
    roles: frozenset[Role]

    def may(self, act: Act) -> bool:
        return any(act in ALLOWED[role] for role in self.roles)
