"""PostgreSQL and Redis behind a network of their own, that can be cut in either direction. Needs root.

A namespace with a pair of virtual interfaces. Packets are dropped by a token bucket that none of them fits into: not every kernel
has netem.
"""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import redis

from tests.support.postgres import PostgresServer
from tests.support.redis_server import RedisServer

_DROP = ("tbf", "rate", "8bit", "burst", "8", "limit", "8")


class Network:
    """A namespace and the way to it, for as long as the block lasts."""

    def __init__(self) -> None:
        name = secrets.token_hex(3)
        self.name, self._here, self._there = f"drill-{name}", f"dh{name}", f"dt{name}"
        # A network of its own for each run, of those that nobody routes.
        self._net = f"10.213.{secrets.randbelow(256)}"
        self.host = f"{self._net}.2"

    def __enter__(self) -> Self:
        _ip("netns", "add", self.name)
        _ip("link", "add", self._here, "type", "veth", "peer", "name", self._there, "netns", self.name)
        _ip("addr", "add", f"{self._net}.1/30", "dev", self._here)
        _ip("link", "set", self._here, "up")
        _ip("-n", self.name, "addr", "add", f"{self.host}/30", "dev", self._there)
        for device in (self._there, "lo"):
            _ip("-n", self.name, "link", "set", device, "up")
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["ip", "netns", "delete", self.name], check=False)

    @contextmanager
    def link_down(self) -> Iterator[None]:
        """As by a cable that is pulled out."""
        link = ("-n", self.name, "link", "set", self._there)
        _ip(*link, "down")
        try:
            yield
        finally:
            _ip(*link, "up")

    @contextmanager
    def deaf(self) -> Iterator[None]:
        """What is sent to them is lost; what they send arrives."""
        with _dropping((), self._here):
            yield

    @contextmanager
    def mute(self) -> Iterator[None]:
        """What is sent to them arrives, and takes effect; what they send is lost."""
        with _dropping(("-n", self.name), self._there):
            yield

    def postgres(self, program: Path, initdb: Path, folder: Path) -> PostgresServer:
        server = FarPostgres.create(program, initdb, folder)
        server.host = self.host
        with (folder / "data" / "pg_hba.conf").open("a") as file:
            file.write(f"host all all {self._net}.0/24 trust\n")
        self._move_in(server)
        return server

    def redis(self, program: str, folder: Path) -> RedisServer:
        server = FarRedis(program, folder, "--bind", "0.0.0.0", "--protected-mode", "no")  # noqa: S104  # In there is nobody else.
        server.host = self.host
        self._move_in(server)
        return server

    def _move_in(self, server: PostgresServer | RedisServer) -> None:
        """Only root goes in, and gives up root there."""
        command = ["ip", "netns", "exec", self.name]
        if server.user is not None:
            ids = f"--reuid={server.user}", f"--regid={server.user}", "--clear-groups"
            command += ["setpriv", *ids]
            server.user = None
        server.command = (*command, *server.command)


class FarPostgres(PostgresServer):
    """In there."""

    settings = (*PostgresServer.settings, "listen_addresses=*")
    host = ""

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://authsvc@{self.host}:{self.port}/{database}"


class FarRedis(RedisServer):
    """In there."""

    host = ""

    @property
    def url(self) -> str:
        return f"redis://{self.host}:{self.port}"

    def client(self) -> redis.Redis:
        return redis.Redis(self.host, self.port, socket_timeout=2, socket_connect_timeout=2)


@contextmanager
def _dropping(where: tuple[str, ...], device: str) -> Iterator[None]:
    subprocess.run(["tc", *where, "qdisc", "add", "dev", device, "root", *_DROP], check=True)
    try:
        yield
    finally:
        subprocess.run(["tc", *where, "qdisc", "delete", "dev", device, "root"], check=True)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)
