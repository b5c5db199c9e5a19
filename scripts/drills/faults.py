"""Stop, kill, freeze, fill and cut off what a service consists of and leans on, twenty times each, while people pay.

Goes on where an earlier run ended: what is done stands in `--state`, by fault. Ends with 1 when an answer was lost, something was
accepted twice, less was asked than is due, or the audit log does not verify. The clock is that of the service's programs alone
(`time.time_ns`, set by a file): whoever set the machine's would set it for everybody. What needs root, or a kernel that can do
it, is left out where that is missing, and named.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from statistics import median

import psutil

_CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(_CHECKOUT))

from scene import SLOW_WRITES, Needs, Scene, wait  # noqa: E402  # The checkout is on the path only now.

from tests.guarantees.storm import Payers, judge  # noqa: E402
from tests.support.live import LiveService  # noqa: E402
from tests.support.server import Server  # noqa: E402

HOUR = 3600
AUDIT_S = 900
ALONE = "DRILL_ALONE"

ANYWHERE, SERVERS, CLOCK = Needs(), Needs(networked=True), Needs("clock")
DISK, SLOW, NETWORK = Needs("disk"), Needs("slow disk"), Needs("network", networked=True)


def _web(live: LiveService) -> psutil.Process:
    return random.choice(live.web_processes())


def _outage(of: str, how: str, *how_much: int) -> Callable[[Scene], None]:
    """A fault that lasts: `how` is a context of what it is done to."""

    def play(scene: Scene) -> None:
        lasting: AbstractContextManager[object] = getattr(getattr(scene, of), how)(*how_much)
        scene.outage(lasting)

    return play


def _gone(of: str) -> Callable[[Scene], None]:
    def play(scene: Scene) -> None:
        server: Server = getattr(scene, of)
        server.kill()
        server.start()

    return play


FAULTS: dict[str, tuple[Needs, Callable[[Scene], float | None]]] = {
    "a web process stopped": (ANYWHERE, lambda scene: scene.stopped(_web)),
    "the sender stopped": (ANYWHERE, lambda scene: scene.stopped(LiveService.sender_process)),
    "the biometric worker stopped": (ANYWHERE, lambda scene: scene.stopped(LiveService.biometric_process)),
    "a web process killed": (ANYWHERE, lambda scene: scene.killed(_web)),
    "the sender killed": (ANYWHERE, lambda scene: scene.killed(LiveService.sender_process)),
    "the biometric worker killed": (ANYWHERE, lambda scene: scene.killed(LiveService.biometric_process)),
    "PostgreSQL silent": (SERVERS, _outage("postgres", "frozen")),
    "PostgreSQL killed": (SERVERS, _gone("postgres")),
    "PostgreSQL killed and its synchronous standby promoted": (
        Needs("standby", networked=True),
        Scene.postgres_promoted,
    ),
    "Redis silent": (SERVERS, _outage("redis", "frozen")),
    "Redis killed": (SERVERS, _gone("redis")),
    "Redis killed and its replica promoted": (Needs("sentinel", networked=True), Scene.redis_promoted),
    "a node of the Redis cluster killed": (Needs("cluster", networked=True), Scene.cluster_node_killed),
    "the disk full": (DISK, _outage("disk", "full")),
    "the disk hanging": (DISK, _outage("disk", "hanging")),
    "the disk slow": (SLOW, _outage("disk", "slow", SLOW_WRITES)),
    "the disk read-only until mounted anew": (DISK, Scene.disk_failed),
    "the link to the servers down": (NETWORK, _outage("network", "link_down")),
    "all to the servers lost": (NETWORK, _outage("network", "deaf")),
    "all from the servers lost": (NETWORK, _outage("network", "mute")),
    "the clock an hour ahead": (CLOCK, lambda scene: scene.jumped(HOUR)),
    "the clock an hour behind": (CLOCK, lambda scene: scene.jumped(-HOUR)),
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
    if os.geteuid() == 0 and ALONE not in os.environ:
        # In a mount namespace of its own: whoever else makes one meanwhile would hold on to our disks.
        os.execvpe("unshare", ["unshare", "--mount", sys.executable, *sys.argv], {**os.environ, ALONE: "1"})  # noqa: S606  # No shell is meant.
    state = json.loads(options.state.read_text()) if options.state.exists() else {}
    store = "postgresql+redis" if options.networked else "sqlite"
    for fault in options.fault or FAULTS:
        name = f"{store}: {fault}"
        missing = FAULTS[fault][0].missing(options.networked)
        if name in state or missing:
            print(f"{name}: {missing or 'done before'}", file=sys.stderr, flush=True)
            continue
        state[name] = _played(fault, options)
        options.state.parent.mkdir(parents=True, exist_ok=True)
        options.state.write_text(json.dumps(state, indent=1) + "\n")
        print(name, json.dumps(state[name]), file=sys.stderr, flush=True)
    print(json.dumps(state) if options.json else json.dumps(state, indent=1))
    if not all(each["good"] for each in state.values()):
        raise SystemExit(1)


def _played(fault: str, options: argparse.Namespace) -> dict[str, object]:
    """One fault as often as is asked for, and what it did to what had been answered."""
    needs, play = FAULTS[fault]
    recovered: list[float] = []
    with needs.scene(options.models, networked=options.networked) as scene:
        payers = Payers(scene.live, options.payers)
        with payers.paying():
            for number in range(options.rounds):
                # What nobody pays through proves nothing.
                wait(partial(_more_than, payers, _decided(payers)))
                time.sleep(random.uniform(0.2, 1.0))
                outage, over = play(scene), time.monotonic()
                wait(scene.live.answers)
                wait(partial(_more_than, payers, _decided(payers)))
                recovered.append(time.monotonic() - over if outage is None else outage)
                print(
                    f"{number + 1:>3}  {fault}  {len(payers.payments)} payments", file=sys.stderr, flush=True
                )
        verdict = judge(payers, AUDIT_S)
    good = verdict.is_good and len(payers.payments) >= options.rounds
    found = {"rounds": options.rounds, "good": good, **asdict(verdict)}
    return found | {"back_s_median": round(median(recovered), 1), "back_s_most": round(max(recovered), 1)}


def _more_than(payers: Payers, before: int) -> bool:
    return _decided(payers) > before


def _decided(payers: Payers) -> int:
    return sum(each.decided is not None for each in payers.payments)


if __name__ == "__main__":
    main()
