"""Flows run on the embedded default and on PostgreSQL with Redis: the same story, twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.service import Bench, embedded


@pytest.fixture(params=["embedded", "servers"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    changes = {}
    if request.param == "servers":
        changes = {
            "database_url": request.getfixturevalue("migrated_postgres_url"),
            "redis_url": request.getfixturevalue("redis_url"),
        }
    made = Bench(embedded(tmp_path / "data", **changes))
    yield made
    made.close()
