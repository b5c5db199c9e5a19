"""Operators who are signed in, for tests of what they may do and not of how they sign in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from authsvc.bootstrap.opening import Store
from authsvc.domain.operator import Operator, Role
from authsvc.operators.account import OperatorState
from authsvc.operators.roster import Roster
from authsvc.operators.session import Means
from authsvc.operators.sessions import new_bearer
from authsvc.storage.transaction import StoreTransaction


def signed_in(store: Store, name: str, *roles: Role) -> tuple[Operator, str]:
    """An active operator of that name with a bearer session, as the console opens one for a program."""
    now = datetime.now(UTC)
    account, _ = Roster(store.ledger, store.ring, store.clock, "operator:test").invite(name, roles)
    account = replace(account, state=OperatorState.ACTIVE, version=1)
    session, shown = new_bearer(store.ring, account.as_operator(), Means.DEVICE_KEY, now)

    def unit(tx: StoreTransaction) -> None:
        tx.operators.save(account)
        tx.sessions.add(session)

    store.ledger.transact(unit)
    return session.operator, shown
