"""A service of the drills' own with default settings, and what only whoever runs it has: its store, its processes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from authsvc.audit.chain import entry
from authsvc.biometric.words import Template
from authsvc.bootstrap.launch import make_schema
from authsvc.bootstrap.opening import Store, open_store
from authsvc.cli.demo.service import OwnService
from authsvc.clock import SystemClock
from authsvc.config import read_settings
from authsvc.domain.operator import Role
from authsvc.factor import Factor
from authsvc.keys.access import ALL_SCOPES, Scope, new_api_key
from authsvc.keys.keyring import KeyRing
from authsvc.operators.account import OperatorState
from authsvc.operators.roster import Roster, invitation_url
from authsvc.operators.session import Means
from authsvc.operators.sessions import new_bearer
from authsvc.subject import Subject

CLIENT = "drills"


class StorePremises:
    """Whoever has the service's folder: its store, opened beside the running service."""

    def __init__(
        self,
        data_dir: Path,
        url: str,
        template: Template,
        client: str = CLIENT,
        voice: Template | None = None,
    ) -> None:
        self.data_dir = data_dir
        self.url = url
        self.template = template
        self.client = client
        self.voice = voice

    @property
    def database(self) -> Path:
        return self.data_dir / "authsvc.db"

    def opened(self) -> AbstractContextManager[Store]:
        return closing(open_store(read_settings({}, data_dir=self.data_dir)))

    def give_face(self, user: str, template: Template | None = None) -> None:
        self.give(user, template or self.template)

    def give_voice(self, user: str) -> None:
        if self.voice is None:
            raise LookupError("nobody's voice is at hand")
        self.give(user, self.voice)

    def give(self, user: str, made: Template) -> None:
        """As a finished enrollment leaves it: no drill has a living person before a camera."""
        now, subject = SystemClock().now(), Subject(self.client, user)
        key, factor = f"tpl_drill_{made.modality[0]}{user[-16:]}", Factor(made.modality.value)

        def unit(tx: Any) -> None:  # Any: the store's transaction, which only `bootstrap` names.
            account = tx.accounts.find(subject)
            tx.templates.put(subject, account.key(), key, made, now)
            if made.fingerprints:
                tx.templates.remember_capture(subject, account.key(), made.modality, made.fingerprints, now)
            tx.accounts.save(account.enrolled(factor, now, now))

        with self.opened() as store:
            store.ledger.transact(unit)

    def invite(self, name: str, *roles: str) -> str:
        with self.opened() as store:
            _, shown = _roster(store).invite(name, [Role(role) for role in roles])
        return invitation_url(self.url, shown)

    def operator(self, name: str, *roles: str) -> str:
        with self.opened() as store:
            return _signed_in(store, name, *roles)

    def new_key(self, client: str, *scopes: str) -> tuple[str, str]:
        with self.opened() as store:
            now = store.clock.now()
            key, shown = new_api_key(store.ring, client, frozenset(map(Scope, scopes)) or ALL_SCOPES, now)
            line = entry("operator:drill", "key.create", None, key.id, "done", now, client=client)

            def unit(tx: Any) -> None:  # Any: as above.
                tx.keys.add(key)
                tx.record(line)

            store.ledger.transact(unit)
        return key.id, shown

    def audit_faults(self) -> tuple[str, ...]:
        with self.opened() as store:
            return tuple(each.fault.value for each in store.audit.verify().findings)

    def row_faults(self) -> tuple[tuple[str, str], ...]:
        with self.opened() as store:
            return tuple((each.table, each.fault) for each in store.adopting.look().findings)


class DrillService(OwnService):
    """`authsvc serve` without `--development`: everything as it is by default, but the policy that was asked for."""

    def __init__(
        self,
        model_dir: Path,
        policy_file: Path | None,
        template: Template,
        voice: Template | None = None,
    ) -> None:
        super().__init__(model_dir)
        self._policy_file = policy_file
        self._template = template
        self._voice = voice

    def options(self) -> list[str]:
        return [] if self._policy_file is None else ["--policy-file", str(self._policy_file)]

    def prepare(self) -> None:
        self._data_dir.mkdir(mode=0o700)
        settings = read_settings({}, data_dir=self._data_dir)
        KeyRing.create(settings.keyring)
        make_schema(settings)
        _, self.api_key = StorePremises(self._data_dir, "", self._template).new_key(CLIENT)

    @property
    def premises(self) -> OwnPremises:
        return OwnPremises(self._data_dir, self.public_url, self._template, voice=self._voice)


class OwnPremises(StorePremises):
    """The same, with the processes of a service that was started here."""

    @contextmanager
    def without_worker(self) -> Iterator[None]:
        """The worker stands still; whoever asks it waits in vain."""
        worker = self._worker()
        os.kill(worker, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(worker, signal.SIGCONT)

    def _worker(self) -> int:
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            words = _read(file).split(b"\0")
            if b"authsvc.workers.main" in words and any(bytes(self.data_dir) in word for word in words):
                return int(file.parent.name)
        raise LookupError("the service has no biometric worker")


def _roster(store: Store) -> Roster:
    return Roster(store.ledger, store.ring, store.clock, "operator:drill")


def _signed_in(store: Store, name: str, *roles: str) -> str:
    """A new operator's bearer, as the console gives one to whoever is signed in."""
    now = store.clock.now()
    invited, _ = _roster(store).invite(name, [Role(role) for role in roles])
    account = replace(invited, state=OperatorState.ACTIVE, version=1)
    session, shown = new_bearer(store.ring, account.as_operator(), Means.DEVICE_KEY, now)

    def unit(tx: Any) -> None:  # Any: as above.
        tx.operators.save(account)
        tx.sessions.add(session)

    store.ledger.transact(unit)
    return shown


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""
