"""The service that a story is played at, in this process, on each store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.model.served import POLICY, Here
from tests.support.postgres import PostgresServer


@pytest.fixture(scope="module", params=["embedded", "servers"])
def here(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    """One service for a module, with an account for each story; a module's `policy` is its own."""
    changes = {} if request.param == "embedded" else _urls(request)
    policy = getattr(request.module, "policy", POLICY)
    made = Here(tmp_path_factory.mktemp("service"), policy, **changes)
    yield made
    made.close()


def _urls(request: pytest.FixtureRequest) -> dict[str, str]:
    database: PostgresServer = request.getfixturevalue("postgres_server")
    redis = request.getfixturevalue("redis_server")
    redis.ensure_running()
    redis.flush()
    schema = request.getfixturevalue("postgres_schema")
    return {"database_url": database.url(database.create_database(schema)), "redis_url": redis.url}
