"""Who is asking? Every request of the operators' plane is answered here first, from the store as it is at that moment.

Nothing is kept in memory between two requests: a session that was ended, a role that was taken away and an operator who was
revoked count on every worker from the next request on.
"""

from __future__ import annotations

from datetime import datetime

from authsvc.audit.chain import entry
from authsvc.domain.operator import Act, Operator
from authsvc.errors import NotPermitted, Unauthenticated
from authsvc.keys.macs import Macs
from authsvc.operators.parts import OperatorParts, actor_of
from authsvc.operators.session import LONGEST_BEARER, TOUCH_EVERY, Means, Session, SessionKind
from authsvc.operators.store import OperatorTransaction
from authsvc.operators.token import SESSION


class Sessions:
    """Admission for both planes: the console's pages with a cookie, the HTTP API with `Authorization: Operator os_…`.

    A declared call of the API says `Room("…", Plane.OPERATOR)` and `act=Act.DRAFT_POLICY`; its view finds `call.operator`. A
    page of the console says `@requires(Act.DRAFT_POLICY)` and finds `operator()`. Both come through `admit` and `permit`.
    """

    def __init__(self, parts: OperatorParts) -> None:
        self._macs = parts.macs
        self._ledger = parts.ledger
        self._clock = parts.clock

    def admit(self, presented: str, kind: SessionKind) -> Session:
        """The session that was presented; raises Unauthenticated, the same for unknown, wrong, ended and of another kind."""
        now = self._clock.now()
        session_id, secret = SESSION.split(presented)
        found = self._ledger.read(lambda tx: tx.sessions.find(session_id))
        matches = SESSION.matches(self._macs, secret, None if found is None else found.mac)
        if found is None or not matches or found.kind is not kind or not found.is_good(now):
            raise Unauthenticated("no good session was presented")
        if found.kind is SessionKind.BROWSER and now - found.seen_at >= TOUCH_EVERY:
            self._ledger.transact(lambda tx: tx.sessions.touch(session_id, now))
        return found

    def permit(self, operator: Operator, act: Act, about: str) -> None:
        """Raises NotPermitted unless the operator may do this; the refusal is a line in the audit."""
        if operator.may(act):
            return
        now = self._clock.now()
        roles = sorted(operator.roles)
        line = entry(
            actor_of(operator.id), "operator.act", None, about, "refused", now, act=act.value, roles=roles
        )
        self._ledger.transact(lambda tx: tx.record(line))
        raise NotPermitted(f"this takes another role: `{act}`")

    def open_bearer(self, session: Session) -> str:
        """A secret for a program, an hour long, for whoever is signed in in a browser; shown this once."""
        if session.kind is not SessionKind.BROWSER:
            raise Unauthenticated("only a browser's session opens another")
        now, operator = self._clock.now(), session.operator
        opened, shown = new_bearer(self._macs, operator, session.means, now)
        line = entry(actor_of(operator.id), "operator.open-bearer", None, opened.id, "opened", now)

        def unit(tx: OperatorTransaction) -> None:
            tx.sessions.add(opened)
            tx.record(line)

        self._ledger.transact(unit)
        return shown

    def end(self, session: Session) -> None:
        """Sign out, everywhere: every browser of this operator and every bearer that was opened from one."""
        now, operator = self._clock.now(), session.operator
        line = entry(actor_of(operator.id), "operator.sign-out", None, session.id, "ended", now)

        def unit(tx: OperatorTransaction) -> None:
            tx.sessions.end_all(operator.id, now)
            tx.record(line)

        self._ledger.transact(unit)

    def forget_over(self) -> None:
        """Remove sessions whose time has run out."""
        now = self._clock.now()
        self._ledger.transact(lambda tx: tx.sessions.forget_over(now))


def new_bearer(macs: Macs, operator: Operator, means: Means, now: datetime) -> tuple[Session, str]:
    """A session for a program, for the caller to store, and the secret that carries it."""
    session_id, shown, mac = SESSION.new(macs)
    session = Session(
        id=session_id,
        kind=SessionKind.BEARER,
        operator=operator,
        means=means,
        mac=mac,
        created_at=now,
        seen_at=now,
        expires_at=now + LONGEST_BEARER,
    )
    return session, shown
