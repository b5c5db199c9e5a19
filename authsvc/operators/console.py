"""Everything that the console asks: one object, wired once, with a desk for each of its subjects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from authsvc.operators.account import OperatorAccount
from authsvc.operators.joining import Joining
from authsvc.operators.parts import OperatorParts
from authsvc.operators.sessions import Sessions
from authsvc.operators.sign_in import SignIn
from authsvc.policy_desk import PolicyDesk


@dataclass(frozen=True, slots=True)
class Console:
    sessions: Sessions
    sign_in: SignIn
    joining: Joining
    policies: PolicyDesk
    roster: Callable[[], tuple[OperatorAccount, ...]]
    """Everybody, to be looked at; who may change it is on the command line."""


def assembled(parts: OperatorParts, policies: PolicyDesk) -> Console:
    return Console(
        sessions=Sessions(parts),
        sign_in=SignIn(parts),
        joining=Joining(parts),
        policies=policies,
        roster=lambda: parts.ledger.read(lambda tx: tx.operators.all()),
    )
