"""Short-lived state in Redis or Redis Cluster, for installations of more than one host.

An entry lies under `authsvc:{owner}:name`. The braces are the hash tag by which a cluster keeps an owner's keys on one
node; no operation touches two keys, so none can cross slots. A call that ended in Unavailable may still take effect.
"""

from __future__ import annotations

import hashlib
import logging
import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Protocol, TypeVar
from urllib.parse import quote, urlsplit

from redis import Redis, exceptions
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.connection import parse_url
from redis.retry import Retry

from authsvc.ephemeral import Key
from authsvc.errors import ConfigurationError, Unavailable
from authsvc.storage.doubt import Doubt

T = TypeVar("T")

# The count that creates a key sets its time to live in the same step: no crash can leave a count for ever.
_INCREMENT = """local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return count"""
_INCREMENT_DIGEST = hashlib.sha1(_INCREMENT.encode(), usedforsecurity=False).hexdigest()

# Whether to try again is the caller's to decide; redis-py's default goes on for seconds.
_ONCE = Retry(NoBackoff(), 0)
# RESP 3 would bring maintenance notices by which a server may lengthen our time-outs.
_RESP = 2
_CLUSTER_THREADS = 64

_log = logging.getLogger(__name__)


class RedisEphemeral:
    """`Ephemeral` in one Redis (`redis://`, `rediss://`) or in a cluster (`redis+cluster://host:port,host:port`, `rediss+…`).

    Password, TLS files and the like are read from the URL, as redis-py reads them. `timeout` bounds every call, in seconds.
    Connects on first use, so that the service can start, and refuse, without Redis. Raises ConfigurationError for a URL
    that cannot be read.
    """

    def __init__(self, url: str, timeout: float) -> None:
        # At DEBUG redis-py writes out whole commands, and with them what is stored.
        logging.getLogger("redis").setLevel(logging.INFO)
        self._server = _server(url, timeout)

    def put(self, key: Key, value: bytes, ttl: timedelta) -> None:
        self._execute("SET", _name(key), value, "PX", _millis(ttl))

    def get(self, key: Key) -> bytes | None:
        return _bytes(self._execute("GET", _name(key)))

    def take(self, key: Key) -> bytes | None:
        return _bytes(self._execute("GETDEL", _name(key)))

    def add(self, key: Key, value: bytes, ttl: timedelta) -> bool:
        return self._execute("SET", _name(key), value, "NX", "PX", _millis(ttl)) is not None

    def increment(self, key: Key, ttl: timedelta) -> int:
        arguments = (1, _name(key), _millis(ttl))
        try:
            return int(str(self._execute("EVALSHA", _INCREMENT_DIGEST, *arguments)))
        except _ScriptUnknown:
            # EVAL teaches the script to the one node that needs it; SCRIPT LOAD would ask every node of a cluster.
            return int(str(self._execute("EVAL", _INCREMENT, *arguments)))

    def delete(self, key: Key) -> None:
        self._execute("DEL", _name(key))

    def ping(self) -> None:
        self._execute("PING")

    def close(self) -> None:
        """Let go of every connection."""
        self._server.close()

    def _execute(self, *command: object) -> object:
        try:
            return self._server.execute(*command)
        except exceptions.NoScriptError:
            raise _ScriptUnknown from None
        except Exception as error:  # noqa: BLE001 - a server that answers garbage makes redis-py raise nearly anything.
            # `from None`: some of redis-py's messages quote the command, and with it what is stored.
            _log.warning("redis did not answer: %s", type(error).__name__)
            raise Unavailable("the short-lived store does not answer", retry_after=1) from None


class _ScriptUnknown(Exception):
    """This node has not seen the script yet, or has been restarted since."""


class _Server(Protocol):
    def execute(self, *command: object) -> object:
        """The server's answer, or any exception at all."""

    def close(self) -> None: ...


class _Single:
    """One Redis: its socket time-outs bound a call, since the first silence ends it."""

    def __init__(self, url: str, timeout: float) -> None:
        self._doubt = Doubt("the short-lived store does not answer")
        self._client = Redis.from_url(
            url, retry=_ONCE, protocol=_RESP, socket_timeout=timeout, socket_connect_timeout=timeout
        )

    def execute(self, *command: object) -> object:
        # Not for a cluster, of which one node may be silent and the others answer.
        with self._doubt.asking():
            try:
                answer: object = self._client.execute_command(*command)
            except (exceptions.ConnectionError, exceptions.TimeoutError):
                self._doubt.raise_()
                raise
            self._doubt.settle()
            return answer

    def close(self) -> None:
        self._client.close()


class _Cluster:
    """A cluster: a call that fails also refreshes the map of nodes, one silent node after another, behind one lock.

    So a call is waited for, not trusted to end: it runs on a thread of a bounded pool and may be left behind there. It
    cannot repeat itself, and the map that it learns serves the next call.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self._nodes = nodes_of(url)
        self._timeout = timeout
        self._client: RedisCluster | None = None
        self._connecting = threading.Lock()
        self._threads = ThreadPoolExecutor(_CLUSTER_THREADS, thread_name_prefix="redis-cluster")

    def execute(self, *command: object) -> object:
        return self._in_time(lambda: self._connected().execute_command(*command))

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        if self._client is not None:
            self._client.close()

    def _in_time(self, call: Callable[[], T]) -> T:
        answer = self._threads.submit(call)
        try:
            return answer.result(self._timeout)
        finally:
            answer.cancel()

    def _connected(self) -> RedisCluster:
        with self._connecting:
            if self._client is None:
                # Half the time, so that one silent node leaves some in which to hear from the others.
                patience = self._timeout / 2
                self._client = RedisCluster(
                    url=self._nodes[0],
                    startup_nodes=[_startup_node(url) for url in self._nodes[1:]],
                    retry=_ONCE,
                    protocol=_RESP,
                    socket_timeout=patience,
                    socket_connect_timeout=patience,
                )
            return self._client


def _server(url: str, timeout: float) -> _Server:
    try:
        return _Cluster(url, timeout) if "+cluster://" in url else _Single(url, timeout)
    except ValueError as error:
        # Neither the URL nor the library's words about it: it may hold a password.
        raise ConfigurationError(
            f"the Redis URL cannot be read ({type(error).__name__}); expected `redis://`, `rediss://`, "
            "`redis+cluster://host:port,host:port` or `rediss+cluster://…`"
        ) from None


def nodes_of(url: str) -> tuple[str, ...]:
    """`redis+cluster://user:password@a:1,b:2/?option` as one `redis://` URL for each node."""
    parts = urlsplit(url)
    scheme = {"redis+cluster": "redis", "rediss+cluster": "rediss"}.get(parts.scheme)
    credentials, at, hosts = parts.netloc.rpartition("@")
    if scheme is None or not all(hosts.split(",")):
        raise ValueError("not the URL of a Redis Cluster")
    query = f"?{parts.query}" if parts.query else ""
    urls = tuple(f"{scheme}://{credentials}{at}{host}{query}" for host in hosts.split(","))
    for node in urls:
        parse_url(node)
    return urls


def _startup_node(url: str) -> ClusterNode:
    options = parse_url(url)
    return ClusterNode(options["host"], options.get("port", 6379))


def _name(key: Key) -> str:
    # Percent-encoded, because a brace in the owner's name would end the hash tag early.
    return f"authsvc:{{{quote(key.owner, safe='')}}}:{key.name}"


def _millis(ttl: timedelta) -> int:
    return max(1, math.ceil(ttl / timedelta(milliseconds=1)))


def _bytes(answer: object) -> bytes | None:
    if answer is None or isinstance(answer, bytes):
        return answer
    _log.warning("redis answered with a %s where bytes were expected", type(answer).__name__)
    raise Unavailable("the short-lived store sent an unreadable response", retry_after=1)
