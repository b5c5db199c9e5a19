"""Works off backtests: recorded decisions are read page by page, replayed, counted, and what was counted is kept as it goes.

Whoever works on a job holds it by a lease. Where a worker dies, another finds the lease run out and goes on behind the last
decision that was kept; where an operator cancels, the next page finds the job no longer its own.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from authsvc.audit.chain import Entry, entry
from authsvc.clock import Clock
from authsvc.domain.store import Ledger, Transaction
from authsvc.errors import AuthsvcError, PolicyInvalid, Unavailable
from authsvc.policy import loading
from authsvc.policy.backtest import Backtest
from authsvc.policy.engine import Policy
from authsvc.policy.jobs import Backtesting, JobState
from authsvc.policy.recorded import Excluded, Recorded, Unreadable
from authsvc.policy.tally import Tally
from authsvc.policy_life.publishing import must_find

logger = logging.getLogger(__name__)

PAGE = 2_000
"""Decisions that are read at a time: a few megabytes, and less than a second of work."""

LEASE = timedelta(seconds=15)
KEPT_EVERY = timedelta(seconds=1)


class Backtester:
    """`owner` names this worker among all that may take a job up."""

    def __init__(self, ledger: Ledger, clock: Clock, owner: str, page: int = PAGE) -> None:
        self._ledger = ledger
        self._clock = clock
        self._owner = owner
        self._page = page

    def work_off(self) -> bool:
        """Take up one job that waits, and work on it to its end; False where none does. Raises Unavailable."""
        job = self._taken_up()
        if job is None:
            return False
        try:
            ended = self._worked(job)
        except Unavailable:
            # The lease runs out, and whoever finds the store again goes on from what was kept.
            raise
        except Exception as error:
            logger.exception("backtest `%s` failed", job.id)
            reason = error.detail if isinstance(error, AuthsvcError) else type(error).__name__
            ended = replace(job, state=JobState.FAILED, error=reason)
        if ended is not None:
            self._finish(ended)
        return True

    def _taken_up(self) -> Backtesting | None:
        now = self._clock.now()

        def unit(tx: Transaction) -> Backtesting | None:
            job = tx.backtests.waiting(now)
            if job is None or not tx.backtests.claim(job, self._owner, now, now + LEASE):
                return None
            return replace(job, state=JobState.RUNNING, owner=self._owner)

        return self._ledger.transact(unit)

    def _worked(self, job: Backtesting) -> Backtesting | None:
        """The job at its end; None where it is no longer ours."""
        if job.total is None:
            job = replace(job, total=self._ledger.read(lambda tx: tx.backtests.total(job.since, job.until)))
        backtest = self._backtest(job)
        kept_at = self._clock.now()
        while page := self._read(job):
            for decision_id, recorded in page:
                if not backtest.take(recorded):
                    return replace(job, state=JobState.MISMATCH, report=backtest.report())
                job = replace(job, cursor=decision_id)
            job = replace(job, read=backtest.tally.read)
            if self._clock.now() - kept_at >= KEPT_EVERY:
                if not self._keep(replace(job, tally=backtest.tally.to_json())):
                    return None
                kept_at = self._clock.now()
        return replace(job, state=JobState.DONE, report=backtest.report())

    def _backtest(self, job: Backtesting) -> Backtest:
        """The replay as far as it was kept."""

        def query(tx: Transaction) -> tuple[Policy, tuple[Policy, ...]]:
            source = must_find(tx, job.version_id).source
            return loading.from_text(source.text, source.form), tuple(_usable(tx.backtests.documents()))

        candidate, policies = self._ledger.read(query)
        tally = None if job.tally is None else Tally.from_json(job.tally)
        return Backtest(candidate, policies, tally)

    def _read(self, job: Backtesting) -> tuple[tuple[str, Recorded | Unreadable | Excluded], ...]:
        return self._ledger.read(
            lambda tx: tx.backtests.recorded(job.since, job.until, job.cursor, self._page)
        )

    def _keep(self, job: Backtesting) -> bool:
        lease_until = self._clock.now() + LEASE
        return self._ledger.transact(lambda tx: tx.backtests.keep(job, lease_until))

    def _finish(self, job: Backtesting) -> None:
        now = self._clock.now()
        ended = replace(job, finished_at=now)

        def unit(tx: Transaction) -> None:
            if tx.backtests.finish(ended):
                tx.record(_line(ended, now))

        self._ledger.transact(unit)


def _usable(documents: Iterable[str]) -> Iterator[Policy]:
    """The policies of the past, without those that this version of the service can read no more: those are skipped by name."""
    for document in documents:
        try:
            yield loading.from_mapping(json.loads(document), for_analysis=True)
        except PolicyInvalid as error:
            logger.warning("a policy that once decided cannot be read any more: %s", error.detail)


def _line(job: Backtesting, now: datetime) -> Entry:
    details = {"backtest": job.id, "state": job.state.value, "read": job.read, "error": job.error}
    return entry("service", "policy.backtest", None, job.version_id, "ended", now, **details)
