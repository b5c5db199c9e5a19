"""Random walks: the model's rules drive the real service over HTTP, and every answer must be the model's.

Somebody who holds a part of what the owner has acts, and so do the owner, two operators, the worker and the clock; what the model
refuses is tried as well. `AUTHSVC_MODEL_STEPS` lengthens the walks (10 000 in the long run).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from authsvc.config import Settings
from tests.model.account import ALL, THIEVES, Thief
from tests.model.served import Caller, Here, Served
from tests.model.walking import Walk

STEPS = int(os.environ.get("AUTHSVC_MODEL_STEPS", "200"))
STEPS_A_WALK = 25
PROGRESS = 500
"""A long run says so often how far it is, so that one that is cut short has a figure."""

PROBATION = Settings(data_dir=Path()).probation
pytestmark = pytest.mark.timeout(300 + STEPS)


class Walking(RuleBasedStateMachine):
    """Each walk has a person of its own, at one service."""

    caller: Caller
    people = count()
    steps = 0
    began = 0.0
    reports: Callable[[str], None]

    @initialize(thief=st.sampled_from(THIEVES), enrolled=st.frozensets(st.sampled_from(ALL), min_size=1))
    def first_enrollment(self, thief: Thief, enrolled: frozenset[int]) -> None:
        self.walk = Walk(self.caller, f"u_{next(self.people)}", thief, enrolled, PROBATION)

    @rule(chance=st.integers(0, 2**32 - 1))
    def somebody_acts(self, chance: int) -> None:
        self.walk.step(Random(chance))
        type(self).steps += 1
        if self.steps % PROGRESS == 0:
            self.reports(f"{self.steps} steps in {monotonic() - self.began:.0f} s, 0 differences so far")


@pytest.fixture(params=["one process", "four processes", "servers"])
def caller(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Caller]:
    opened: dict[str, Callable[[], Caller]] = {
        "one process": lambda: Here(tmp_path),
        "four processes": lambda: Served(tmp_path, 4),
        "servers": lambda: Served(tmp_path, 2, **_urls(request)),
    }
    made = opened[request.param]()
    yield made
    made.close()


def _urls(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {name: request.getfixturevalue(fixture) for name, fixture in URLS.items()}


URLS = {"database_url": "migrated_postgres_url", "redis_url": "redis_url"}


def test_the_service_answers_as_the_model_does(caller: Caller, capsys: pytest.CaptureFixture[str]) -> None:
    def reports(line: str) -> None:
        with capsys.disabled():
            print(f"\n{line}", flush=True)  # noqa: T201  # What the long run is read for.

    Walking.caller, Walking.steps, Walking.began = caller, 0, monotonic()
    Walking.reports = staticmethod(reports)
    run_state_machine_as_test(  # type: ignore[no-untyped-call]  # Hypothesis leaves it untyped.
        Walking,
        settings=settings(
            max_examples=max(1, STEPS // STEPS_A_WALK),
            stateful_step_count=STEPS_A_WALK,
            derandomize="AUTHSVC_MODEL_STEPS" not in os.environ,
            suppress_health_check=list(HealthCheck),
        ),
    )
    reports(f"{Walking.steps} steps in {monotonic() - Walking.began:.0f} s, 0 differences")
