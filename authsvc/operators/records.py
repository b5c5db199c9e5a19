"""The audit for those who read it in the console: searched from the latest line back, verified, and quoted as evidence."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from authsvc.audit.chain import Head, Link, entry
from authsvc.audit.report import Report
from authsvc.clock import Clock
from authsvc.domain.operator import Act, Operator
from authsvc.errors import NotFound, Unavailable
from authsvc.factor import Json
from authsvc.operators.cases import Happened
from authsvc.operators.parts import AuditLog, actor_of
from authsvc.operators.search import Cursor, Wanted
from authsvc.operators.sessions import Sessions
from authsvc.operators.store import OperatorLedger, OperatorTransaction

PAGE = 50
SCANNED = 50_000
"""Lines of one chain that one look goes through: a rare actor in a long log takes several, and no look hangs."""

LARGEST_VERIFIED = 300_000
"""Lines that are verified while somebody waits for a page; beyond, the command line does it."""


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a search. `next` is empty when every chain has been searched to its beginning."""

    lines: tuple[Happened, ...]
    next: str


@dataclass(frozen=True, slots=True)
class Verified:
    report: Report
    seconds: float


@dataclass(frozen=True, slots=True)
class _Sifted:
    """What one chain gave: its matching lines, the latest first, and how far down it was looked through."""

    chain: str
    below: int
    floor: int
    lines: tuple[Happened, ...]


class Records:
    def __init__(self, ledger: OperatorLedger, sessions: Sessions, audit: AuditLog, clock: Clock) -> None:
        self._ledger = ledger
        self._sessions = sessions
        self._audit = audit
        self._clock = clock
        self._verifying = threading.Lock()

    def search(self, operator: Operator, wanted: Wanted, after: str) -> Found:
        """The latest lines that are wanted, before the cursor `after`."""
        self._sessions.permit(operator, Act.READ_AUDIT, "search")
        wanted.must_be_plain()
        cursor = Cursor.read(after)
        if wanted.object:
            # One object's lines have an index of their own.
            links = self._ledger.read(lambda tx: tx.audit.links_of(wanted.object))
            lines = [each for each in map(_happened, links) if wanted.is_met_by(each.body)]
            return Found(tuple(sorted(lines, key=_age, reverse=True)), "")
        sifted = self._ledger.read(
            lambda tx: [_sift(tx, head, wanted, cursor) for head in tx.audit.last_heads()]
        )
        merged = sorted((each for chain in sifted for each in chain.lines), key=_age, reverse=True)
        taken = tuple(merged[:PAGE])
        below = {chain.chain: _goes_on(chain, taken) for chain in sifted}
        is_done = all(seq <= 1 for seq in below.values())
        return Found(taken, "" if is_done else Cursor(below).write())

    def verify(self, operator: Operator) -> Verified:
        """The whole log, link by link. Raises Unavailable for one that is too long for a page, or while another runs."""
        self._sessions.permit(operator, Act.READ_AUDIT, "verify")
        lines = sum(head.seq for head in self._ledger.read(lambda tx: tx.audit.last_heads()))
        if lines > LARGEST_VERIFIED:
            raise Unavailable(f"{lines} lines are verified on the machine: authsvc audit verify")
        if not self._verifying.acquire(blocking=False):
            raise Unavailable("another verification is running", retry_after=5)
        try:
            began = time.perf_counter()
            report = self._audit.verify()
        finally:
            self._verifying.release()
        verdict = "sound" if report.is_sound else "not-sound"
        line = entry(actor_of(operator.id), "audit.verify", None, "audit", verdict, self._clock.now())
        self._ledger.transact(lambda tx: tx.record(line))
        return Verified(report, time.perf_counter() - began)

    def evidence(self, operator: Operator, decision_id: str) -> Json:
        """The bundle of one decision, which a third party can check without the service."""
        self._sessions.permit(operator, Act.READ_AUDIT, decision_id)
        found = self._ledger.read(lambda tx: tx.decisions.find(decision_id))
        if found is None:
            raise NotFound("no such decision")
        return self._audit.evidence(found)


def _sift(tx: OperatorTransaction, head: Head, wanted: Wanted, cursor: Cursor) -> _Sifted:
    chain, last = head.chain, head.seq
    below = min(cursor.below.get(chain, last + 1), last + 1)
    if wanted.until is not None:
        below = min(below, tx.audit.first_since(chain, wanted.until, last))
    lowest = 1 if wanted.since is None else tx.audit.first_since(chain, wanted.since, last)
    floor = max(below - SCANNED, lowest)
    links = tx.audit.sift(chain, floor, below, wanted.fragments(), PAGE + 1, wanted.without())
    lines = tuple(each for each in map(_happened, links) if wanted.is_met_by(each.body))
    if len(links) > PAGE:
        return _Sifted(chain, below, links[-1].seq, lines)
    # A chain that was searched down to where the time begins is done.
    return _Sifted(chain, below, 1 if floor <= lowest else floor, lines)


def _goes_on(chain: _Sifted, taken: Sequence[Happened]) -> int:
    """Below which line the chain is looked at next: behind the last of its lines that was taken."""
    ours = [each.seq for each in taken if each.chain == chain.chain]
    if len(ours) == len(chain.lines):
        return chain.floor
    return min(ours, default=chain.below)


def _happened(link: Link) -> Happened:
    return Happened(link.chain, link.seq, json.loads(link.body))


def _age(each: Happened) -> tuple[str, str, int]:
    return each.body["at"], each.chain, each.seq
