"""The contract of short-lived state, kept by SQLite, Redis, a Redis Cluster of three nodes and a Sentinel's pair alike."""

import logging
import multiprocessing
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from authsvc.clock import FrozenClock, SystemClock
from authsvc.ephemeral import Ephemeral, Key
from authsvc.errors import ConfigurationError, Unavailable
from authsvc.storage.ephemeral_redis import RedisEphemeral
from authsvc.storage.ephemeral_sqlite import SWEEP_EVERY, SqliteEphemeral
from tests.support.redis_server import RedisClusterServers, RedisServer
from tests.support.slowness import slowness

PATIENCE = 30
"""For what is not about time-outs: a busy machine is no outage."""
TIMEOUT = 0.5
SLACK = 0.5
"""What even a quiet machine adds to a time-out before its thread is run again."""
MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
KEY = Key("u_42", "otp:begun")

Store = RedisEphemeral | SqliteEphemeral


@dataclass
class Kind:
    """A store under test, how to open it again from elsewhere, and how to let time pass for it."""

    store: Store
    location: str
    let_pass: Callable[[timedelta], None]


def open_store(location: str) -> Store:
    if location.startswith("redis"):
        return RedisEphemeral(location, PATIENCE)
    return SqliteEphemeral(Path(location), SystemClock(), patience=PATIENCE)


@pytest.fixture(params=["sqlite", "redis", "redis_cluster", "redis_sentinel"])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kind]:
    if request.param == "sqlite":
        clock, path = FrozenClock(NOON), tmp_path / "ephemeral.db"
        with closing(SqliteEphemeral(path, clock)) as store:
            yield Kind(store, str(path), clock.advance)
        return
    url = request.getfixturevalue(f"{request.param}_url")
    location = url.replace("redis://", "redis+cluster://") if request.param == "redis_cluster" else url
    with closing(RedisEphemeral(location, PATIENCE)) as redis_store:
        yield Kind(redis_store, location, lambda by: time.sleep(by.total_seconds()))


@pytest.fixture
def store(kind: Kind) -> Ephemeral:
    return kind.store


def test_what_was_put_is_there_until_it_is_deleted(store: Ephemeral):
    store.put(KEY, b"\x00\xff bytes", MINUTE)
    assert store.get(KEY) == b"\x00\xff bytes"
    store.delete(KEY)
    assert store.get(KEY) is None


def test_a_second_put_replaces_the_first(store: Ephemeral):
    store.put(KEY, b"first", MINUTE)
    store.put(KEY, b"", MINUTE)
    assert store.get(KEY) == b""


def test_nothing_is_no_error(store: Ephemeral):
    assert store.get(KEY) is None
    assert store.take(KEY) is None
    store.delete(KEY)


def test_a_value_is_taken_once(store: Ephemeral):
    store.put(KEY, b"nonce", MINUTE)
    assert store.take(KEY) == b"nonce"
    assert store.take(KEY) is None
    assert store.get(KEY) is None


def test_adding_keeps_what_is_there(store: Ephemeral):
    assert store.add(KEY, b"first", MINUTE)
    assert not store.add(KEY, b"second", MINUTE)
    assert store.get(KEY) == b"first"


def test_counting_begins_at_one(store: Ephemeral):
    assert [store.increment(KEY, MINUTE) for _ in range(12)] == list(range(1, 13))
    store.delete(KEY)
    assert store.increment(KEY, MINUTE) == 1


# Redis reads its clock once per round of its event loop, in whole milliseconds: an entry may end that much later.
ROUNDING = timedelta(milliseconds=50)


def test_every_entry_ends_with_its_time(kind: Kind):
    store, short = kind.store, timedelta(milliseconds=150)
    store.put(Key("u", "put"), b"x", short)
    store.add(Key("u", "add"), b"x", short)
    store.increment(Key("u", "count"), short)
    store.put(Key("u", "kept"), b"x", MINUTE)
    kind.let_pass(short + ROUNDING)
    assert store.get(Key("u", "put")) is None
    assert store.take(Key("u", "put")) is None
    assert store.add(Key("u", "add"), b"again", short)
    assert store.increment(Key("u", "count"), short) == 1
    assert store.get(Key("u", "kept")) == b"x"


def test_further_counts_do_not_renew_the_time(kind: Kind):
    # The window is wide enough that a slow machine cannot outlive it between the first and the second count.
    window = timedelta(milliseconds=600)
    assert kind.store.increment(KEY, window) == 1
    kind.let_pass(window / 2)
    assert kind.store.increment(KEY, window) == 2
    kind.let_pass(window / 2 + ROUNDING)
    assert kind.store.increment(KEY, window) == 1


def test_owners_and_names_do_not_run_into_each_other(store: Ephemeral):
    keys = [
        Key("a", "b:c"), Key("a:b", "c"), Key("a}", "b"), Key("a", "}b"), Key("{a", "b"), Key("a%7D", "b"),
        Key("", "a"), Key("用户", "验证码"), Key("A", "b:c"), Key("a' OR 1=1", "b"),
    ]  # fmt: skip
    for number, key in enumerate(keys):
        assert store.add(key, str(number).encode(), MINUTE)
    assert [store.take(key) for key in keys] == [str(number).encode() for number in range(len(keys))]


def test_a_store_that_answers_says_so(store: Ephemeral):
    store.ping()


def test_another_opening_of_the_store_sees_the_same(kind: Kind):
    kind.store.increment(KEY, timedelta(days=36_500))
    with closing(open_store(kind.location)) as other:
        assert other.increment(KEY, MINUTE) == 2


RACERS, PRIZES = 4, 1_000


def _take_all(location: str, start: "threading.Barrier", won: "multiprocessing.Queue[tuple[int, int, int]]"):
    with closing(open_store(location)) as store:
        start.wait(60)
        taken = sum(store.take(Key(f"u_{n}", "code")) == str(n).encode() for n in range(PRIZES))
        added = sum(store.add(Key(f"u_{n}", "used"), b"", MINUTE) for n in range(PRIZES))
        last = [store.increment(Key(f"u_{n % 3}", "count"), MINUTE) for n in range(300)]
        won.put((taken, added, max(last)))


def test_of_four_processes_one_gets_each_value(kind: Kind):
    with closing(open_store(kind.location)) as store:
        for n in range(PRIZES):
            store.put(Key(f"u_{n}", "code"), str(n).encode(), MINUTE)
    context = multiprocessing.get_context("spawn")
    start, won = context.Barrier(RACERS), context.Queue()
    racers = [context.Process(target=_take_all, args=(kind.location, start, won)) for _ in range(RACERS)]
    for racer in racers:
        racer.start()
    results = [won.get(timeout=90) for _ in racers]
    for racer in racers:
        racer.join()
    assert sum(taken for taken, _, _ in results) == PRIZES
    assert sum(added for _, added, _ in results) == PRIZES
    assert max(highest for _, _, highest in results) == RACERS * 100


def test_of_many_threads_one_gets_each_value(store: Ephemeral):
    for n in range(50):
        store.put(Key(f"u_{n}", "code"), b"x", MINUTE)
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda n: store.take(Key(f"u_{n % 50}", "code")), range(400)))
        counts = list(threads.map(lambda _: store.increment(KEY, MINUTE), range(200)))
    assert taken.count(b"x") == 50
    assert sorted(counts) == list(range(1, 201))


EVERY_CALL: tuple[Callable[[Ephemeral], object], ...] = (
    lambda store: store.put(KEY, b"x", MINUTE),
    lambda store: store.get(KEY),
    lambda store: store.take(KEY),
    lambda store: store.add(KEY, b"x", MINUTE),
    lambda store: store.increment(KEY, MINUTE),
    lambda store: store.delete(KEY),
    lambda store: store.ping(),
)


def assert_every_call_refuses_in_time(store: Ephemeral) -> None:
    for call in EVERY_CALL:
        started = time.monotonic()
        with pytest.raises(Unavailable) as refusal:
            call(store)
        assert time.monotonic() - started < TIMEOUT + SLACK * slowness()
        assert refusal.value.extra["retry_after"] == 1


def assert_recovers(store: Ephemeral) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            store.put(KEY, b"back", MINUTE)
            break
        except Unavailable:
            assert time.monotonic() < deadline, "the store does not come back by itself"
            time.sleep(0.05)
    assert store.take(KEY) == b"back"


def test_a_hanging_redis_is_unavailable_within_the_time_out(redis_server: RedisServer, redis_url: str):
    with closing(RedisEphemeral(redis_url, TIMEOUT)) as store:
        assert_recovers(store)
        with redis_server.frozen():
            assert_every_call_refuses_in_time(store)
        assert_recovers(store)


def test_a_restarted_redis_costs_no_call(redis_server: RedisServer, redis_url: str):
    with closing(RedisEphemeral(redis_url, TIMEOUT)) as store:
        assert store.increment(KEY, MINUTE) == 1
        with redis_server.down():
            assert_every_call_refuses_in_time(store)
        assert store.increment(KEY, MINUTE) == 1


def test_the_service_may_start_before_redis(redis_server: RedisServer, redis_url: str):
    with redis_server.down():
        store = RedisEphemeral(redis_url, TIMEOUT)
        with pytest.raises(Unavailable):
            store.ping()
    with closing(store):
        store.ping()


@pytest.fixture
def cluster_url(redis_cluster: RedisClusterServers, redis_cluster_url: str) -> str:
    """All three nodes, as an operator would write them."""
    del redis_cluster_url  # asked for, because it empties and repairs the cluster.
    return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in redis_cluster.nodes)


def test_a_wholly_hanging_cluster_is_unavailable_within_the_time_out(
    redis_cluster: RedisClusterServers, cluster_url: str
):
    with closing(RedisEphemeral(cluster_url, TIMEOUT)) as store:
        assert_recovers(store)
        with ExitStack() as outage:
            for node in redis_cluster.nodes:
                outage.enter_context(node.frozen())
            assert_every_call_refuses_in_time(store)
            with ThreadPoolExecutor(16) as threads:
                started = time.monotonic()
                refusals = list(threads.map(lambda _: _refused(store), range(16)))
            assert refusals == [True] * 16
            assert time.monotonic() - started < TIMEOUT + 2 * SLACK * slowness()
        assert_recovers(store)


def test_one_hanging_node_delays_nobody_beyond_the_time_out(
    redis_cluster: RedisClusterServers, cluster_url: str
):
    owners = [f"u_{n}" for n in range(24)]
    with closing(RedisEphemeral(cluster_url, TIMEOUT)) as store:
        assert_recovers(store)
        with redis_cluster.nodes[1].frozen():
            answers = []
            for owner in owners:
                started = time.monotonic()
                answers.append(_refused(store, owner))
                assert time.monotonic() - started < TIMEOUT + SLACK * slowness()
            assert True in answers
        assert_recovers(store)


def test_a_cluster_may_be_absent_at_the_start(redis_cluster: RedisClusterServers, cluster_url: str):
    with ExitStack() as outage:
        for node in redis_cluster.nodes:
            outage.enter_context(node.frozen())
        store = RedisEphemeral(cluster_url, TIMEOUT)
        assert _refused(store)
    with closing(store):
        assert_recovers(store)


def _refused(store: Ephemeral, owner: str = "u_42") -> bool:
    try:
        store.add(Key(owner, "probe"), b"x", MINUTE)
    except Unavailable:
        return True
    return False


UNREADABLE = (
    "redis+cluster://",
    "redis+cluster://a:1,,b:2",
    "rediss+cluster://:hunter2@a:x",
    "redis://:hunter2@h:x",
    "redis+sentinel://:hunter2@a:1,b:2",
    "redis+sentinel://:hunter2@a:1,,b:2/authsvc",
    "rediss+sentinel://:hunter2@a:x/authsvc",
    "sqlite:///hunter2",
)


@pytest.mark.parametrize("url", UNREADABLE)
def test_a_url_that_cannot_be_read_is_refused_without_repeating_it(url: str):
    with pytest.raises(ConfigurationError) as refusal:
        RedisEphemeral(url, TIMEOUT)
    assert "hunter2" not in str(refusal.value)


def test_no_log_line_holds_a_value(
    redis_server: RedisServer, redis_cluster: RedisClusterServers, redis_url: str, cluster_url: str,
    caplog: pytest.LogCaptureFixture,
):  # fmt: skip
    with caplog.at_level(logging.DEBUG):
        for url, servers in ((redis_url, (redis_server,)), (cluster_url, redis_cluster.nodes)):
            with closing(RedisEphemeral(url, TIMEOUT)) as store, ExitStack() as outage:
                store.put(KEY, b"canary-value", MINUTE)
                for server in servers:
                    outage.enter_context(server.frozen())
                with pytest.raises(Unavailable) as refusal:
                    store.put(KEY, b"canary-value", MINUTE)
                assert refusal.value.__cause__ is None
    assert "redis did not answer" in caplog.text
    assert "canary-value" not in caplog.text


def test_the_file_and_its_companions_are_for_their_owner_only(tmp_path: Path):
    with closing(SqliteEphemeral(tmp_path / "e.db", SystemClock())) as store:
        store.put(KEY, b"x", MINUTE)
        files = list(tmp_path.iterdir())
        assert {file.name for file in files} >= {"e.db", "e.db-wal", "e.db.lock"}
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_expired_rows_are_swept_away(tmp_path: Path):
    clock, path = FrozenClock(NOON), tmp_path / "e.db"
    with closing(SqliteEphemeral(path, clock)) as store:
        for n in range(100):
            store.put(Key(f"u_{n}", "old"), b"x", timedelta(seconds=1))
        clock.advance(SWEEP_EVERY)
        store.put(KEY, b"new", MINUTE)
        with closing(sqlite3.connect(path)) as raw:
            assert raw.execute("SELECT owner FROM entry").fetchall() == [("u_42",)]


def test_a_writer_that_never_ends_makes_others_refuse_in_time(tmp_path: Path):
    path = tmp_path / "e.db"
    with (
        closing(SqliteEphemeral(path, SystemClock(), patience=0.2)) as store,
        closing(sqlite3.connect(path, isolation_level=None)) as stuck,
    ):
        stuck.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        with pytest.raises(Unavailable):
            store.put(KEY, b"x", MINUTE)
        assert time.monotonic() - started < 0.2 + SLACK * slowness()
        assert store.get(KEY) is None
        stuck.execute("ROLLBACK")
        store.put(KEY, b"x", MINUTE)


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path):
    (tmp_path / "e.db").write_bytes(b"not a database, but long enough to look at" * 100)
    with pytest.raises(Unavailable):
        SqliteEphemeral(tmp_path / "e.db", SystemClock())
    with pytest.raises(Unavailable):
        SqliteEphemeral(tmp_path / "no such folder" / "e.db", SystemClock())
