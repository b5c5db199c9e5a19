"""A PostgreSQL cluster of the test run's own, with a new database for every test that asks."""

import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql

from tests.support.ports import free_port
from tests.support.server import Server

_DEBIAN_HOME = Path("/usr/lib/postgresql")
# A crash of the *program* loses nothing without fsync, and no test can cut the power.
_SETTINGS = ("fsync=off", "full_page_writes=off", "max_connections=60", "shared_buffers=32MB", "jit=off")


def postgres_program(name: str) -> Path | None:
    """Where `initdb` or `postgres` is: Debian keeps them off the PATH, in a folder for each version."""
    found = shutil.which(name)
    candidates = [Path(found)] if found else sorted(_DEBIAN_HOME.glob(f"*/bin/{name}"), key=_version)
    return candidates[-1] if candidates else None


def _version(program: Path) -> float:
    return float(program.parent.parent.name)


class PostgresServer(Server):
    """One cluster, superuser `authsvc`, reached without a password from this machine only."""

    # SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for every client to leave.
    stop_signal = signal.SIGINT
    settings: tuple[str, ...] = _SETTINGS

    def __init__(self, postgres: Path, data: Path, *, user: str | None) -> None:
        port = free_port()
        options = (
            "listen_addresses=127.0.0.1",
            f"port={port}",
            f"unix_socket_directories={data}",
            *self.settings,
        )
        command = [str(postgres), "-D", str(data), *(word for option in options for word in ("-c", option))]
        super().__init__(command, port=port, log=data.with_suffix(".log"), user=user)

    @classmethod
    def create(cls, postgres: Path, initdb: Path, folder: Path) -> Self:
        """Lays the cluster out under `folder`, as the `postgres` user where we are root: initdb refuses root."""
        user = "postgres" if os.geteuid() == 0 else None
        if user is not None:
            shutil.chown(folder, user)
        data = folder / "data"
        subprocess.run(
            [
                initdb,
                "-D",
                data,
                "-U",
                "authsvc",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )
        return cls(postgres, data, user=user)

    def url(self, database: str = "postgres") -> str:
        """A `postgresql://` URL of one database, as libpq and psycopg read it."""
        return f"postgresql://authsvc@127.0.0.1:{self.port}/{database}"

    def answers(self) -> bool:
        """Whether a client can sign in."""
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def create_database(self, template: str = "template1") -> str:
        """The name of a new database: empty, or a copy of one that nobody is connected to."""
        name = f"test_{secrets.token_hex(6)}"
        words = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self._execute(words.format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop_database(self, name: str) -> None:
        """Removes a database together with whatever is still connected to it."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)
