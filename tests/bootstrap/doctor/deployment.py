"""A deployment in which nothing is wrong, to be copied and spoiled in one place."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from authsvc.bootstrap.backup.taking import take_backup
from authsvc.bootstrap.doctor.examination import examine
from authsvc.bootstrap.doctor.finding import Finding
from authsvc.bootstrap.doctor.surroundings import Surroundings
from authsvc.bootstrap.opening import Store, open_store
from authsvc.bootstrap.wiring import watch_policy
from authsvc.clock import FrozenClock, SystemClock
from authsvc.config import Settings
from authsvc.domain.operator import Role
from authsvc.keys.access import ALL_SCOPES, new_api_key
from authsvc.operators.account import OperatorAccount, OperatorState
from authsvc.storage.transaction import StoreTransaction
from tests.support.prepared import prepare

PLENTY = 1 << 40


def well(clock_is_kept: bool = True, most_files: int = 4096, free: int = PLENTY) -> Surroundings:
    """A machine with nothing wrong but what is named."""
    return Surroundings(SystemClock(), lambda: clock_is_kept, lambda: most_files, lambda folder: free)


@dataclass
class Deployment:
    """Change `settings`, `around` or what lies in the folder, then `examine`."""

    settings: Settings
    around: Surroundings = field(default_factory=well)

    @classmethod
    def at(cls, folder: Path, models: Path, **changes: Any) -> Deployment:
        data = folder / "data"
        data.mkdir(mode=0o700)
        settings = Settings(
            data_dir=data,
            model_dir=models,
            base_url="https://pay.example",
            trusted_proxies="127.0.0.1",
            backup_dir=folder / "backups",
            **changes,
        )
        store = open_store(prepare(settings))
        try:
            _fill(settings, store)
            take_backup(settings, store, folder / "backups")
        finally:
            store.close()
        return cls(settings)

    def copy(self, folder: Path) -> Deployment:
        """The same in another folder, for a test of its own."""
        shutil.copytree(self.settings.data_dir.parent, folder, symlinks=True, dirs_exist_ok=True)
        moved = replace(self.settings, data_dir=folder / "data", backup_dir=folder / "backups")
        return Deployment(moved, self.around)

    def set(self, **changes: Any) -> None:
        self.settings = replace(self.settings, **changes)

    def at_time(self, moment: datetime) -> None:
        self.around = replace(self.around, clock=FrozenClock(moment))

    def later(self, by: timedelta) -> None:
        self.at_time(datetime.now(UTC) + by)

    def sql(self, *statements: str) -> None:
        connection = sqlite3.connect(self.settings.database_file)
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()

    def examine(self) -> tuple[Finding, ...]:
        return examine(self.settings, self.around)

    def names(self) -> list[str]:
        return [each.name for each in self.examine()]


def _fill(settings: Settings, store: Store) -> None:
    """A policy, an API key, two operators."""
    watch_policy(settings, store)
    now = store.clock.now()
    key, _ = new_api_key(store.ring, "shop", ALL_SCOPES, now)
    store.ledger.transact(lambda tx: tx.keys.add(key))
    for name in ("ann", "ben"):
        operator = OperatorAccount(f"op_{name}", name, frozenset({Role.SUPPORT}), now, OperatorState.ACTIVE)
        store.ledger.transact(partial(_add_operator, operator))
    store.ledger.transact(lambda tx: tx.readiness.write("a process", now))
    store.audit.take_checkpoint()


def _add_operator(operator: OperatorAccount, tx: StoreTransaction) -> None:
    tx.operators.add(operator)
