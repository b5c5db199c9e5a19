"""Users, devices and events listed for operators, in pages and as a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

from authsvc.audit.chain import entry
from authsvc.clock import Clock
from authsvc.device.credential import Device
from authsvc.domain.account import Account
from authsvc.domain.operator import Act, Operator
from authsvc.domain.roll import Mark, Roll, Wanted
from authsvc.errors import InvalidRequest
from authsvc.events import Event
from authsvc.operators.parts import actor_of
from authsvc.operators.sessions import Sessions
from authsvc.operators.store import OperatorLedger, OperatorTransaction

PAGE = 50
MOST_TAKEN = 5_000
"""Lines of one file."""

Row = TypeVar("Row", Account, Device, Event)
Read = Callable[[OperatorTransaction, Wanted, Mark | None, int], Roll[Row]]


class Rolls:
    def __init__(self, ledger: OperatorLedger, sessions: Sessions, clock: Clock) -> None:
        self._ledger = ledger
        self._sessions = sessions
        self._clock = clock

    def users(
        self, operator: Operator, wanted: Wanted, after: str = "", *, whole: bool = False
    ) -> Roll[Account]:
        return self._taken(operator, "users", lambda tx, *asked: tx.rolls.users(*asked), wanted, after, whole)

    def devices(
        self, operator: Operator, wanted: Wanted, after: str = "", *, whole: bool = False
    ) -> Roll[Device]:
        return self._taken(
            operator, "devices", lambda tx, *asked: tx.rolls.devices(*asked), wanted, after, whole
        )

    def events(
        self, operator: Operator, wanted: Wanted, after: str = "", *, whole: bool = False
    ) -> Roll[Event]:
        return self._taken(
            operator, "events", lambda tx, *asked: tx.rolls.events(*asked), wanted, after, whole
        )

    def _taken(
        self, operator: Operator, name: str, read: Read[Row], wanted: Wanted, after: str, whole: bool
    ) -> Roll[Row]:
        """A page; `whole` is a file, of which it is on record that somebody took it along."""
        self._sessions.permit(operator, Act.READ_USER, name)
        mark = marked(after)
        if not whole:
            return self._ledger.read(lambda tx: read(tx, wanted, mark, PAGE))
        found = self._ledger.read(lambda tx: read(tx, wanted, mark, MOST_TAKEN))
        now, count = self._clock.now(), len(found.rows)
        line = entry(actor_of(operator.id), "roll.export", None, name, "done", now, lines=count)
        self._ledger.transact(lambda tx: tx.record(line))
        return found


def marked(text: str) -> Mark | None:
    """What `next` said, as `as_text` wrote it; raises InvalidRequest for anything else."""
    if not text:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not found or len(found) > 4 or not all(map(_is_part, found)):
        raise InvalidRequest("`after` must be where a list went on")
    return tuple(found)


def as_text(mark: Mark | None) -> str:
    return "" if mark is None else json.dumps(list(mark), ensure_ascii=False, separators=(",", ":"))


def _is_part(value: object) -> bool:
    return isinstance(value, str) or (
        isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
    )
