"""Operators who are signed in, for tests of what they may do and not of how they sign in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from authsvc.bootstrap.opening import Store
from authsvc.domain.operator import Operator, Role
from authsvc.operators.account import OperatorState
from authsvc.operators.roster import Roster
from authsvc.operators.session import LONGEST_BEARER, Means, Session, SessionKind
from authsvc.operators.token import SESSION
from authsvc.storage.transaction import StoreTransaction


def signed_in(store: Store, name: str, *roles: Role) -> tuple[Operator, str]:
    """An active operator of that name with a bearer session, as the console opens one for a program."""
    now = datetime.now(UTC)
    account, _ = Roster(store.ledger, store.ring, store.clock, "operator:test").invite(name, roles)
    account = replace(account, state=OperatorState.ACTIVE, version=1)
    session_id, shown, mac = SESSION.new(store.ring)
    session = Session(
        id=session_id,
        kind=SessionKind.BEARER,
        operator=account.as_operator(),
        means=Means.DEVICE_KEY,
        mac=mac,
        created_at=now,
        seen_at=now,
        expires_at=now + LONGEST_BEARER,
    )

    def unit(tx: StoreTransaction) -> None:
        tx.operators.save(account)
        tx.sessions.add(session)

    store.ledger.transact(unit)
    return session.operator, shown
