"""A Redis server, and a Redis Cluster of three masters, of the test run's own."""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.support.ports import free_port
from tests.support.server import Server

_SLOTS = 16_384
_ONCE = Retry(NoBackoff(), 0)


class RedisServer(Server):
    """One redis-server that keeps nothing on disk: started again, it is empty."""

    def __init__(self, program: str, folder: Path, *extra: str) -> None:
        port = free_port()
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
        super().__init__([*command, *extra], port=port, log=folder / f"redis-{port}.log")

    @property
    def url(self) -> str:
        """A `redis://` URL of this server."""
        return f"redis://127.0.0.1:{self.port}"

    def client(self) -> redis.Redis:
        """A new client that gives up after two seconds and tries once; the caller closes it."""
        return redis.Redis(port=self.port, socket_timeout=2, socket_connect_timeout=2, retry=_ONCE)

    def answers(self) -> bool:
        """Whether a PING is answered."""
        with self.client() as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

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
