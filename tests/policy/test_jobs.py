"""The states of a backtest as a job, and how much of it is done."""

from dataclasses import replace
from datetime import timedelta

import pytest

from authsvc.policy.jobs import TRANSITIONS, Backtesting, JobState
from tests.domain.test_decision import NOON

JOB = Backtesting("job_a", "pol_a", "op_a", NOON, NOON - timedelta(days=30), NOON)
ENDINGS = {JobState.DONE, JobState.MISMATCH, JobState.FAILED, JobState.CANCELLED}


@pytest.mark.parametrize("state", list(JobState))
def test_whatever_has_no_step_left_is_over(state: JobState):
    assert replace(JOB, state=state).is_over == (state in ENDINGS)


def test_every_ending_is_reached_and_nothing_leads_back_into_the_queue():
    reached = set().union(*TRANSITIONS.values())
    assert reached == ENDINGS | {JobState.RUNNING}
    assert JobState.RUNNING in TRANSITIONS[JobState.RUNNING]


@pytest.mark.parametrize(
    ("total", "read", "share"),
    [(None, 0, None), (0, 0, 1.0), (200, 50, 0.25), (200, 200, 1.0), (200, 230, 1.0)],
)
def test_a_share_never_exceeds_the_whole_and_is_unknown_before_somebody_counted(
    total: int | None, read: int, share: float | None
):
    assert replace(JOB, total=total, read=read).share == share
