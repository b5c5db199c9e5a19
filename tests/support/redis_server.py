"""A Redis server, a Redis Cluster of three masters, and a pair that a Sentinel watches, of the test run's own."""

import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.support.certificates import Pair
from tests.support.ports import free_port
from tests.support.server import Server

_SLOTS = 16_384
_ONCE = Retry(NoBackoff(), 0)


@dataclass(frozen=True)
class Secured:
    """TLS alone, and a password."""

    authority: Path
    pair: Pair
    password: str

    def options(self, port: int) -> dict[str, str]:
        """What a server that listens there is told."""
        return {
            "port": "0",
            "tls-port": str(port),
            "tls-replication": "yes",
            "tls-auth-clients": "no",
            "tls-ca-cert-file": str(self.authority),
            "tls-cert-file": str(self.pair.certificate),
            "tls-key-file": str(self.pair.key),
            "requirepass": self.password,
        }


class RedisServer(Server):
    """One redis-server that keeps nothing on disk: started again, it is empty."""

    def __init__(self, program: str, folder: Path, *extra: str, secured: Secured | None = None) -> None:
        port = free_port()
        self.secured = secured
        told = {"port": str(port)} if secured is None else secured.options(port)
        told |= {} if secured is None else {"masterauth": secured.password}
        command = [program, *(word for name, value in told.items() for word in (f"--{name}", value))]
        command += ["--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
        super().__init__([*command, *extra], port=port, log=folder / f"redis-{port}.log")

    @property
    def url(self) -> str:
        """A `redis://` URL of this server."""
        return f"redis://127.0.0.1:{self.port}"

    def client(self) -> redis.Redis:
        """A new client that gives up after two seconds and tries once; the caller closes it."""
        patience: dict[str, Any] = {"socket_timeout": 2, "socket_connect_timeout": 2, "retry": _ONCE}
        if self.secured is None:
            return redis.Redis(port=self.port, **patience)
        trusted, password = str(self.secured.authority), self.secured.password
        # By address: the certificate is for 127.0.0.1 too.
        return redis.Redis(
            "127.0.0.1", self.port, ssl=True, ssl_ca_certs=trusted, password=password, **patience
        )

    def answers(self) -> bool:
        """Whether a PING is answered."""
        with self.client() as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    def value(self, name: str) -> bytes | None:
        """What lies under a name; None also where the server does not answer."""
        with self.client() as client:
            try:
                found: bytes | None = client.get(name)
            except redis.RedisError:
                return None
        return found

    def flush(self) -> None:
        """Forgets every key."""
        with self.client() as client:
            client.flushall()


class RedisClusterServers:
    """Three masters without replicas that share the slots: real hash slots, real MOVED and CROSSSLOT answers."""

    def __init__(self, program: str, folder: Path) -> None:
        self.nodes = tuple(_ClusterNode(program, folder, name) for name in ("a", "b", "c"))
        self._stack = ExitStack()

    @property
    def url(self) -> str:
        """The `redis://` URL of the first node, from which a cluster client learns the others."""
        return self.nodes[0].url

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for node in self.nodes:
                stack.enter_context(node)
            self._form()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def flush(self) -> None:
        """Forgets every key on every node."""
        for node in self.nodes:
            node.flush()

    def ensure_running(self) -> None:
        """Makes good what an outage test left behind, and returns when every node calls the cluster whole."""
        for node in self.nodes:
            node.ensure_running()
        self._wait_until_whole()

    def _form(self) -> None:
        """Gives each node its third of the slots and introduces the others to the first."""
        first, bounds = self.nodes[0], [round(_SLOTS * third / 3) for third in range(4)]
        for number, node in enumerate(self.nodes):
            with node.client() as client:
                client.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
                client.execute_command("CLUSTER ADDSLOTSRANGE", bounds[number], bounds[number + 1] - 1)
                if node is not first:
                    client.execute_command("CLUSTER MEET", "127.0.0.1", first.port, first.bus_port)
        self._wait_until_whole()

    def _wait_until_whole(self) -> None:
        deadline = time.monotonic() + 30
        while not all(node.sees_whole_cluster(len(self.nodes)) for node in self.nodes):
            if time.monotonic() > deadline:
                raise RuntimeError("the Redis nodes do not form a cluster")
            time.sleep(0.05)


class _ClusterNode(RedisServer):
    """A node with a bus port of its own, since the default (port + 10000) may be taken; its slots survive a kill."""

    def __init__(self, program: str, folder: Path, name: str) -> None:
        self.bus_port = free_port()
        options = {
            "cluster-enabled": "yes",
            "cluster-config-file": f"nodes-{name}.conf",
            "cluster-node-timeout": "1000",
            "cluster-port": str(self.bus_port),
        }
        super().__init__(
            program, folder, *(word for key, value in options.items() for word in (f"--{key}", value))
        )

    def sees_whole_cluster(self, size: int) -> bool:
        """Whether this node knows `size` nodes and finds every slot served."""
        with self.client() as client:
            info = client.cluster("INFO")
        return info["cluster_state"] == "ok" and int(info["cluster_known_nodes"]) == size


class SentinelServers:
    """A primary, its replica and a Sentinel that watches them, and promotes when it is told to: no busy machine is an outage."""

    SERVICE = "authsvc"

    def __init__(
        self, program: str, folder: Path, secured: Secured | None = None, sentinel: Secured | None = None
    ) -> None:
        """`secured` are the two that hold data, `sentinel` is who watches them."""
        first = RedisServer(program, folder, secured=secured)
        second = RedisServer(program, folder, "--replicaof", "127.0.0.1", str(first.port), secured=secured)
        self.nodes = (first, second)
        self.sentinel = _SentinelServer(program, folder, self.SERVICE, first, sentinel)
        self._stack = ExitStack()

    @property
    def url(self) -> str:
        """Names a Sentinel that is not there, and then the one that is."""
        return f"redis+sentinel://127.0.0.1:{free_port()},127.0.0.1:{self.sentinel.port}/{self.SERVICE}"

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for server in (*self.nodes, self.sentinel):
                stack.enter_context(server)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def primary(self) -> RedisServer:
        """Whom the Sentinel names."""
        with self.sentinel.client() as client:
            _, port = client.sentinel_get_master_addr_by_name(self.SERVICE)
        return next(node for node in self.nodes if node.port == int(port))

    def replica(self) -> RedisServer:
        primary = self.primary()
        return next(node for node in self.nodes if node is not primary)

    def promote(self) -> None:
        """The replica becomes the primary, whether the primary lives or not; returns when it is named."""
        before = self.primary()
        self._until(lambda: self._begins_to_promote() and self._has_promoted_instead_of(before))

    def _begins_to_promote(self) -> bool:
        """Not while the Sentinel has had no fresh news of the replica, as on a busy machine."""
        with self.sentinel.client() as client:
            try:
                client.execute_command("SENTINEL", "FAILOVER", self.SERVICE)
            except redis.ResponseError as error:
                if not str(error).startswith("NOGOODSLAVE"):
                    raise
                return False
        return True

    def _has_promoted_instead_of(self, before: RedisServer) -> bool:
        """When it is over: a Sentinel gives up where the replica was silent for a moment, and is to be told again."""
        self._until(lambda: not self._is_promoting())
        return self.primary() is not before

    def _is_promoting(self) -> bool:
        with self.sentinel.client() as client:
            return "failover_in_progress" in client.sentinel_master(self.SERVICE)["flags"]

    def ready(self) -> None:
        """Makes good what an outage test left behind, empties the primary, and returns when its replica follows."""
        self._start_the_dead()
        self._until(self._is_whole_and_empty)

    def mend(self) -> None:
        """The same, and nothing is emptied."""
        self._start_the_dead()
        self._until(self._is_whole)

    def _start_the_dead(self) -> None:
        for server in (*self.nodes, self.sentinel):
            server.ensure_running()

    def _is_whole(self) -> bool:
        try:
            return self._follows()
        except redis.RedisError:
            return False

    def _is_whole_and_empty(self) -> bool:
        try:
            if not self._follows():
                return False
            self.primary().flush()
        except redis.RedisError:
            # Whom the Sentinel gives another role loses its connections.
            return False
        return True

    def _follows(self) -> bool:
        with self.replica().client() as client, self.sentinel.client() as watcher:
            said = client.info("replication")
            known = watcher.sentinel_master(self.SERVICE)
        return (
            said["role"] == "slave"
            and said["master_link_status"] == "up"
            and int(said["master_port"]) == self.primary().port
            and int(known["num-slaves"]) == 1
            and not self._is_promoting()
        )

    def _until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 90
        while not holds():
            if time.monotonic() > deadline:
                raise RuntimeError("the Sentinel does not bring its Redis to order")
            time.sleep(0.05)


class _SentinelServer(RedisServer):
    """`redis-server` in the other of its two roles; it keeps what it knows in its configuration."""

    def __init__(
        self, program: str, folder: Path, service: str, primary: RedisServer, secured: Secured | None
    ) -> None:
        super().__init__(program, folder, secured=secured)
        configuration = folder / f"sentinel-{self.port}.conf"
        told = {"port": str(self.port)} if secured is None else secured.options(self.port)
        own = "".join(f"{name} {value}\n" for name, value in told.items())
        theirs = primary.secured and f"sentinel auth-pass {service} {primary.secured.password}\n"
        configuration.write_text(
            f"{own}bind 127.0.0.1\ndir {folder}\n"
            f"sentinel monitor {service} 127.0.0.1 {primary.port} 1\n"
            f"sentinel down-after-milliseconds {service} 600000\n{theirs or ''}"
        )
        self.command = (program, str(configuration), "--sentinel")

    def start(self) -> None:
        """It looks at its two five times a second: every ten seconds, as by default, its news of a promotion is that old."""
        super().start()
        # Redis 6 cannot be told, and is waited for.
        with self.client() as client, suppress(redis.ResponseError):
            client.execute_command("SENTINEL", "DEBUG", "info-period", 200, "publish-period", 200)
