"""What Redis says about itself: whether it evicts, what it keeps, how late it is. For `authsvc doctor`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from redis import Redis, exceptions
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.retry import Retry

from authsvc.errors import ConfigurationError, Unavailable
from authsvc.storage.ephemeral_redis import nodes_of


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
    """Of the server, or of every node of the cluster that a URL names; by INFO and TIME, which hosted servers allow too.

    Raises Unavailable, and ConfigurationError for a URL that cannot be read.
    """
    nodes = nodes_of(url) if "+cluster://" in url else (url,)
    try:
        return tuple(_facts_of(node, timeout) for node in nodes)
    except ValueError:
        raise ConfigurationError("the Redis URL cannot be read") from None
    except exceptions.RedisError as error:
        raise Unavailable(f"Redis does not answer: {type(error).__name__}") from None


def _facts_of(url: str, timeout: float) -> RedisFacts:
    with Redis.from_url(
        url, retry=Retry(NoBackoff(), 0), protocol=2, socket_timeout=timeout, socket_connect_timeout=timeout
    ) as client:
        said: Mapping[str, object] = client.info("everything")
        seconds, micros = client.time()
    return RedisFacts(
        node=str(parse_url(url).get("host", "")),
        role=str(said["role"]),
        max_memory=int(str(said["maxmemory"])),
        used_memory=int(str(said["used_memory"])),
        evicts=str(said["maxmemory_policy"]),
        evicted=int(str(said["evicted_keys"])),
        appends=bool(said["aof_enabled"]),
        last_save_failed=said["rdb_last_bgsave_status"] != "ok" or said.get("aof_last_write_status") == "err",
        now=datetime.fromtimestamp(seconds + micros / 1e6, UTC),
    )
