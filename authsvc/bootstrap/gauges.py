"""What is so at the moment of a scrape, as far as this host and the database know; whatever does not answer is left out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from authsvc import __version__
from authsvc.bootstrap.backup.label import newest_label
from authsvc.bootstrap.opening import Store, open_database
from authsvc.config import Settings
from authsvc.errors import AuthsvcError
from authsvc.storage.revision import NEWEST, fit_of
from authsvc.storage.transaction import StoreTransaction
from authsvc.web.gauge import Gauge

_PAGE = os.sysconf("SC_PAGE_SIZE")
_STARTS = "starts-"


class Gauges:
    """Called at each scrape, by whichever process answers it."""

    def __init__(
        self, settings: Settings, store: Store, others: Callable[[], Iterable[Gauge]] = tuple
    ) -> None:
        self._others = others
        self._settings = settings
        self._store = store
        self._database = open_database(settings)

    def __call__(self) -> Iterator[Gauge]:
        yield Gauge(
            "build_info",
            "Program and the schema that it knows",
            1,
            {"version": __version__, "schema": NEWEST},
        )
        for warning in self._settings.warnings:
            yield Gauge("warning", "1 for each frightening setting in force", 1, {"warning": warning})
        yield from _processes(os.getppid())
        yield from _starts(self._settings.counting_dir)
        yield from self._others()
        with suppress(AuthsvcError):
            yield from self._of_the_database()
        if (
            self._settings.backup_dir is not None
            and (label := newest_label(self._settings.backup_dir)) is not None
        ):
            yield self._age("backup_age_seconds", "Since the newest backup was taken", label.taken_at)

    def _of_the_database(self) -> Iterator[Gauge]:
        now = self._store.clock.now()

        def query(tx: StoreTransaction) -> tuple[datetime | None, int, datetime | None]:
            last = tx.audit.last_checkpoint()
            return None if last is None else last.statement().at, *tx.deliveries.waiting(now)

        checkpoint, waiting, since = self._store.ledger.read(query)
        if checkpoint is not None:
            yield self._age("checkpoint_age_seconds", "Since the last checkpoint of the audit", checkpoint)
        yield Gauge("webhooks_waiting", "Deliveries whose time has come", waiting)
        lag = 0.0 if since is None else (now - since).total_seconds()
        yield Gauge("webhook_lag_seconds", "How long the delivery that is longest overdue has waited", lag)
        fit = fit_of(self._database)
        yield Gauge(
            "schema_fit",
            "1 for how the database's schema and this program go together",
            1,
            {"fit": fit.name.lower()},
        )

    def _age(self, name: str, text: str, at: datetime) -> Gauge:
        return Gauge(name, text, max(0.0, (self._store.clock.now() - at).total_seconds()))


def note_start(folder: Path, name: str, lives: int) -> None:
    """For the supervisor: a process began its next life."""
    with suppress(OSError):
        (folder / f"{_STARTS}{name}").write_text(str(lives))


def _starts(folder: Path) -> Iterator[Gauge]:
    for path in sorted(folder.glob(f"{_STARTS}*")):
        with suppress(OSError, ValueError):
            lives, name = float(path.read_text()), path.name.removeprefix(_STARTS)
            yield Gauge("process_starts", "How often a process was started", lives, {"process": name})


def _processes(parent: int) -> Iterator[Gauge]:
    """Of the supervisor and its children, by the names that they call themselves; Linux alone tells."""
    for path in sorted(Path("/proc").glob("[0-9]*")):
        with suppress(OSError, ValueError, IndexError):
            name, _, rest = (path / "stat").read_text().partition("(")[2].rpartition(")")
            if parent in (int(path.name), int(rest.split()[1])):
                resident = int((path / "statm").read_text().split()[1]) * _PAGE
                text = "Memory that a process has resident"
                yield Gauge("process_resident_bytes", text, resident, {"process": name, "pid": path.name})
