"""The next release's schema serves this program: while it is made, under load, no request fails, and readiness says so."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from authsvc.bootstrap.opening import open_database
from authsvc.bootstrap.wiring import wire
from authsvc.config import Settings
from authsvc.storage.revision import NEWEST, Fit, fit_of
from tests.support.service import Bench, Here, NamedFaces, embedded

CHANGES = (
    "ALTER TABLE api_keys ADD COLUMN of_the_next_release TEXT",
    "ALTER TABLE users ADD COLUMN of_the_next_release TEXT",
    "ALTER TABLE decisions ADD COLUMN of_the_next_release TEXT",
    "CREATE TABLE of_the_next_release (name TEXT PRIMARY KEY)",
    "UPDATE alembic_version SET version_num = '9999'",
)
"""What a migration may do: add. `schema_facts` names this program as one that may work on it."""

EACH = 30
"""Payments of a thread before the change, and as many after it."""


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    if request.param == "sqlite":
        return embedded(tmp_path)
    return replace(embedded(tmp_path), database_url=request.getfixturevalue("postgres_url"))


def test_no_request_fails_while_the_schema_changes(settings: Settings):
    bench = Bench(settings)
    for user in ("ann", "ben"):
        bench.enroll(user)
    changed, warm = threading.Event(), threading.Barrier(3, timeout=60)

    def pay(user: str) -> set[str]:
        ended = {str(bench.decide(bench.payment(user=user))["status"]) for _ in range(EACH)}
        warm.wait()
        while not changed.is_set():
            ended.add(str(bench.decide(bench.payment(user=user))["status"]))
        return ended | {str(bench.decide(bench.payment(user=user))["status"]) for _ in range(EACH)}

    with ThreadPoolExecutor(2) as threads:
        paying = [threads.submit(pay, user) for user in ("ann", "ben")]
        warm.wait()
        _change(settings)
        changed.set()
        ended = {status for each in paying for status in each.result()}
    assert ended <= {"approved", "exempted", "challenge_required"}
    assert fit_of(open_database(settings)) is Fit.NEWER_AND_KIND
    ready, found = bench.services.public.readyz()
    assert ready
    assert found["schema"] == {"program": NEWEST, "database": "9999"}
    assert "schema-newer" in found["warnings"]  # type: ignore[operator]  # A list of names.
    bench.close()
    # And a process that starts now finds its way as well.
    again = wire(settings, bench.clock, face=NamedFaces(), analyst=Here())
    assert again.services.public.readyz()[0]
    again.close()


def _change(settings: Settings) -> None:
    database = open_database(replace(settings))
    connection = database.connect()
    with database.turn():
        connection.begin()
        for statement in CHANGES:
            connection.run(statement, {})
        connection.commit()
    connection.close()
