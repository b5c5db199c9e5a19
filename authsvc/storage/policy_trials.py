"""What is learnt of a candidate before it decides: the counts of shadow runs, and backtests over recorded decisions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from authsvc.canonical import compact
from authsvc.clock import from_millis, to_millis
from authsvc.domain.account_table import PROVED
from authsvc.domain.decision import Habit
from authsvc.domain.warned import Warned
from authsvc.policy.jobs import Backtesting, JobState
from authsvc.policy.life import ShadowRun
from authsvc.policy.recorded import Excluded, Recorded, Unreadable, read
from authsvc.policy.shadow import SAMPLES, Comparison, Differences, Move
from authsvc.storage.database import Connection, Row
from authsvc.storage.policy_life import shadow_run

COUNT = """INSERT INTO policy_shadow_counts (run_id, before, after, times) VALUES (:run, :before, :after, :times)
    ON CONFLICT (run_id, before, after) DO UPDATE SET times = policy_shadow_counts.times + excluded.times"""
COUNTS = "SELECT before, after, times FROM policy_shadow_counts WHERE run_id = :run ORDER BY before, after"
SAMPLED = (
    "SELECT COUNT(*) FROM policy_shadow_samples WHERE run_id = :run AND before = :before AND after = :after"
)
SAMPLE = """INSERT INTO policy_shadow_samples (run_id, decision_id, before, after) VALUES (:run, :id, :before, :after)
    ON CONFLICT (run_id, decision_id) DO NOTHING"""
SAMPLES_OF = (
    "SELECT before, after, decision_id FROM policy_shadow_samples WHERE run_id = :run ORDER BY decision_id"
)
LAST_RUN = """SELECT id, version_id, digest, against, by, started_at, stopped_at FROM policy_shadow_runs
    WHERE version_id = :version ORDER BY started_at DESC, id DESC LIMIT 1"""

_COLUMNS = """id, version_id, by, created_at, since, until, state, total, read, cursor, tally, report, error, owner,
    lease_until, finished_at"""
ADD = f"""INSERT INTO policy_backtests ({_COLUMNS}) VALUES (:id, :version_id, :by, :created_at, :since, :until, :state,
    :total, :read, :cursor, :tally, :report, :error, :owner, :lease_until, :finished_at)"""
FIND = f"SELECT {_COLUMNS} FROM policy_backtests WHERE id = :id"
OF_VERSION = f"""SELECT {_COLUMNS} FROM policy_backtests WHERE version_id = :version
    ORDER BY created_at DESC, id DESC LIMIT 50"""
WAITING = f"""SELECT {_COLUMNS} FROM policy_backtests
    WHERE state = 'queued' OR (state = 'running' AND lease_until < :now) ORDER BY created_at, id LIMIT 1"""
CLAIM = """UPDATE policy_backtests SET state = 'running', owner = :owner, lease_until = :lease_until
    WHERE id = :id AND (state = 'queued' OR (state = 'running' AND lease_until < :now))"""
KEEP = """UPDATE policy_backtests SET total = :total, read = :read, cursor = :cursor, tally = :tally,
    lease_until = :lease_until WHERE id = :id AND state = 'running' AND owner = :owner"""
FINISH = """UPDATE policy_backtests SET state = :state, total = :total, read = :read, cursor = :cursor, tally = NULL,
    report = :report, error = :error, owner = NULL, lease_until = NULL, finished_at = :finished_at
    WHERE id = :id AND state = 'running' AND owner = :owner"""
CANCEL = """UPDATE policy_backtests SET state = 'cancelled', owner = NULL, lease_until = NULL, finished_at = :now
    WHERE id = :id AND state IN ('queued', 'running')"""

TOTAL = "SELECT COUNT(*) FROM decisions WHERE created_at >= :since AND created_at <= :until"
RECORDED = """SELECT id, status, body, challenge FROM decisions
    WHERE id > :after AND created_at >= :since AND created_at <= :until ORDER BY id LIMIT :limit"""
ENDINGS = "SELECT decision_id, outcome FROM outcomes WHERE decision_id >= :first AND decision_id <= :last"
DOCUMENTS = "SELECT document FROM policies"

WORST_LAST = ("settled", "refunded", "disputed", "fraud")
"""Of several labels of one payment the worst one counts."""


class ShadowStore:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def count(self, run_id: str, differences: Differences) -> None:
        """Add what one process has counted; a few samples of each difference are kept."""
        # In one order, so that two processes that add to the same rows wait for each other and never in a circle.
        for (before, after), times in sorted(differences.moves.items()):
            move = {"run": run_id, "before": before, "after": after}
            self._connection.run(COUNT, {**move, "times": times})
            free = SAMPLES - int(self._connection.all(SAMPLED, move)[0][0])
            for decision_id in differences.samples.get((before, after), [])[: max(0, free)]:
                self._connection.run(SAMPLE, {**move, "id": decision_id})

    def last_run(self, version_id: str) -> ShadowRun | None:
        rows = self._connection.all(LAST_RUN, {"version": version_id})
        return shadow_run(rows[0]) if rows else None

    def comparison(self, run_id: str) -> Comparison:
        samples: dict[Move, tuple[str, ...]] = {}
        for before, after, decision_id in self._connection.all(SAMPLES_OF, {"run": run_id}):
            samples[before, after] = (*samples.get((before, after), ()), decision_id)
        rows = self._connection.all(COUNTS, {"run": run_id})
        return Comparison({(before, after): times for before, after, times in rows}, samples)


class BacktestStore:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, job: Backtesting) -> None:
        self._connection.run(ADD, _params(job))

    def find(self, backtest_id: str) -> Backtesting | None:
        rows = self._connection.all(FIND, {"id": backtest_id})
        return _job(rows[0]) if rows else None

    def of_version(self, version_id: str) -> tuple[Backtesting, ...]:
        return tuple(_job(row) for row in self._connection.all(OF_VERSION, {"version": version_id}))

    def waiting(self, now: datetime) -> Backtesting | None:
        rows = self._connection.all(WAITING, {"now": to_millis(now)})
        return _job(rows[0]) if rows else None

    def claim(self, job: Backtesting, owner: str, now: datetime, lease_until: datetime) -> bool:
        """Whether the job is `owner`'s now: the row count is the permission."""
        params = {"id": job.id, "owner": owner, "now": to_millis(now), "lease_until": to_millis(lease_until)}
        return self._connection.run(CLAIM, params) == 1

    def keep(self, job: Backtesting, lease_until: datetime) -> bool:
        """Keep what was counted so far; False where the job is no longer this worker's."""
        return self._connection.run(KEEP, _params(replace(job, lease_until=lease_until))) == 1

    def finish(self, job: Backtesting) -> bool:
        return self._connection.run(FINISH, _params(job)) == 1

    def cancel(self, job: Backtesting, now: datetime) -> Backtesting:
        """End a job that is not over; one that is stays as it is."""
        self._connection.run(CANCEL, {"id": job.id, "now": to_millis(now)})
        return self.find(job.id) or job

    def total(self, since: datetime, until: datetime) -> int:
        return int(self._connection.all(TOTAL, _span(since, until))[0][0])

    def recorded(
        self, since: datetime, until: datetime, after: str, limit: int
    ) -> tuple[tuple[str, Recorded | Unreadable | Excluded], ...]:
        """Recorded decisions behind an id, in the order of their ids, each with its id."""
        rows = self._connection.all(RECORDED, {**_span(since, until), "after": after, "limit": limit})
        if not rows:
            return ()
        endings = self._endings(rows[0][0], rows[-1][0])
        return tuple((row[0], _recorded(row, endings.get(row[0]))) for row in rows)

    def sampled(self, since: datetime, until: datetime, limit: int) -> tuple[str, ...]:
        """The first of a time in the order of their ids, each as a line that a backtest reads."""
        rows = self._connection.all(RECORDED, {**_span(since, until), "after": "", "limit": limit})
        if not rows:
            return ()
        endings = self._endings(rows[0][0], rows[-1][0])
        lines = (_line(row, endings.get(row[0])) for row in rows)
        return tuple(line for line in lines if isinstance(line, str))

    def documents(self) -> tuple[str, ...]:
        return tuple(str(row[0]) for row in self._connection.all(DOCUMENTS, {}))

    def _endings(self, first: str, last: str) -> Mapping[str, str]:
        endings: dict[str, str] = {}
        for decision_id, outcome in self._connection.all(ENDINGS, {"first": first, "last": last}):
            worst = max((outcome, endings.get(decision_id, outcome)), key=WORST_LAST.index)
            endings[decision_id] = worst
        return endings


def _span(since: datetime, until: datetime) -> dict[str, object]:
    return {"since": to_millis(since), "until": to_millis(until)}


def _recorded(row: Row, ending: str | None) -> Recorded | Unreadable | Excluded:
    line = _line(row, ending)
    return line if isinstance(line, Excluded) else read(line)


def _line(row: Row, ending: str | None) -> str | Excluded:
    """A stored decision in the form that a backtest reads, or why it cannot be repeated from what is stored."""
    decision_id, status, body_text, challenge_text = row
    body = json.loads(body_text)
    if body["type"] in PROVED:
        return Excluded("an act on the account itself, asked at the highest level whatever the policy says")
    if status == "denied" and challenge_text is not None:
        return Excluded("denied at its end, for what happened after its inputs were recorded")
    habit = Habit.of(body.get("habit"))
    warning = Warned.of(body.get("warning"))
    chosen = [] if challenge_text is None else json.loads(challenge_text)["chosen"]
    line = {
        "id": decision_id,
        "policy": body["policy"][2],
        "level": body["level"],
        "inputs": body["inputs"] if habit is None else {**body["inputs"], **habit.inputs},
        "exemption": body["exemption"],
        "fired": body["fired"],
        "status": status,
        "factors": chosen,
        "ending": ending,
        "warning": None if warning is None or warning.shown_at is None else warning.state,
    }
    return compact(line)


def _params(job: Backtesting) -> dict[str, object]:
    return {
        "id": job.id,
        "version_id": job.version_id,
        "by": job.by,
        "created_at": to_millis(job.created_at),
        "since": to_millis(job.since),
        "until": to_millis(job.until),
        "state": job.state.value,
        "total": job.total,
        "read": job.read,
        "cursor": job.cursor,
        "tally": None if job.tally is None else compact(job.tally),
        "report": None if job.report is None else compact(job.report),
        "error": job.error,
        "owner": job.owner,
        "lease_until": None if job.lease_until is None else to_millis(job.lease_until),
        "finished_at": None if job.finished_at is None else to_millis(job.finished_at),
    }


def _job(row: Row) -> Backtesting:
    (
        job_id,
        version_id,
        by,
        created_at,
        since,
        until,
        state,
        total,
        done,
        cursor,
        tally,
        report,
        error,
        owner,
        lease_until,
        finished_at,
    ) = row
    return Backtesting(
        id=job_id,
        version_id=version_id,
        by=by,
        created_at=from_millis(created_at),
        since=from_millis(since),
        until=from_millis(until),
        state=JobState(state),
        total=total,
        read=done,
        cursor=cursor,
        tally=None if tally is None else json.loads(tally),
        report=None if report is None else json.loads(report),
        error=error,
        owner=owner,
        lease_until=None if lease_until is None else from_millis(lease_until),
        finished_at=None if finished_at is None else from_millis(finished_at),
    )
