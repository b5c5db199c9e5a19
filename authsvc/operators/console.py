"""Everything that the console asks: one value, wired once, with a service for each of its subjects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from authsvc.operators.account import OperatorAccount
from authsvc.operators.cases import Cases
from authsvc.operators.figures import Figures
from authsvc.operators.joining import Joining
from authsvc.operators.lists import Lists
from authsvc.operators.parts import OperatorParts
from authsvc.operators.records import Records
from authsvc.operators.rolls import Rolls
from authsvc.operators.sessions import Sessions
from authsvc.operators.sign_in import SignIn
from authsvc.policy_life.service import PolicyService


@dataclass(frozen=True, slots=True)
class Console:
    sessions: Sessions
    sign_in: SignIn
    joining: Joining
    policies: PolicyService
    figures: Figures
    cases: Cases
    lists: Lists
    rolls: Rolls
    records: Records
    roster: Callable[[], tuple[OperatorAccount, ...]]
    """Everybody, to be looked at; who may change it is on the command line."""

    def forget(self) -> None:
        """Remove old figures and sessions that are over; called now and then."""
        self.figures.forget_old()
        self.sessions.forget_over()


def assembled(parts: OperatorParts, policies: PolicyService) -> Console:
    sessions = Sessions(parts)
    return Console(
        sessions=sessions,
        sign_in=SignIn(parts),
        joining=Joining(parts),
        policies=policies,
        figures=Figures(parts.ledger, parts.clock),
        cases=Cases(parts.ledger, sessions, parts.clock),
        lists=Lists(parts.ledger, sessions, parts.clock),
        rolls=Rolls(parts.ledger, sessions, parts.clock),
        records=Records(parts.ledger, sessions, parts.audit, parts.clock),
        roster=lambda: parts.ledger.read(lambda tx: tx.operators.all()),
    )
