"""Running services for the guarantees: one on SQLite and one on PostgreSQL with Redis, four web processes each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guarantees.people import Shop
from tests.support.live import LiveService
from tests.support.postgres import PostgresServer
from tests.support.redis_server import RedisServer

# Races are about what is answered, and a crowd on a busy test machine may have to wait for it.
PATIENT = {"AUTHSVC_STORE_TIMEOUT": "15"}


@pytest.fixture(scope="package")
def embedded_service(model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    """A service on SQLite that the tests of this folder share."""
    with LiveService(tmp_path_factory.mktemp("embedded"), model_dir, environment=PATIENT) as running:
        yield running


@pytest.fixture(scope="package")
def networked_service(
    model_dir: Path,
    tmp_path_factory: pytest.TempPathFactory,
    postgres_server: PostgresServer,
    redis_server: RedisServer,
) -> Iterator[LiveService]:
    """A service on PostgreSQL and Redis that the tests of this folder share."""
    postgres_server.ensure_running()
    redis_server.ensure_running()
    database = postgres_server.url(postgres_server.create_database())
    folder = tmp_path_factory.mktemp("networked")
    service = LiveService(
        folder, model_dir, database_url=database, redis_url=redis_server.url, environment=PATIENT
    )
    with service:
        yield service


@pytest.fixture(params=["embedded", "networked"])
def service(request: pytest.FixtureRequest) -> LiveService:
    """Each store in turn."""
    running: LiveService = request.getfixturevalue(f"{request.param}_service")
    return running


@pytest.fixture
def shop(service: LiveService) -> Shop:
    return Shop(service)
