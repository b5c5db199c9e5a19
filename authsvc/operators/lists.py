"""Decisions listed for operators: sifted, in pages, as a file; and found by whatever somebody has of them.

A look reads a bounded number of rows, so that a rare payment in a long time takes several looks and none hangs.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from authsvc.audit.chain import entry
from authsvc.clock import Clock, from_millis, to_millis
from authsvc.domain.decision import Decision
from authsvc.domain.operator import Act, Operator
from authsvc.domain.sieve import Mark, Sieve
from authsvc.errors import InvalidRequest
from authsvc.money import MINOR_DIGITS
from authsvc.operators.parts import actor_of
from authsvc.operators.sessions import Sessions
from authsvc.operators.store import OperatorLedger, OperatorTransaction

PAGE = 50
MOST_LISTED = 5_000
"""Lines of one file, and of one list that is ordered by amount."""

_THOUSANDTHS = (1000, 100, 10, 1)
"""Of a unit, by how many digits follow its point."""

READ_AT_ONCE = 500
MOST_READ = 20_000
"""Rows that one look reads, of those that the database has sifted by their text."""


@dataclass(frozen=True, slots=True)
class Listed:
    """`next` is where the list goes on, empty at its end; `is_whole` says that nothing of the time was left out."""

    decisions: tuple[Decision, ...]
    next: str = ""
    is_whole: bool = True


class Lists:
    def __init__(self, ledger: OperatorLedger, sessions: Sessions, clock: Clock) -> None:
        self._ledger = ledger
        self._sessions = sessions
        self._clock = clock

    def page(self, operator: Operator, sieve: Sieve, after: str = "") -> Listed:
        """The next of them by time, in the order of the sieve."""
        return self._taken(operator, sieve, after, PAGE)

    def by_amount(
        self, operator: Operator, sieve: Sieve, after: str = "", *, smallest_first: bool = False
    ) -> Listed:
        """The next of them by amount; of a time with more than MOST_LISTED, of the latest of them. Each page reads them anew."""
        found = self._taken(operator, sieve, "", MOST_LISTED)
        sign = 1 if smallest_first else -1
        places = sorted((sign * _worth(each), each.id, at) for at, each in enumerate(found.decisions))
        begin = 0
        if after:
            worth, last = _place(after, most_digits=21)
            begin = bisect_right(places, (sign * worth, last, MOST_LISTED))
        shown = [found.decisions[at] for _, _, at in places[begin : begin + PAGE]]
        goes_on = begin + PAGE < len(places)
        onward = f"{_worth(shown[-1])}.{shown[-1].id}" if goes_on else ""
        return Listed(tuple(shown), onward, found.is_whole)

    def file(self, operator: Operator, sieve: Sieve) -> Listed:
        """As many as a file holds; that somebody took them along is a line in the audit."""
        found = self._taken(operator, sieve, "", MOST_LISTED)
        now, count = self._clock.now(), len(found.decisions)
        line = entry(actor_of(operator.id), "decision.export", None, "decisions", "done", now, lines=count)
        self._ledger.transact(lambda tx: tx.record(line))
        return found

    def named(self, operator: Operator, text: str) -> tuple[Decision, ...]:
        """The decisions behind an id of ours, of a decision or its challenge, or behind a backend's transaction id."""
        self._sessions.permit(operator, Act.READ_DECISION, text)
        now = self._clock.now()

        def query(tx: OperatorTransaction) -> tuple[Decision, ...]:
            found = tx.decisions.find(f"dec_{text.lower().partition('_')[2]}")
            if found is not None:
                return (found,)
            return tuple(
                each for client in tx.keys.clients() for each in tx.decisions.of_transaction(client, text)
            )

        return tuple(each.as_of(now) for each in self._ledger.read(query))

    def _taken(self, operator: Operator, sieve: Sieve, after: str, most: int) -> Listed:
        self._sessions.permit(operator, Act.READ_DECISION, "list")
        before, now = _mark(after), self._clock.now()
        taken: list[Decision] = []
        for read, found in enumerate(self._read(sieve, before), start=1):
            decision = found.as_of(now)
            if sieve.takes(decision):
                taken.append(decision)
            if len(taken) == most or read == MOST_READ:
                return Listed(tuple(taken), f"{to_millis(found.created_at)}.{found.id}", is_whole=False)
        return Listed(tuple(taken))

    def _read(self, sieve: Sieve, before: Mark | None) -> Iterator[Decision]:
        while True:
            mark = before
            found = self._ledger.read(lambda tx: tx.decisions.listed(sieve, mark, READ_AT_ONCE))  # noqa: B023  # Used at once.
            yield from found
            if len(found) < READ_AT_ONCE:
                return
            before = Mark(found[-1].created_at, found[-1].id)


def _worth(decision: Decision) -> int:
    """The amount in thousandths of its unit: yen and fen are not the same."""
    payment = decision.payment
    return payment.amount_minor * _THOUSANDTHS[MINOR_DIGITS.get(payment.currency, 0)]


def _mark(text: str) -> Mark | None:
    """What `next` of a list by time said."""
    if not text:
        return None
    at, last = _place(text, most_digits=15)
    return Mark(from_millis(at), last)


def _place(text: str, most_digits: int) -> tuple[int, str]:
    """By what a list is ordered, and the decision that was listed last; raises InvalidRequest for what `next` never said."""
    number, _, decision_id = text.partition(".")
    if not (number.isascii() and number.isdigit() and len(number) <= most_digits and decision_id):
        raise InvalidRequest("`after` must be where a list went on")
    return int(number), decision_id
