"""A PostgreSQL primary and its synchronous standby, that can change places as often as one likes."""

from __future__ import annotations

import shutil
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import psycopg

from tests.support.postgres import PostgresServer, postgres_program


class PostgresPair:
    """Two servers, each on a port that it keeps; `primary` is the one that is written to."""

    def __init__(self, postgres: Path, initdb: Path, folder: Path) -> None:
        self.primary = PostgresServer.create(postgres, initdb, folder)
        self.standby = PostgresServer(postgres, folder / "other", user=self.primary.user)
        self._folders = {self.primary: folder / "data", self.standby: folder / "other"}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.primary)
            stack.callback(self.standby.stop)
            self._follow()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def create_database(self) -> str:
        return self.primary.create_database()

    def url(self, database: str) -> str:
        """Names both, and asks for whichever takes writes."""
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in self._folders)
        return f"postgresql://authsvc@{hosts}/{database}?target_session_attrs=read-write"

    def fail_over(self) -> None:
        """The primary is killed and the standby promoted."""
        self.primary.kill()
        self.primary, self.standby = self.standby, self.primary
        with psycopg.connect(self.primary.url(), autocommit=True) as connection:
            connection.execute("SELECT pg_promote(true, 60)")
        # It has no standby of its own yet: whoever promotes says so, or each commit waits for one.
        self._wait_for_standbys("")

    def rebuild(self) -> None:
        """The one that was killed is made anew from its successor, and commits wait for it again."""
        shutil.rmtree(self._folders[self.standby])
        self._follow()

    def _follow(self) -> None:
        program, user = postgres_program("pg_basebackup"), self.standby.user
        if program is None:
            raise SystemExit("pg_basebackup is not installed")
        where = ["-h", "127.0.0.1", "-p", str(self.primary.port), "-U", "authsvc"]
        command = [
            str(program),
            *where,
            "-D",
            str(self._folders[self.standby]),
            "-R",
            "-c",
            "fast",
            "--no-sync",
        ]
        groups: list[str] | None = None if user is None else []
        subprocess.run(command, check=True, capture_output=True, user=user, group=user, extra_groups=groups)
        self.standby.start()
        self._wait_for_standbys("*")
        deadline = time.monotonic() + 60
        while not self._is_synchronous():
            if time.monotonic() > deadline:
                raise RuntimeError("the standby does not follow")
            time.sleep(0.05)

    def _wait_for_standbys(self, which: str) -> None:
        with psycopg.connect(self.primary.url(), autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{which}'")
            connection.execute("SELECT pg_reload_conf()")

    def _is_synchronous(self) -> bool:
        with psycopg.connect(self.primary.url(), autocommit=True) as connection:
            found = connection.execute("SELECT sync_state FROM pg_stat_replication").fetchall()
        return found == [("sync",)]
