"""Asks the candidate what it would have said to each live decision, away from that decision, and counts the differences.

A decision only leaves its inputs here, in a line of bounded length, and is never held up: where the line is full, the
decision is counted as not compared. The candidate is asked by another thread, its answer is counted and never used, and the
counts of all processes add up in the store within a second.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from authsvc.domain.account_table import PROVED
from authsvc.domain.decision import Decision
from authsvc.domain.store import Ledger, Transaction
from authsvc.factor import Json
from authsvc.policy.shadow import FAILED, NOT_COMPARED, Differences, answer_of, named
from authsvc.policy_life.active import Beside, Held

LONGEST_LINE = 10_000
"""Decisions that wait to be compared: some seconds of a busy process."""


@dataclass(frozen=True, slots=True)
class _Seen:
    beside: Beside
    decision_id: str
    answer: str
    inputs: Json


class Shadowing:
    """`held` gives what the process knows of policy and candidate, without asking anybody."""

    def __init__(self, ledger: Ledger, held: Callable[[], Held | None]) -> None:
        self._ledger = ledger
        self._held = held
        self._line: deque[_Seen] = deque()
        self._counted: dict[str, Differences] = {}

    def watch(self, decision: Decision) -> None:
        """Leave a decision that was just taken for the comparison."""
        held = self._held()
        beside = None if held is None else held.shadow
        # An act on the account is raised above what any policy says of it.
        if beside is None or decision.payment.type in PROVED:
            return
        if decision.policy.digest != beside.run.against:
            return
        answer = named(decision.level, decision.exemption)
        inputs = decision.known_inputs if len(self._line) < LONGEST_LINE else {}
        if len(self._line) < 2 * LONGEST_LINE:
            self._line.append(_Seen(beside, decision.id, answer, inputs))

    def compare(self) -> None:
        """Ask the candidate about what waits, and put the counts into the store; raises Unavailable, and keeps them."""
        for _ in range(len(self._line)):
            self._count(self._line.popleft())
        for run_id, differences in list(self._counted.items()):
            self._ledger.transact(partial(_add, run_id, differences))
            del self._counted[run_id]

    def _count(self, seen: _Seen) -> None:
        differences = self._counted.setdefault(seen.beside.run.id, Differences())
        candidate = seen.beside.candidate
        if not seen.inputs:
            differences.count(seen.decision_id, seen.answer, NOT_COMPARED)
        elif candidate is None:
            differences.count(seen.decision_id, seen.answer, FAILED)
        else:
            differences.count(seen.decision_id, seen.answer, answer_of(candidate, seen.inputs))


def _add(run_id: str, differences: Differences, tx: Transaction) -> None:
    tx.shadows.count(run_id, differences)
