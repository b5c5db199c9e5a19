"""How fast recorded decisions are replayed, and in how much memory: `python benchmarks/backtest.py --json`.

Writes synthetic decisions of the shipped policy to a file (not measured), then streams them through a backtest of a
changed candidate as `authsvc policy backtest` does: read, check, reproduce, compare, count. Memory is the highest resident
size of a process that does only that. With `--stored` the decisions lie in an SQLite store, and a job replays them as the
service does, keeping what it has counted every second.
"""

from __future__ import annotations

import json
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import click

from authsvc.bootstrap.opening import open_store
from authsvc.clock import to_millis
from authsvc.config import Settings
from authsvc.keys.keyring import KeyRing
from authsvc.policy import loading
from authsvc.policy.backtest_file import open_backtest, run_file
from authsvc.policy.engine import Policy
from authsvc.policy.inputs import Inputs
from authsvc.policy.jobs import Backtesting
from authsvc.policy.life import Source, State, Version
from authsvc.policy_life.backtesting import Backtester
from authsvc.storage.transaction import StoreTransaction
from authsvc.storage.upgrade import database_url, upgrade
from authsvc.subject import Novelty

_TYPES, _CHANNELS, _CURRENCIES = (
    ("payment", "transfer", "withdrawal"),
    ("app", "web", None),
    ("CNY", "CNY", "EUR", "XTS"),
)
_DEVICES = (Novelty.TRUSTED,) * 12 + (Novelty.PROBATION, Novelty.NEW, Novelty.NEW, Novelty.UNKNOWN)


def make_inputs(chance: random.Random) -> Inputs:
    """Mostly small amounts, quiet risks and trusted phones, as payments are."""
    return Inputs(
        chance.choice(_TYPES),
        int(chance.lognormvariate(9.5, 1.8)),
        chance.choice(_CURRENCIES),
        novelty=chance.choice(_DEVICES),
        risk_score=None if chance.random() < 0.01 else min(100, int(chance.expovariate(0.06))),
        channel=chance.choice(_CHANNELS),
        device_synced=chance.choice((None, True, False)),
        verify_always=chance.random() < 0.02,
        low_value_count=chance.randint(0, 6),
        low_value_sum=chance.randint(0, 90_000),
    )


def write_decisions(path: Path, count: int, policy: Policy) -> None:
    chance = random.Random(7)
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            file.write(json.dumps(_decision(number, make_inputs(chance), policy, chance)) + "\n")


def _decision(number: int, inputs: Inputs, policy: Policy, chance: random.Random) -> dict[str, Any]:
    outcome = policy.evaluate(inputs)
    asks = outcome.level.asks
    return {
        "id": f"dec_{number}",
        "policy": policy.digest,
        "level": outcome.level.value,
        "exemption": outcome.exemption,
        "fired": outcome.fired,
        "status": chance.choice(("authenticated", "authenticated", "expired", "failed"))
        if asks
        else "approved",
        "factors": [factor.value for factor in outcome.sets[0]] if asks else [],
        "ending": "fraud" if chance.random() < 0.001 * (1 + inputs.risk // 20) else "settled",
        "inputs": inputs.to_snapshot(),
    }


def candidate() -> Policy:
    """The shipped policy with two thresholds moved, one to each side."""
    return loading.from_toml(numbered_candidate())


def numbered_candidate() -> str:
    """The candidate as a document."""
    text = resources.files("authsvc.policy").joinpath("default.toml").read_text(encoding="utf-8")
    text = text.split("[[tests]]")[0]
    return text.replace("risk_at_least = 40", "risk_at_least = 35").replace(
        "amount_at_least = 100_000", "amount_at_least = 120_000"
    )


def replay(path: Path) -> dict[str, Any]:
    """The measured part, in a process of its own."""
    backtest = open_backtest(candidate(), [loading.shipped()], None)
    start = time.perf_counter()
    run_file(backtest, path, None, lambda _: None)
    seconds = time.perf_counter() - start
    report: dict[str, Any] = backtest.report()
    return {
        "decisions": report["read"],
        "reproduced": report["eligible"],
        "mismatch": report["mismatch"],
        "seconds": seconds,
        "decisions_per_second": report["read"] / seconds,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "stricter": report["stricter"]["decisions"],
        "weaker": report["weaker"]["decisions"],
        "challenge_rate": report["challenge_rate"],
        "fraud": report["fraud"],
    }


def replay_stored(folder: Path) -> dict[str, Any]:
    """The measured part over a store: one job, taken up and worked off."""
    store = open_store(Settings(data_dir=folder, store_timeout=timedelta(seconds=60)))
    start = time.perf_counter()
    Backtester(store.ledger, store.clock, "benchmark").work_off()
    seconds = time.perf_counter() - start
    [job] = store.ledger.read(lambda tx: tx.backtests.of_version(VERSION))
    store.close()
    return {
        "state": job.state.value,
        "decisions": job.read,
        "reproduced": 0 if job.report is None else job.report["eligible"],
        "seconds": seconds,
        "decisions_per_second": job.read / seconds,
        "cpu_us_per_decision": 1e6 * time.process_time() / job.read,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def store_decisions(folder: Path, decisions: Path) -> None:
    """The decisions of a file as rows of a store, and a job that waits for them."""
    settings = Settings(data_dir=folder)
    KeyRing.create(settings.keyring)
    upgrade(database_url(settings))
    now = datetime.now(UTC)
    text = numbered_candidate()
    source = Source(text, "toml", loading.digest_of(text, "toml"))
    policy = loading.shipped()
    version = Version(VERSION, source, "benchmark", "", now, State.ANALYZED, policy.id, 2)
    job = Backtesting("bkt_a", VERSION, "benchmark", now, now - timedelta(days=1), now + timedelta(days=1))

    def unit(tx: StoreTransaction) -> None:
        tx.policies.remember(policy.digest, policy.id, policy.version, policy.canonical.decode(), now)
        tx.life.add(version)
        tx.backtests.add(job)

    store = open_store(settings)
    store.ledger.transact(unit)
    store.close()
    with decisions.open(encoding="utf-8") as lines, sqlite3.connect(settings.database_file) as raw:
        raw.executemany(_ROW, (_row(json.loads(line), to_millis(now)) for line in lines))


def _row(decision: dict[str, Any], now: int) -> tuple[object, ...]:
    body = {
        "level": decision["level"],
        "type": decision["inputs"]["type"],
        "inputs": decision["inputs"],
        "fired": decision["fired"],
        "policy": ("default", 1, decision["policy"]),
        "exemption": decision["exemption"],
    }
    challenge = {"chosen": decision["factors"]}
    asked = json.dumps(challenge) if decision["factors"] else None
    return decision["id"], decision["id"], decision["status"], json.dumps(body), asked, now, now


VERSION = "pol_a"
_ROW = """INSERT INTO decisions (id, client, user_id, transaction_id, status, is_open, binding, body, challenge, created_at,
    expires_at, version) VALUES (?, 'shop', 'u', ?, ?, NULL, '', ?, ?, ?, ?, 1)"""


@click.command()
@click.option("--stored", is_flag=True, help="From a store, as the service's own job does.")
@click.option("--decisions", type=click.IntRange(min=1), default=1_000_000, show_default=True)
@click.option("--replay", "recorded", type=click.Path(exists=True, path_type=Path), hidden=True)
@click.option("--json", "as_json", is_flag=True, help="End with one JSON line.")
def main(stored: bool, decisions: int, recorded: Path | None, as_json: bool) -> None:
    """Write decisions, replay them in a fresh process, and tell its figures."""
    if recorded is not None:
        print(json.dumps(replay_stored(recorded) if stored else replay(recorded)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "decisions.jsonl"
        write_decisions(path, decisions, loading.shipped())
        if stored:
            store_decisions(Path(folder), path)
        where = ["--stored", "--replay", folder] if stored else ["--replay", str(path)]
        again = [sys.executable, __file__, *where]
        figures = json.loads(subprocess.run(again, check=True, capture_output=True, text=True).stdout)
    share = figures["reproduced"] / figures["decisions"]
    print(
        f"{figures['decisions']} decisions, {share:.2%} reproduced, {figures['decisions_per_second']:.0f} a second"
    )
    print(f"at most {figures['peak_rss_mb']:.0f} MB resident")
    if as_json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
