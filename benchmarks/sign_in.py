"""Does a failed sign-in of an operator take as long whatever was wrong? Medians over many failures of each kind, taken in turns.

    .venv/bin/python benchmarks/sign_in.py --json

Over the services themselves and the embedded database; requirement 9: less than 5 ms between any two medians over 1 000 each.
"""

from __future__ import annotations

import argparse
import json
import secrets
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyotp

from authsvc.bootstrap.running import Wired
from authsvc.bootstrap.wiring import wire
from authsvc.clock import SystemClock
from authsvc.config import Settings
from authsvc.domain.attempts import CONSECUTIVE_LIMIT
from authsvc.domain.operator import Role
from authsvc.errors import Unauthenticated
from authsvc.keys.keyring import KeyRing
from authsvc.operators import waiting
from authsvc.operators.roster import Roster
from authsvc.storage.upgrade import database_url, upgrade

KINDS = ("wrong code", "wrong sign-in key", "unknown name", "locked")
TRIES = CONSECUTIVE_LIMIT - 1
"""Failures of one operator that do not lock them out yet."""


class Somebody:
    """An operator with an app."""

    def __init__(self, wired: Wired, roster: Roster) -> None:
        self.name = f"operator {secrets.token_hex(4)}"
        _, invitation = roster.invite(self.name, [Role.SUPPORT])
        self.app = pyotp.TOTP(wired.console.joining.begin_app(invitation).text)
        before = SystemClock().now() - timedelta(seconds=30)
        self.sign_in_key = wired.console.joining.finish_app(invitation, self.app.at(before))

    def wrong_code(self) -> str:
        return self.app.at(SystemClock().now() + timedelta(minutes=20))


def measure(failures: int) -> dict[str, Any]:  # Any: JSON
    # The limit per minute would end the measurement, and is no part of what is measured.
    waiting.SIGN_INS_PER_MINUTE = 10**9
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        KeyRing.create(settings.keyring)
        upgrade(database_url(settings))
        wired = wire(settings)
        try:
            return _figures(_times(wired, failures))
        finally:
            wired.close()


def _times(wired: Wired, failures: int) -> dict[str, list[float]]:
    roster = Roster(wired.store.ledger, wired.store.ring, wired.store.clock, "operator:benchmark")
    locked = Somebody(wired, roster)
    for _ in range(CONSECUTIVE_LIMIT):
        _failed(wired, locked.name, locked.sign_in_key, locked.wrong_code())
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    while len(times[KINDS[0]]) < failures:
        one, other = Somebody(wired, roster), Somebody(wired, roster)
        for _ in range(TRIES):
            tries = {
                "wrong code": (one.name, one.sign_in_key, one.wrong_code()),
                "wrong sign-in key": (other.name, "AAAA-BBBB-CCCC-DDDD-EEEE-FFFF", other.app.now()),
                "unknown name": (secrets.token_hex(8), one.sign_in_key, one.wrong_code()),
                "locked": (locked.name, locked.sign_in_key, locked.wrong_code()),
            }
            for kind, said in tries.items():
                times[kind].append(_failed(wired, *said))
    return times


def _failed(wired: Wired, name: str, sign_in_key: str, code: str) -> float:
    """Milliseconds of one failed sign-in."""
    visit = secrets.token_hex(16)
    wired.console.sign_in.name(visit, name)
    began = time.perf_counter()
    try:
        wired.console.sign_in.by_app(visit, sign_in_key, code)
    except Unauthenticated:
        return (time.perf_counter() - began) * 1000
    raise RuntimeError("a sign-in that should have failed did not")


def _figures(times: dict[str, list[float]]) -> dict[str, Any]:
    medians = {kind: statistics.median(each) for kind, each in times.items()}
    fastest, slowest = min(medians.values()), max(medians.values())
    return {
        "failures_each": len(times[KINDS[0]]),
        "median_ms": {kind: round(median, 3) for kind, median in medians.items()},
        "largest_gap_ms": round(slowest - fastest, 3),
        "slowest_to_fastest": round(slowest / fastest, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--failures", type=int, default=1000, help="of each kind")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    figures = measure(given.failures)
    print(json.dumps(figures) if given.json else json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
