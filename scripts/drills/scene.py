"""Where a fault is played: a service under way, what it leans on, and what can be done to each of them."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from disks import THROTTLE, Disk
from network import Network
from standby import PostgresPair

from tests.support.live import LiveService
from tests.support.postgres import PostgresServer, postgres_program
from tests.support.redis_server import RedisClusterServers, RedisServer, SentinelServers

PATIENCE_S = 180.0
OUTAGE_S = 4.0
SLOW_WRITES = 5
"""A second, of a disk that is slow: an fsync takes between a fifth of a second and one."""

_SET_CLOCK = """import time
_ns = time.time_ns
def _off():
    with open({path!r}) as file:
        return int(file.read() or 0)
time.time_ns = lambda: _ns() + _off() * 1_000_000_000
time.time = lambda: time.time_ns() / 1e9
"""


class DurablePostgres(PostgresServer):
    """What it says is written is on the disk: the tests' own servers need not, since no test cuts the power."""

    settings = ("max_connections=60", "shared_buffers=32MB", "jit=off")


@dataclass
class Scene:
    """What there is depends on the fault: who plays one says what it needs."""

    live: LiveService
    clock: Path
    disk: Disk | None = None
    network: Network | None = None
    postgres: PostgresServer | PostgresPair | None = None
    redis: RedisServer | SentinelServers | RedisClusterServers | None = None

    def stopped(self, which: Callable[[LiveService], psutil.Process]) -> None:
        process = self._there(which)
        process.suspend()
        wait(lambda: not process.is_running())

    def killed(self, which: Callable[[LiveService], psutil.Process]) -> None:
        process = self._there(which)
        process.kill()
        wait(lambda: not process.is_running())

    def _there(self, which: Callable[[LiveService], psutil.Process]) -> psutil.Process:
        """The process, once there is one: what was killed a moment ago comes back by and by."""
        wait(lambda: which(self.live))
        return which(self.live)

    def redis_promoted(self) -> float:
        """The primary is killed, its replica promoted; the old one comes back and follows. The seconds without either."""
        assert isinstance(self.redis, SentinelServers)
        began = time.monotonic()
        self.redis.primary().kill()
        self.redis.promote()
        wait(self.live.answers)
        seconds = time.monotonic() - began
        self.redis.mend()
        return seconds

    def cluster_node_killed(self) -> None:
        """A third of the slots is served by nobody for a while, and comes back empty."""
        assert isinstance(self.redis, RedisClusterServers)
        random.choice(self.redis.nodes).kill()
        time.sleep(OUTAGE_S)
        self.redis.ensure_running()

    def postgres_promoted(self) -> float:
        """The primary is killed, its standby promoted; the old one is made anew and waited for. The seconds without either."""
        assert isinstance(self.postgres, PostgresPair)
        began = time.monotonic()
        self.postgres.fail_over()
        wait(self.live.answers)
        seconds = time.monotonic() - began
        self.postgres.rebuild()
        return seconds

    def disk_failed(self) -> None:
        """The disk turns read-only; whoever works there is ended, it is checked, and they are started again."""
        assert self.disk is not None
        self.disk.turn_read_only()
        time.sleep(OUTAGE_S)
        database = self.postgres if isinstance(self.postgres, PostgresServer) else None
        self.live.stop()
        if database is not None:
            database.kill()
        self.disk.mend()
        if database is not None:
            database.start()
        self.live.start()

    def outage(self, lasting: AbstractContextManager[object]) -> None:
        """What fails for a while; whoever ended of it is started again, as its supervisor does."""
        with lasting:
            time.sleep(OUTAGE_S)
        if isinstance(self.postgres, PostgresServer):
            self.postgres.ensure_running()

    def jumped(self, seconds: int) -> None:
        """The clock jumps for a while and is set right again; the service says so, and serves on."""
        self._set(seconds)
        wait(lambda: "clock-jumped" in self._warnings())
        time.sleep(OUTAGE_S)
        self._set(0)
        wait(lambda: "clock-jumped" not in self._warnings())

    def _set(self, seconds: int) -> None:
        new = self.clock.with_suffix(".new")
        new.write_text(str(seconds))
        new.replace(self.clock)

    def _warnings(self) -> list[str]:
        found: list[str] = self.live.ask("GET", "/readyz").json["warnings"]
        return found


@dataclass(frozen=True)
class Needs:
    """What a fault needs beside a service: `stage` says what is built in another way than usual."""

    stage: str = ""
    networked: bool = field(default=False, kw_only=True)

    def missing(self, networked: bool) -> str | None:
        """Why this cannot be played here, or None."""
        if self.networked and not networked:
            return "there is no such server without --networked"
        if self.stage in ("disk", "slow disk", "network") and os.geteuid() != 0:
            return "only root mounts a disk and cuts a network"
        if self.stage == "slow disk" and not THROTTLE.exists():
            return "this kernel limits no device at the root of its cgroups"
        return None

    @contextmanager
    def scene(self, models: Path, *, networked: bool) -> Iterator[Scene]:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="authsvc-drill-")))
            # PostgreSQL gives up root, and must be able to pass through.
            folder.chmod(0o711)
            work, clock = folder / "work", folder / "clock"
            work.mkdir(mode=0o711)
            clock.write_text("0")
            disk = stack.enter_context(Disk(work)) if "disk" in self.stage else None
            network = stack.enter_context(Network()) if self.stage == "network" else None
            postgres = redis = None
            urls: dict[str, str] = {}
            if networked:
                postgres = stack.enter_context(self._postgres(work, network))
                redis = stack.enter_context(self._redis(folder, network))
                urls["database_url"] = postgres.url(postgres.create_database())
                urls["redis_url"] = redis.url
                if isinstance(redis, RedisClusterServers):
                    urls["redis_url"] = redis.url.replace("redis:", "redis+cluster:")
            environment = _clock_by(folder, clock) if self.stage == "clock" else {}
            live = stack.enter_context(LiveService(work, models, workers=2, environment=environment, **urls))
            live.await_face()
            yield Scene(live, clock, disk, network, postgres, redis)

    def _postgres(self, work: Path, network: Network | None) -> PostgresServer | PostgresPair:
        postgres, initdb = postgres_program("postgres"), postgres_program("initdb")
        if postgres is None or initdb is None:
            raise SystemExit("PostgreSQL is not installed")
        folder = work / "servers"
        folder.mkdir(mode=0o711)
        if network is not None:
            return network.postgres(postgres, initdb, folder)
        if self.stage == "standby":
            return PostgresPair(postgres, initdb, folder)
        if "disk" not in self.stage:
            return PostgresServer.create(postgres, initdb, folder)
        server = DurablePostgres.create(postgres, initdb, folder)
        os.sync()
        return server

    def _redis(
        self, folder: Path, network: Network | None
    ) -> RedisServer | SentinelServers | RedisClusterServers:
        program = shutil.which("redis-server")
        if program is None:
            raise SystemExit("Redis is not installed")
        if network is not None:
            return network.redis(program, folder)
        kinds = {"sentinel": SentinelServers, "cluster": RedisClusterServers}
        return kinds.get(self.stage, RedisServer)(program, folder)


def _clock_by(folder: Path, clock: Path) -> dict[str, str]:
    """Programs with this environment read the seconds that their clock is off from a file."""
    (folder / "python").mkdir()
    (folder / "python" / "sitecustomize.py").write_text(_SET_CLOCK.format(path=str(clock)))
    return {"PYTHONPATH": str(folder / "python")}


def wait(met: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        # While something fails, asking fails as well.
        with suppress(OSError, KeyError, ValueError):
            if met():
                return
        if time.monotonic() > deadline:
            raise TimeoutError("it did not come to that in three minutes")
        time.sleep(0.1)
