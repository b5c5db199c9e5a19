"""The primary that Sentinels name: followed when another is promoted, and an outage while nobody is."""

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from authsvc.ephemeral import Key
from authsvc.errors import Unavailable
from authsvc.storage.ephemeral_redis import RedisEphemeral
from authsvc.storage.redis_facts import redis_facts
from authsvc.storage.redis_servers import nodes_of
from tests.support.certificates import Authority
from tests.support.redis_server import RedisServer, Secured, SentinelServers

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


# -- Under TLS, with passwords ------------------------------------------------------------------------------------------------

PASSWORD, SENTINELS_PASSWORD = "of-the-data", "of-the-sentinels"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("redis-authority"))


@pytest.fixture(scope="module")
def secured(redis_program: str, server_folder: Path, authority: Authority) -> Iterator[SentinelServers]:
    pair = authority.issue("localhost")
    data, sentinel = (Secured(authority.ca, pair, each) for each in (PASSWORD, SENTINELS_PASSWORD))
    with SentinelServers(redis_program, server_folder, data, sentinel) as servers:
        yield servers


def url_of(
    servers: SentinelServers,
    ca: Path,
    password: str = PASSWORD,
    sentinels: str = SENTINELS_PASSWORD,
    scheme: str = "rediss+sentinel",
) -> str:
    at = f"{scheme}://:{password}@127.0.0.1:{servers.sentinel.port}/{servers.SERVICE}"
    trusted = f"&ssl_ca_certs={ca}" if scheme.startswith("rediss") else ""
    return f"{at}?sentinel_password={sentinels}{trusted}"


def test_under_tls_and_with_passwords_it_counts_on_after_a_promotion(
    secured: SentinelServers, authority: Authority
):
    secured.ready()
    with closing(RedisEphemeral(url_of(secured, authority.ca), PATIENCE)) as store:
        assert store.increment(KEY, DAY) == 1
        replicated(secured.replica(), 1)
        secured.promote()
        assert counted(store) == 2
    [facts] = redis_facts(url_of(secured, authority.ca), PATIENCE)
    assert facts.role == "master"


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "another"},
        {"sentinels": "another"},
        {"password": "", "sentinels": ""},
        {"scheme": "redis+sentinel"},
        {"ca": None},
    ],
    ids=str,
)
def test_what_is_not_let_in_is_an_outage(
    secured: SentinelServers, authority: Authority, tmp_path: Path, wrong: dict[str, Any]
):
    secured.ready()
    given = {"ca": authority.ca, **wrong}
    given["ca"] = given["ca"] or Authority(tmp_path, "another").ca
    with closing(RedisEphemeral(url_of(secured, **given), PATIENCE)) as store, pytest.raises(Unavailable):
        store.increment(KEY, DAY)


def test_each_node_of_a_cluster_has_the_credentials_of_all():
    assert nodes_of("rediss+cluster://:p@a:1,b:2/?db=0") == ("rediss://:p@a:1?db=0", "rediss://:p@b:2?db=0")
