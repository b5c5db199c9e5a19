"""A backtest as a job: asked for by an operator, worked on by a process of its own, taken up again where it stopped.

Pure: a value and its table of states. Who works on a job holds it by a lease; whoever finds the lease run out takes over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    MISMATCH = "mismatch"
    """A recorded decision did not repeat itself, so nothing can be said of the candidate; the report shows it."""

    FAILED = "failed"
    CANCELLED = "cancelled"


# Whatever is not here is final. From RUNNING to RUNNING another worker takes over.
TRANSITIONS: Mapping[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
    JobState.RUNNING: frozenset(
        {JobState.RUNNING, JobState.DONE, JobState.MISMATCH, JobState.FAILED, JobState.CANCELLED}
    ),
}


@dataclass(frozen=True, slots=True)
class Backtesting:
    """`total` is how many decisions there were when the work began, `read` how many were taken in, in the order of their
    ids up to `cursor`; `tally` is what was counted so far, `report` the figures once it is done.
    """

    id: str
    version_id: str
    by: str
    created_at: datetime
    since: datetime
    until: datetime
    state: JobState = JobState.QUEUED
    total: int | None = None
    read: int = 0
    cursor: str = ""
    tally: Mapping[str, object] | None = None
    report: Mapping[str, object] | None = None
    error: str | None = None
    owner: str | None = None
    lease_until: datetime | None = None
    finished_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        return self.state not in TRANSITIONS

    @property
    def share(self) -> float | None:
        """How much of the work is done, 0 to 1; None before anybody has counted it."""
        if self.total is None:
            return None
        return min(1.0, self.read / self.total) if self.total else 1.0
