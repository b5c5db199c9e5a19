"""Looks at every row that carries authority, and binds those that are to be bound: rows of before, or of an earlier key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from authsvc.audit.chain import entry
from authsvc.clock import Clock
from authsvc.storage.bound import BOUND, MAC, Binder, Bound, Values
from authsvc.storage.following import Balance, Strays, correction, shown
from authsvc.storage.ledger import Ledger
from authsvc.storage.transaction import StoreTransaction

PAGE = 500
Wanted = Callable[[Bound, Values], bool]


@dataclass(frozen=True, slots=True)
class Finding:
    """A row and what is wrong with it; one that is gone is named by the line of the audit that wrote it."""

    table: str
    row: str
    fault: str


@dataclass(slots=True)
class Survey:
    """How many rows are sound and how many were never bound, by table, and what is wrong.

    `stray` is what the log says of the rows that are there, short of what is there: nothing, in a database that nobody touched.
    """

    sound: Counter[str] = field(default_factory=Counter)
    unbound: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    stray: Mapping[str, int] = field(default_factory=dict)

    @property
    def broken(self) -> list[Finding]:
        return [each for each in self.findings if each.fault in ("wrong", "missing")]


class Adopting:
    def __init__(self, ledger: Ledger[StoreTransaction], binder: Binder, clock: Clock) -> None:
        self._ledger = ledger
        self._binder = binder
        self._clock = clock

    def look(self) -> Survey:
        """Every row, and every line of the audit that says which there should be, as they stand at one moment."""
        return self._ledger.snapshot(self._survey)

    def bind(self, wanted: Wanted) -> Mapping[str, int]:
        """Bind the rows that are wanted as they stand, a page a transaction; returns how many of each table."""
        done = Counter[str]()
        for table in BOUND:
            after: Values | None = None
            while True:
                found, after, bound = self._ledger.transact(partial(self._bind_page, table, after, wanted))
                done[table.name] += bound
                if found < PAGE:
                    break
        return {name: number for name, number in done.items() if number}

    def adopt(self, actor: str) -> Mapping[str, int]:
        """Bind every row of before, for good."""
        bound = self.bind(lambda table, row: row[MAC] is None or not self._binder.is_current(row))
        self._settle(actor, "rows.adopt", bound, "")
        return bound

    def accept(self, actor: str, reason: str) -> Mapping[str, int]:
        """Take every row as it stands, broken ones and what is gone among them: said in the audit."""
        bound = self.bind(lambda table, row: self._binder.fault_of(table, row) is not None)
        self._settle(actor, "rows.accept", bound, reason)
        return bound

    def renew(self) -> Mapping[str, int]:
        """Bind sound rows with the key of this moment."""
        return self.bind(
            lambda table, row: (
                self._binder.fault_of(table, row) is None
                and row[MAC] is not None
                and not self._binder.is_current(row)
            )
        )

    def _settle(self, actor: str, action: str, bound: Mapping[str, int], reason: str) -> None:
        """From now on the log says what is there."""
        stray, now = Balance(self.look().stray), self._clock.now()

        def unit(tx: StoreTransaction) -> None:
            if stray:
                tx.record(correction(-stray, +stray, now))
            # A list, since the name of a table may be that of a secret, which no key of a line may be.
            said = [f"{table}: {number}" for table, number in bound.items()]
            tx.record(entry(actor, action, None, "rows", "bound", now, rows=said, reason=reason or None))

        self._ledger.transact(unit)

    def _bind_page(
        self, table: Bound, after: Values | None, wanted: Wanted, tx: StoreTransaction
    ) -> tuple[int, Values | None, int]:
        rows = tx.rows.page(table, after, PAGE)
        chosen = [row for row in rows if wanted(table, row)]
        tx.rows.change_all(table, chosen, {})
        return len(rows), rows[-1] if rows else None, len(chosen)

    def _survey(self, tx: StoreTransaction) -> Survey:
        survey = Survey()
        with Strays() as strays:
            strays.follow(tx.audit.links())
            for table in BOUND:
                for row in _all_rows(tx, table):
                    self._judge(survey, strays, table, row)
            left = tuple(strays.left())
        survey.stray = {mac: times for mac, times, _ in left}
        gone = (f"{at.chain}/{at.seq}" for _, times, at in left if times > 0)
        survey.findings.extend(Finding("audit_links", line, "gone") for line in gone)
        return survey

    def _judge(self, survey: Survey, strays: Strays, table: Bound, row: Values) -> None:
        fault = self._binder.fault_of(table, row)
        if row[MAC] is None and fault is None:
            survey.unbound[table.name] += 1
            return
        if fault is None and table.followed and not strays.take(shown(row[MAC])):
            fault = "put back"
        if fault is None:
            survey.sound[table.name] += 1
        else:
            survey.findings.append(Finding(table.name, table.row_name(row), fault))


def _all_rows(tx: StoreTransaction, table: Bound) -> Iterator[Values]:
    rows = tx.rows.page(table, None, PAGE)
    while rows:
        yield from rows
        rows = tx.rows.page(table, rows[-1], PAGE)
