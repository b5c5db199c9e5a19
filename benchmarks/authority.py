"""What it costs to bind every row that carries authority: `.venv/bin/python benchmarks/authority.py --rows 1000000 --json`.

A database of before, on SQLite, with synthetic people: an account, a device, its key, an app and a recovery code each. Then the
commands as an operator runs them, each in a process of its own: `db adopt` (killed with SIGKILL on the way and run again, with
`--kill-after`), `db check`, `keyring rotate hmac`, `db check` again. Seconds, CPU seconds and the most memory of each.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from authsvc.bootstrap.opening import open_store
from authsvc.config import Settings
from authsvc.device.credential import Device, DeviceState
from authsvc.device.record import CredentialRecord, CredentialState
from authsvc.domain.account import Account
from authsvc.keys.keyring import KeyRing
from authsvc.otp import APP
from authsvc.storage.bound import BOUND, MAC
from authsvc.storage.sealing import Sealer
from authsvc.storage.transaction import StoreTransaction
from authsvc.storage.upgrade import database_url, upgrade
from authsvc.subject import Subject

SEED = Subject("shop", "u_seed")
NOW = datetime.now(UTC).replace(microsecond=0)
MULTIPLIED = ("users", "devices", "credentials", "otp_secrets", "recovery_codes")
DIFFERENT = {"user_id": "'u_' || n", "device_id": "'dev_' || n", "id": "'key_' || n", "mac": "randomblob(32)"}
_NUMBERS = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)"
AUTHSVC = Path(sys.executable).parent / "authsvc"


@dataclass(frozen=True)
class Took:
    command: str
    code: int
    seconds: float
    cpu_seconds: float
    mebibytes: float
    said: str


def filled(settings: Settings, rows: int) -> None:
    settings.data_dir.mkdir(parents=True)
    KeyRing.create(settings.keyring)
    upgrade(database_url(settings))
    with closing(open_store(settings)) as store:
        store.ledger.transact(lambda tx: _seed(tx, store.sealer))
    ring = json.loads(settings.keyring.read_text())
    del ring["rows"]  # As a program of before left it.
    settings.keyring.write_text(json.dumps(ring))
    with closing(sqlite3.connect(settings.data_dir / "authsvc.db")) as database:
        for table in (each for each in BOUND if each.name in MULTIPLIED):
            values = [DIFFERENT.get(name, name) for name in table.columns]
            columns = f"{', '.join(table.columns)}, {MAC}"
            chosen = f"SELECT {', '.join(values)}, NULL FROM {table.name}, numbers WHERE user_id = ?"  # noqa: S608  # Our own names.
            database.execute(
                f"{_NUMBERS} INSERT INTO {table.name} ({columns}) {chosen}",
                (rows // len(MULTIPLIED), SEED.user),
            )
        database.commit()


def _seed(tx: StoreTransaction, sealer: Sealer) -> None:
    key = sealer.new_subject_key(SEED)
    tx.accounts.add(Account(SEED, NOW, sealing_key=key))
    tx.accounts.add_device(Device(SEED, "dev_seed", "phone", DeviceState.ACTIVE, b"s" * 32, NOW, NOW, None))
    tx.credentials.add(
        CredentialRecord(
            id="key_seed",
            subject=SEED,
            device_id="dev_seed",
            user_handle=b"h" * 32,
            public_key=b"k" * 77,
            sign_count=3,
            backup_eligible=False,
            backed_up=False,
            transports=("internal",),
            aaguid="0" * 32,
            format="none",
            attested=False,
            created_at=NOW,
            pays=False,
            state=CredentialState.ACTIVE,
        )
    )
    tx.codes.put_secret(SEED, key, APP, b"s" * 20, 5, NOW)
    tx.codes.replace_recovery_codes(SEED, [b"c" * 32], NOW, NOW, keeps=False)


def run(settings: Settings, *command: str, kill_after: float = 0) -> Took:
    began = time.monotonic()
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            [AUTHSVC, *command, "--json", "--data-dir", settings.data_dir], stdout=said, stderr=said
        )
        if kill_after:
            time.sleep(kill_after)
            child.send_signal(signal.SIGKILL)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read().decode()
    took = time.monotonic() - began
    return Took(
        " ".join(command),
        child.returncode,
        round(took, 1),
        round(used.ru_utime + used.ru_stime, 1),
        round(used.ru_maxrss / 1024, 1),
        text[-300:].strip(),
    )


@click.command()
@click.option("--rows", default=100_000, help="Synthetic rows in all.")
@click.option(
    "--kill-after", default=0.0, help="Seconds after which the first `db adopt` is killed; 0 for never."
)
@click.option("--json", "as_json", is_flag=True, help="End with one JSON line.")
def main(rows: int, kill_after: float, as_json: bool) -> None:
    """Adopt, check and rotate a database of so many rows."""
    figures: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder) / "data")
        filled(settings, rows)
        first = ["db adopt"] if kill_after else []
        for command in (*first, "db adopt", "db check", "keyring rotate hmac", "db check"):
            took = run(settings, *command.split(), kill_after=kill_after if not figures else 0)
            print(
                f"{took.command:20} rc {took.code:3} {took.seconds:7} s {took.cpu_seconds:7} CPU s"
                f" {took.mebibytes:7} MiB  {took.said[:150]}",
                flush=True,
            )
            figures.append(vars(took))
    if as_json:
        print(json.dumps({"rows": rows, "commands": figures}))


if __name__ == "__main__":
    main()
