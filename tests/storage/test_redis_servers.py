"""The primary that Sentinels name: followed when another is promoted, and an outage while nobody is."""

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from authsvc.ephemeral import Key
from authsvc.errors import Unavailable
from authsvc.storage.ephemeral_redis import RedisEphemeral
from authsvc.storage.redis_facts import redis_facts
from authsvc.storage.redis_servers import nodes_of
from tests.support.redis_server import RedisServer, SentinelServers

PATIENCE = 30
KEY = Key("u_42", "tries")
DAY = timedelta(days=1)


@pytest.fixture
def store(redis_sentinel_url: str) -> Iterator[RedisEphemeral]:
    with closing(RedisEphemeral(redis_sentinel_url, PATIENCE)) as store:
        yield store


def counted(store: RedisEphemeral) -> int:
    """The next count, as soon as the store answers again."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return store.increment(KEY, DAY)
        except Unavailable:
            assert time.monotonic() < deadline, "the promoted primary is not found"
            time.sleep(0.05)


def replicated(replica: RedisServer, count: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while replica.value("authsvc:{u_42}:tries") != str(count).encode():
        assert time.monotonic() < deadline, "the replica does not follow"
        time.sleep(0.02)


def test_a_promoted_replica_goes_on_counting(store: RedisEphemeral, redis_sentinel: SentinelServers):
    assert store.increment(KEY, DAY) == 1
    replicated(redis_sentinel.replica(), 1)
    redis_sentinel.promote()
    assert counted(store) == 2


def test_a_primary_that_died_is_replaced(store: RedisEphemeral, redis_sentinel: SentinelServers):
    assert store.increment(KEY, DAY) == 1
    replicated(redis_sentinel.replica(), 1)
    redis_sentinel.primary().kill()
    with pytest.raises(Unavailable):
        store.increment(KEY, DAY)
    redis_sentinel.promote()
    assert counted(store) == 2


def test_without_a_sentinel_what_is_connected_goes_on_and_a_start_is_refused(
    store: RedisEphemeral, redis_sentinel: SentinelServers, redis_sentinel_url: str
):
    assert store.increment(KEY, DAY) == 1
    redis_sentinel.sentinel.kill()
    assert store.increment(KEY, DAY) == 2
    with closing(RedisEphemeral(redis_sentinel_url, PATIENCE)) as late, pytest.raises(Unavailable):
        late.ping()


def test_a_name_that_no_sentinel_watches_is_an_outage(redis_sentinel_url: str):
    with (
        closing(RedisEphemeral(f"{redis_sentinel_url}-other", PATIENCE)) as other,
        pytest.raises(Unavailable),
    ):
        other.ping()


def test_what_is_said_of_it_is_said_of_the_primary(redis_sentinel_url: str):
    [facts] = redis_facts(redis_sentinel_url, PATIENCE)
    assert (facts.role, facts.node) == ("master", "127.0.0.1")


def test_each_node_of_a_cluster_has_the_credentials_of_all():
    assert nodes_of("rediss+cluster://:p@a:1,b:2/?db=0") == ("rediss://:p@a:1?db=0", "rediss://:p@b:2?db=0")
