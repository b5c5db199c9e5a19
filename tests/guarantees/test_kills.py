"""Killed without warning in the middle of payments: no answer is lost, nothing is accepted twice, the audit log is whole.

`scripts/drills/kill.py` does the same fifty times.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.guarantees.storm import KILLS, Payers, judge, kill
from tests.support.live import LiveService
from tests.support.postgres import PostgresServer
from tests.support.redis_server import RedisServer


@pytest.fixture(params=["embedded", "networked"])
def mortal(request: pytest.FixtureRequest, tmp_path: Path, model_dir: Path) -> LiveService:
    """A service of the test's own, not started yet."""
    if request.param == "embedded":
        return LiveService(tmp_path, model_dir)
    postgres: PostgresServer = request.getfixturevalue("postgres_server")
    redis: RedisServer = request.getfixturevalue("redis_server")
    postgres.ensure_running()
    redis.ensure_running()
    database = postgres.url(postgres.create_database())
    return LiveService(tmp_path, model_dir, database_url=database, redis_url=redis.url)


@pytest.mark.timeout(240)
def test_nothing_is_lost_and_nothing_happens_twice(mortal: LiveService) -> None:
    with mortal:
        payers = Payers(mortal)
        with payers.paying():
            for what in KILLS:
                time.sleep(random.uniform(0.3, 1.0))
                kill(mortal, what)
            time.sleep(0.5)
        verdict = judge(payers)
    assert verdict.is_good, verdict
    assert verdict.consumed > 0
    assert verdict.disturbed > 0
