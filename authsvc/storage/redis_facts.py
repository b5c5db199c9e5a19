"""What Redis says about itself: whether it evicts, what it keeps, how late it is. For `authsvc doctor`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from redis import Redis, exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import SentinelConnectionPool

from authsvc.errors import ConfigurationError, Unavailable
from authsvc.storage.redis_servers import nodes_of, watched


@dataclass(frozen=True, slots=True)
class RedisFacts:
    """What one node says about itself; `max_memory` is 0 where nothing bounds it."""

    node: str
    role: str
    max_memory: int
    used_memory: int
    evicts: str
    evicted: int
    appends: bool
    last_save_failed: bool
    now: datetime


def redis_facts(url: str, timeout: float) -> tuple[RedisFacts, ...]:
    """Of the server, of every node of the cluster, or of the primary that the Sentinels name, as a URL says; by INFO and TIME,
    which hosted servers allow too.

    Raises Unavailable, and ConfigurationError for a URL that cannot be read.
    """
    try:
        if "+sentinel://" in url:
            return (_facts_of(watched(url, timeout)()),)
        nodes = nodes_of(url) if "+cluster://" in url else (url,)
        return tuple(_facts_of(_client(node, timeout)) for node in nodes)
    except ValueError:
        raise ConfigurationError("the Redis URL cannot be read") from None
    except exceptions.RedisError as error:
        raise Unavailable(f"Redis does not answer: {type(error).__name__}") from None


def _client(url: str, timeout: float) -> Redis:
    return Redis.from_url(
        url, retry=Retry(NoBackoff(), 0), protocol=2, socket_timeout=timeout, socket_connect_timeout=timeout
    )


def _facts_of(client: Redis) -> RedisFacts:
    with client:
        said: Mapping[str, object] = client.info("everything")
        seconds, micros = client.time()
        node = _node(client)
    return RedisFacts(
        node=node,
        role=str(said["role"]),
        max_memory=int(str(said["maxmemory"])),
        used_memory=int(str(said["used_memory"])),
        evicts=str(said["maxmemory_policy"]),
        evicted=int(str(said["evicted_keys"])),
        appends=bool(said["aof_enabled"]),
        last_save_failed=said["rdb_last_bgsave_status"] != "ok" or said.get("aof_last_write_status") == "err",
        now=datetime.fromtimestamp(seconds + micros / 1e6, UTC),
    )


def _node(client: Redis) -> str:
    """Which host answered."""
    pool = client.connection_pool
    if isinstance(pool, SentinelConnectionPool):
        host, _ = pool.get_master_address()
        return str(host)
    return str(pool.connection_kwargs.get("host", ""))
