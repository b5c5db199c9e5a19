"""How the Redis of a URL is reached within a bound: one server, a cluster, or the primary that Sentinels name.

`redis://`, `redis+cluster://host:port,host:port`, `redis+sentinel://host:port,host:port/NAME`, each with `rediss` for TLS;
password, TLS files and the like are read from the URL, as redis-py reads them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol
from urllib.parse import urlsplit

from redis import Redis, exceptions
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.connection import parse_url
from redis.retry import Retry
from redis.sentinel import Sentinel

from authsvc.errors import ConfigurationError
from authsvc.storage.doubt import Doubt

# Whether to try again is the caller's to decide; redis-py's default goes on for seconds.
_ONCE = Retry(NoBackoff(), 0)
# RESP 3 would bring maintenance notices by which a server may lengthen our time-outs.
_RESP = 2
_THREADS = 64
_SENTINEL_PORT = 26379

_Client = Redis | RedisCluster


class Server(Protocol):
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


class _Waited:
    """Several nodes: a call that fails also looks for the right one, one silent node after another, behind one lock.

    So a call is waited for, not trusted to end: it runs on a thread of a bounded pool and may be left behind there. It
    cannot repeat itself, and what it learns serves the next call.
    """

    def __init__(self, connect: Callable[[], _Client], timeout: float) -> None:
        self._connect = connect
        self._timeout = timeout
        self._client: _Client | None = None
        self._connecting = threading.Lock()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="redis")

    def execute(self, *command: object) -> object:
        answer = self._threads.submit(self._ask, *command)
        try:
            return answer.result(self._timeout)
        finally:
            answer.cancel()

    def _ask(self, *command: object) -> object:
        answer: object = self._connected().execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py's.
        return answer

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        if self._client is not None:
            self._client.close()

    def _connected(self) -> _Client:
        with self._connecting:
            if self._client is None:
                self._client = self._connect()
            return self._client


def server_of(url: str, timeout: float) -> Server:
    """Connects on first use; raises ConfigurationError for a URL that cannot be read."""
    try:
        if "+cluster://" in url:
            return _Waited(_cluster(url, timeout), timeout)
        if "+sentinel://" in url:
            return _Waited(watched(url, timeout), timeout)
        return _Single(url, timeout)
    except ValueError as error:
        # Neither the URL nor the library's words about it: it may hold a password.
        raise ConfigurationError(
            f"the Redis URL cannot be read ({type(error).__name__}); expected `redis://`, "
            "`redis+cluster://host:port,host:port` or `redis+sentinel://host:port,host:port/NAME`, each with `rediss` for TLS"
        ) from None


def nodes_of(url: str) -> tuple[str, ...]:
    """`redis+cluster://user:password@a:1,b:2/?option` as one `redis://` URL for each node."""
    return _nodes(url, "cluster", "")


def watched(url: str, timeout: float) -> Callable[[], Redis]:
    """Makes a client of the primary that the Sentinels name: `redis+sentinel://user:password@a:26379,b:26379/NAME?option`.

    Credentials and options are the primary's, but for `sentinel_username` and `sentinel_password`.
    """
    name = urlsplit(url).path.strip("/")
    sentinels = [dict(parse_url(node)) for node in _nodes(url, "sentinel", name)]
    if not name:
        raise ValueError("not the URL of a Redis behind Sentinels")
    options = sentinels[0] | _bounds(timeout)
    is_encrypted = options.pop("connection_class", None) is not None
    own = {
        key.removeprefix("sentinel_"): options.pop(key) for key in [*options] if key.startswith("sentinel_")
    }
    shared = {
        key: value
        for key, value in options.items()
        if key.startswith(("socket_", "ssl_", "retry", "protocol"))
    }
    hosts = [(node["host"], node.get("port", _SENTINEL_PORT)) for node in sentinels]
    options = {key: value for key, value in options.items() if key not in ("host", "port")}

    def connect() -> Redis:
        found = Sentinel(hosts, sentinel_kwargs={"ssl": is_encrypted, **shared, **own})
        client: Redis = found.master_for(name, ssl=is_encrypted, **options)
        return client

    return connect


def _cluster(url: str, timeout: float) -> Callable[[], RedisCluster]:
    first, *others = nodes_of(url)
    nodes = [_startup_node(node) for node in others]
    return lambda: RedisCluster(url=first, startup_nodes=nodes, **_bounds(timeout))


def _bounds(timeout: float) -> dict[str, Any]:
    """Half the time, so that one silent node leaves some in which to hear from the others."""
    patience = timeout / 2
    return {"retry": _ONCE, "protocol": _RESP, "socket_timeout": patience, "socket_connect_timeout": patience}


def _nodes(url: str, kind: str, service: str) -> tuple[str, ...]:
    parts = urlsplit(url)
    scheme = {f"redis+{kind}": "redis", f"rediss+{kind}": "rediss"}.get(parts.scheme)
    credentials, at, hosts = parts.netloc.rpartition("@")
    if scheme is None or not all(hosts.split(",")) or parts.path.strip("/") != service:
        raise ValueError(f"not a URL of {kind} nodes")
    query = f"?{parts.query}" if parts.query else ""
    urls = tuple(f"{scheme}://{credentials}{at}{host}{query}" for host in hosts.split(","))
    for node in urls:
        parse_url(node)
    return urls


def _startup_node(url: str) -> ClusterNode:
    options = parse_url(url)
    return ClusterNode(options["host"], options.get("port", 6379))
