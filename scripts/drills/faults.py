"""Stop, kill and freeze what a service consists of and leans on, twenty times each, while people pay.

Goes on where an earlier run ended: what is done stands in `--state`, by fault. Ends with 1 when an answer was lost, something was
accepted twice or the audit log does not verify. The clock is that of the service's programs alone (`time.time_ns`, set by a
file): whoever set the machine's would set it for everybody.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from statistics import median

import psutil

_CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(_CHECKOUT))

from tests.guarantees.storm import Payers, judge  # noqa: E402  # The checkout is on the path only now.
from tests.support.live import LiveService  # noqa: E402
from tests.support.postgres import PostgresServer, postgres_program  # noqa: E402
from tests.support.redis_server import RedisServer, SentinelServers  # noqa: E402
from tests.support.server import Server  # noqa: E402

PATIENCE_S = 180.0
OUTAGE_S = 4.0
HOUR = 3600

_SET_CLOCK = """import time
_ns = time.time_ns
def _off():
    with open({path!r}) as file:
        return int(file.read() or 0)
time.time_ns = lambda: _ns() + _off() * 1_000_000_000
time.time = lambda: time.time_ns() / 1e9
"""

Servers = tuple[PostgresServer, RedisServer | SentinelServers]


class Scene:
    """A service under way, the servers that it leans on, and the file that sets its clock."""

    def __init__(self, live: LiveService, servers: Servers | None, clock: Path) -> None:
        self.live, self.clock = live, clock
        self.servers: dict[str, Server] = {}
        self.sentinel: SentinelServers | None = None
        if servers is not None:
            self.servers["postgres"] = servers[0]
            if isinstance(servers[1], SentinelServers):
                self.sentinel = servers[1]
            else:
                self.servers["redis"] = servers[1]

    def stopped(self, which: Callable[[LiveService], psutil.Process]) -> None:
        process = which(self.live)
        process.suspend()
        _wait(lambda: not process.is_running())

    def killed(self, which: Callable[[LiveService], psutil.Process]) -> None:
        process = which(self.live)
        process.kill()
        _wait(lambda: not process.is_running())

    def silent(self, name: str) -> None:
        with self.servers[name].frozen():
            time.sleep(OUTAGE_S)

    def gone(self, name: str) -> None:
        self.servers[name].kill()
        self.servers[name].start()

    def promoted(self) -> None:
        """The primary is killed, its replica promoted; the old one comes back and follows."""
        if self.sentinel is None:
            raise ValueError("no Sentinel watches this Redis")
        self.sentinel.primary().kill()
        self.sentinel.promote()
        self.sentinel.mend()

    def jumped(self, seconds: int) -> None:
        """The clock jumps for a while and is set right again; the service says so, and serves on."""
        self._set(seconds)
        _wait(lambda: "clock-jumped" in self._warnings())
        time.sleep(OUTAGE_S)
        self._set(0)
        _wait(lambda: "clock-jumped" not in self._warnings())

    def _set(self, seconds: int) -> None:
        new = self.clock.with_suffix(".new")
        new.write_text(str(seconds))
        new.replace(self.clock)

    def _warnings(self) -> list[str]:
        found: list[str] = self.live.ask("GET", "/readyz").json["warnings"]
        return found


def _web(live: LiveService) -> psutil.Process:
    return random.choice(live.web_processes())


PROMOTED = "Redis killed and its replica promoted"

FAULTS: dict[str, Callable[[Scene], None]] = {
    "a web process stopped": lambda scene: scene.stopped(_web),
    "the sender stopped": lambda scene: scene.stopped(LiveService.sender_process),
    "the biometric worker stopped": lambda scene: scene.stopped(LiveService.biometric_process),
    "a web process killed": lambda scene: scene.killed(_web),
    "the sender killed": lambda scene: scene.killed(LiveService.sender_process),
    "the biometric worker killed": lambda scene: scene.killed(LiveService.biometric_process),
    "PostgreSQL silent": lambda scene: scene.silent("postgres"),
    "PostgreSQL killed": lambda scene: scene.gone("postgres"),
    "Redis silent": lambda scene: scene.silent("redis"),
    "Redis killed": lambda scene: scene.gone("redis"),
    PROMOTED: Scene.promoted,
    "the clock an hour ahead": lambda scene: scene.jumped(HOUR),
    "the clock an hour behind": lambda scene: scene.jumped(-HOUR),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--payers", type=int, default=2)
    parser.add_argument("--fault", action="append", choices=FAULTS, help="these alone; may be given again")
    parser.add_argument("--networked", action="store_true", help="on PostgreSQL and Redis instead of SQLite")
    parser.add_argument("--state", type=Path, default=_CHECKOUT / "var" / "faults.json")
    parser.add_argument("--models", type=Path, default=_CHECKOUT / "var" / "models")
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    options = parser.parse_args()
    state = json.loads(options.state.read_text()) if options.state.exists() else {}
    store = "postgresql+redis" if options.networked else "sqlite"
    for fault in options.fault or FAULTS:
        name = f"{store}: {fault}"
        if name in state or not _can(fault, options):
            continue
        state[name] = _played(fault, options)
        options.state.parent.mkdir(parents=True, exist_ok=True)
        options.state.write_text(json.dumps(state, indent=1) + "\n")
        print(name, json.dumps(state[name]), file=sys.stderr, flush=True)
    print(json.dumps(state) if options.json else json.dumps(state, indent=1))
    if not all(each["good"] for each in state.values()):
        raise SystemExit(1)


def _can(fault: str, options: argparse.Namespace) -> bool:
    """Whether there is what fails."""
    return options.networked or not fault.startswith(("PostgreSQL", "Redis"))


def _played(fault: str, options: argparse.Namespace) -> dict[str, object]:
    """One fault as often as is asked for, and what it did to what had been answered."""
    recovered: list[float] = []
    with _scene(fault, options) as scene:
        payers = Payers(scene.live, options.payers)
        with payers.paying():
            for number in range(options.rounds):
                # What nobody pays through proves nothing.
                _wait(partial(_has_more, payers, len(payers.payments)))
                time.sleep(random.uniform(0.2, 1.0))
                began = time.monotonic()
                FAULTS[fault](scene)
                _wait(scene.live.answers)
                recovered.append(time.monotonic() - began)
                print(
                    f"{number + 1:>3}  {fault}  {len(payers.payments)} payments", file=sys.stderr, flush=True
                )
        verdict = judge(payers)
    good = verdict.is_good and len(payers.payments) >= options.rounds
    found = {"rounds": options.rounds, "good": good, **asdict(verdict)}
    return found | {"seconds_median": round(median(recovered), 1), "seconds_most": round(max(recovered), 1)}


def _has_more(payers: Payers, before: int) -> bool:
    return len(payers.payments) > before


@contextmanager
def _scene(fault: str, options: argparse.Namespace) -> Iterator[Scene]:
    with (
        tempfile.TemporaryDirectory(prefix="authsvc-drill-") as name,
        _servers(name, fault, options) as servers,
    ):
        folder, clock = Path(name), Path(name) / "clock"
        clock.write_text("0")
        urls = {}
        if servers is not None:
            urls = {"database_url": servers[0].url(servers[0].create_database()), "redis_url": servers[1].url}
        with LiveService(
            folder,
            options.models,
            workers=2,
            environment=_clock_by(folder, clock) if fault.startswith("the clock") else {},
            **urls,
        ) as live:
            live.await_face()
            yield Scene(live, servers, clock)


def _clock_by(folder: Path, clock: Path) -> dict[str, str]:
    """Programs with this environment read the seconds that their clock is off from a file."""
    (folder / "python").mkdir()
    (folder / "python" / "sitecustomize.py").write_text(_SET_CLOCK.format(path=str(clock)))
    return {"PYTHONPATH": str(folder / "python")}


@contextmanager
def _servers(name: str, fault: str, options: argparse.Namespace) -> Iterator[Servers | None]:
    if not options.networked:
        yield None
        return
    postgres, initdb = postgres_program("postgres"), postgres_program("initdb")
    if postgres is None or initdb is None:
        raise SystemExit("PostgreSQL is not installed")
    # PostgreSQL gives up root, and must be able to pass through.
    Path(name).chmod(0o711)
    folder = Path(name) / "servers"
    folder.mkdir(mode=0o711)
    with (
        PostgresServer.create(postgres, initdb, folder) as database,
        _redis(fault, Path(name)) as redis,
    ):
        yield database, redis


def _redis(fault: str, folder: Path) -> RedisServer | SentinelServers:
    return (SentinelServers if fault == PROMOTED else RedisServer)("redis-server", folder)


def _wait(met: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        # While something fails, asking fails as well.
        with suppress(OSError, KeyError, ValueError):
            if met():
                return
        if time.monotonic() > deadline:
            raise TimeoutError("it did not come to that in three minutes")
        time.sleep(0.1)


if __name__ == "__main__":
    main()
