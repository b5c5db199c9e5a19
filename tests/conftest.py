"""Fixtures for every test: real PostgreSQL, Redis and Redis Cluster, and the shared pictures and voices.

Each is skipped with its reason where the program or the data is not there. What is started here listens on
127.0.0.1 alone and ends with the run, also when the run is killed.
"""

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from authsvc.biometric.manifest import manifest_folder, read_manifest
from authsvc.biometric.weights import verified_weights
from authsvc.errors import ModelUnusable
from authsvc.face.build import DEFAULT_MODEL
from tests.support.kinds import kinds_of, place_in_the_run, second_run
from tests.support.postgres import PostgresServer, postgres_program
from tests.support.quick import use_memory
from tests.support.redis_server import RedisClusterServers, RedisServer, SentinelServers
from tests.support.skips import skip_lines, skipped_by_reason

# Hundreds of programs are started, and each would compile all that it imports: two seconds of computing every time.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

use_memory()

# The same examples in every run, on however busy a machine; a test that searches for new ones says so itself.
hypothesis.settings.register_profile("authsvc", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("authsvc")

_CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder that other users can pass through, as pytest's own cannot: PostgreSQL does not run as root."""
    with tempfile.TemporaryDirectory(prefix="authsvc-test-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres_server(server_folder: Path) -> Iterator[PostgresServer]:
    """A running PostgreSQL that a test may freeze or kill; `postgres_url` repairs it for the next one."""
    postgres, initdb = postgres_program("postgres"), postgres_program("initdb")
    if postgres is None or initdb is None:
        pytest.skip("PostgreSQL is not installed; `make test` installs it")
    folder = server_folder / "postgres"
    folder.mkdir()
    with PostgresServer.create(postgres, initdb, folder) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_schema(postgres_server: PostgresServer) -> str:
    """The name of a database with the schema of this version, to be copied."""
    from authsvc.storage.upgrade import (
        upgrade,  # Half a second that a run without a database need not wait for.
    )

    postgres_server.ensure_running()
    database = postgres_server.create_database()
    upgrade(postgres_server.url(database))
    return database


@pytest.fixture
def migrated_postgres_url(postgres_server: PostgresServer, postgres_schema: str) -> Iterator[str]:
    """The `postgresql://` URL of a new database with the schema of this version, dropped after the test."""
    postgres_server.ensure_running()
    database = postgres_server.create_database(postgres_schema)
    yield postgres_server.url(database)
    postgres_server.ensure_running()
    postgres_server.drop_database(database)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The `postgresql://` URL of a new, empty database, dropped after the test."""
    postgres_server.ensure_running()
    database = postgres_server.create_database()
    yield postgres_server.url(database)
    postgres_server.ensure_running()
    postgres_server.drop_database(database)


@pytest.fixture(scope="session")
def redis_program() -> str:
    """The path of redis-server."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed; `make test` installs it")
    return program


@pytest.fixture(scope="session")
def redis_server(redis_program: str, server_folder: Path) -> Iterator[RedisServer]:
    """A running Redis that a test may freeze or kill; `redis_url` repairs it for the next one."""
    with RedisServer(redis_program, server_folder) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The `redis://` URL of a server without keys."""
    redis_server.ensure_running()
    redis_server.flush()
    return redis_server.url


@pytest.fixture(scope="session")
def redis_cluster(redis_program: str, server_folder: Path) -> Iterator[RedisClusterServers]:
    """A running Redis Cluster of three masters; a test may freeze or kill any of its `nodes`."""
    with RedisClusterServers(redis_program, server_folder) as servers:
        yield servers


@pytest.fixture
def redis_cluster_url(redis_cluster: RedisClusterServers) -> str:
    """The `redis://` URL of one node of a cluster without keys."""
    redis_cluster.ensure_running()
    redis_cluster.flush()
    return redis_cluster.url


@pytest.fixture(scope="session")
def redis_sentinel(redis_program: str, server_folder: Path) -> Iterator[SentinelServers]:
    """A primary, a replica and a Sentinel that a test may freeze, kill or have promote; `redis_sentinel_url` repairs them."""
    with SentinelServers(redis_program, server_folder) as servers:
        yield servers


@pytest.fixture
def redis_sentinel_url(redis_sentinel: SentinelServers) -> str:
    """The `redis+sentinel://` URL of a primary without keys."""
    redis_sentinel.ready()
    return redis_sentinel.url


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of pictures, clips, models and voices that are never part of the project."""
    folder = Path(os.environ.get("AUTHSVC_TEST_DATA") or _CHECKOUT.parent / "shared" / "data").resolve()
    if not folder.is_dir():
        pytest.skip("no test data: AUTHSVC_TEST_DATA is not set and ../shared/data does not exist")
    return folder


@pytest.fixture(scope="session")
def faces_dir(test_data: Path) -> Path:
    """`faces/<person>/<n>.jpg` with `index.csv`."""
    return test_data / "faces"


@pytest.fixture(scope="session")
def voices_dir(test_data: Path) -> Path:
    """`voices/<set>/<speaker>/<utterance>.flac` with `manifest.tsv`."""
    return test_data / "voices"


@pytest.fixture(scope="session")
def model_dir() -> Path:
    """The weight files that `authsvc models prepare` made, unchanged."""
    folder = Path(os.environ.get("AUTHSVC_MODEL_DIR") or _CHECKOUT / "var" / "models")
    try:
        verified_weights(folder, read_manifest(manifest_folder() / f"{DEFAULT_MODEL}.toml"))
    except ModelUnusable as error:
        pytest.skip(f"no prepared models: {error.detail}")
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What ten thousand tests are made of stays to the end: nobody looks for rubbish in it, then or while they run."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what starts servers and what must run by itself, and what has a second run (`tests/support/kinds.py`)."""
    here = Path(__file__).parent
    files = {path: path.relative_to(here) for path in {item.path for item in items}}
    places = {path: place_in_the_run(file) for path, file in files.items()}
    items.sort(key=lambda item: places[item.path])
    for item in items:
        file = files[item.path]
        given = getattr(getattr(item, "callspec", None), "params", {}).values()
        fixtures = (*getattr(item, "fixturenames", ()), *(each for each in given if isinstance(each, str)))
        kinds = kinds_of(file, fixtures)
        for kind in kinds:
            item.add_marker(kind)
        if again := second_run(kinds):
            item.add_marker(pytest.mark.flaky(**again))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Ends the report with what was not run, by reason, and what ran twice: neither is simply passed."""
    groups = skipped_by_reason(terminalreporter.stats.get("skipped", ()))
    if groups:
        terminalreporter.section("not run, by reason")
        for line in skip_lines(groups):
            terminalreporter.write_line(line)
    again = terminalreporter.stats.get("rerun", ())
    if again:
        terminalreporter.section("run twice: what failed the first time")
        for report in again:
            why = next((line for line in report.longreprtext.splitlines() if line.startswith("E ")), "")
            terminalreporter.write_line(f"{report.nodeid}: {why[1:].strip()}")
