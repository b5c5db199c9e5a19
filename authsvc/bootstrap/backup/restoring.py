"""Brings a backup back into an empty database, and says what it has forgotten.

What was taken away from people since stays away: the file beside the key ring says so. Everything else that came after the
backup is gone, and named as far as this machine knows it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from authsvc.audit.remembered import RememberedHeads
from authsvc.audit.taken_away import Taken
from authsvc.biometric.weights import sha256_of
from authsvc.biometric.words import Modality
from authsvc.bootstrap import command_line
from authsvc.bootstrap.backup.label import Label, must_be_ours, read_label
from authsvc.bootstrap.opening import Store, open_database, open_store
from authsvc.clock import rfc3339
from authsvc.config import Settings
from authsvc.domain import account_acts as acts
from authsvc.domain.account import Account, AccountStatus
from authsvc.errors import ConfigurationError, Tampered
from authsvc.factor import Factor, Json
from authsvc.keys.keyring import KeyRing
from authsvc.storage.copies import put_sqlite, restore_postgres
from authsvc.storage.revision import Fit, fit_of, refuse_misfit
from authsvc.storage.transaction import StoreTransaction
from authsvc.storage.upgrade import database_url, upgrade
from authsvc.subject import Subject

MARGIN = timedelta(minutes=5)
"""How far the clocks of two hosts may be apart; what is done twice does no harm."""

_ACTOR = "authsvc:restore"


@dataclass(frozen=True, slots=True)
class Restored:
    """`chains` are the audit lines that are known to be missing; `again` what was taken away from people once more."""

    label: Label
    chains: Sequence[Mapping[str, object]]
    again: Counter[str]

    def to_json(self) -> Json:
        return {
            "backup": self.label.name,
            "taken_at": rfc3339(self.label.taken_at),
            "forgotten": {
                "since": rfc3339(self.label.taken_at),
                "events_after": self.label.event,
                "audit": list(self.chains),
            },
            "taken_away_again": dict(sorted(self.again.items())),
        }


def restore_backup(settings: Settings, folder: Path, reason: str, files: Iterable[Path] = ()) -> Restored:
    """With the service stopped. `files` are other hosts' records of what was taken away.

    Raises ConfigurationError where the database is not empty, Tampered for a backup that is not as it was taken.
    """
    label = read_label(folder)
    _check(settings, folder, label)
    _put(settings, folder / label.file)
    upgrade(database_url(settings))
    refuse_misfit(open_database(settings))
    store = open_store(settings, restored=True)
    try:
        said = f"{reason} (backup {label.name}, sha256 {label.sha256})"
        lost = store.audit.accept_restore(command_line.actor(), said)["lost"]
        again = _take_away_again(store, label, files)
        # With what was just written, so that the next start continues from it.
        RememberedHeads(settings.memory).begin_anew(store.ledger.read(lambda tx: tx.audit.last_heads()))
    finally:
        store.close()
    return Restored(label, list(lost) if isinstance(lost, list) else [], again)


def _check(settings: Settings, folder: Path, label: Label) -> None:
    must_be_ours(label, KeyRing.load(settings.keyring))
    if label.kind != ("postgresql" if settings.database_url else "sqlite"):
        raise ConfigurationError(f"the backup is of {label.kind}, and the settings name another database")
    path = folder / label.file
    if Path(label.file).name != label.file or not path.is_file() or sha256_of(path) != label.sha256:
        raise Tampered(f"`{path}` is not the file that was labelled")
    is_absent = not settings.database_url and not settings.database_file.exists()
    if not is_absent and fit_of(open_database(settings)) is not Fit.EMPTY:
        raise ConfigurationError("the database is not empty: a backup is brought back into an empty one only")


def _put(settings: Settings, file: Path) -> None:
    if settings.database_url:
        restore_postgres(settings.database_url, file)
    else:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        put_sqlite(file, settings.database_file)


def _take_away_again(store: Store, label: Label, files: Iterable[Path]) -> Counter[str]:
    find = store.taken_away.finder(store.taken_away.since(label.taken_at - MARGIN, files))
    now, done = store.clock.now(), Counter[str]()
    for subject in store.ledger.read(lambda tx: tx.accounts.subjects()):
        for taken in find(subject):
            if store.ledger.transact(partial(_again, subject, taken, now)):
                done[taken.tag] += 1
    return done


def _again(subject: Subject, taken: Taken, now: datetime, tx: StoreTransaction) -> bool:
    """Whether there was something to take away: an account that was made afterwards keeps what it has."""
    account = tx.accounts.find(subject)
    if account is None or account.status is AccountStatus.ERASED or account.created_at > taken.at:
        return False
    return _ACTS[taken.tag](tx, account, now)


def _erase(tx: StoreTransaction, account: Account, now: datetime) -> bool:
    acts.erase(tx, account, _ACTOR, now)
    return True


def _freeze(tx: StoreTransaction, account: Account, now: datetime) -> bool:
    if account.is_frozen:
        return False
    acts.freeze(tx, account, "frozen after the backup", _ACTOR, now)
    return True


def _withdraw(modality: Modality, tx: StoreTransaction, account: Account, now: datetime) -> bool:
    if Factor(modality.value) not in account.factors:
        return False
    tx.accounts.save(acts.withdraw_biometric(tx, account, modality, _ACTOR, now))
    return True


_ACTS: Mapping[str, Callable[[StoreTransaction, Account, datetime], bool]] = {
    "subject:erased": _erase,
    "subject:frozen": _freeze,
    "subject:face:withdrawn": partial(_withdraw, Modality.FACE),
    "subject:voice:withdrawn": partial(_withdraw, Modality.VOICE),
}
