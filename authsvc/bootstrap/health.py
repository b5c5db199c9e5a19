"""Whether the service can serve: database, short-lived store, policy, token, and what the biometric worker says of its rooms."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from shutil import disk_usage
from typing import Protocol

from authsvc import __version__
from authsvc.biometric.words import LivenessGate, Modality
from authsvc.bootstrap.opening import StoreLedger
from authsvc.clock import Clock
from authsvc.config import Settings
from authsvc.enrolling.steps.look_alikes import Resembling
from authsvc.ephemeral import Ephemeral, Key
from authsvc.errors import AuthsvcError, ConfigurationError, RecordBroken, Unavailable
from authsvc.face.verifier import Worker as FaceWorker
from authsvc.factor import Json
from authsvc.keys.keyring import KeyRing
from authsvc.policy.engine import Policy
from authsvc.storage.revision import NEWEST
from authsvc.voice.verifier import Worker as VoiceWorker

LATELY_S = 1.0
STARTING_S = 60.0
"""How long a biometric worker may take to load its models before it is missed."""
ROW_LIFE = timedelta(minutes=1)
MIB = 1024 * 1024


class Faces(FaceWorker, Resembling, Protocol):
    """The face room, here or in a worker process."""

    def describe(self) -> Json: ...


class Voices(VoiceWorker, Protocol):
    """The voice room, here or in a worker process."""

    def describe(self) -> Json: ...


class Described(Protocol):
    def describe(self) -> Json: ...


class RoomHealth:
    """What the biometric worker last said of one of its rooms: engine, model, liveness mode."""

    def __init__(self, room: Described) -> None:
        self._room = room
        self._said: Json | None = None
        self._began = time.monotonic()

    def ask(self) -> None:
        """As a chore: while the worker is still loading its models, silence is no news. Raises Unavailable afterwards."""
        try:
            self.refresh()
        except Unavailable:
            if self._said is not None or time.monotonic() - self._began > STARTING_S:
                raise

    def refresh(self) -> Json:
        self._said = self._room.describe()
        return self._said

    def is_at_work(self) -> bool:
        """Whether its models are loaded; nothing heard yet is no."""
        return self._said is not None and "engine" in self._said

    def gates(self) -> frozenset[LivenessGate]:
        """The liveness gates that are at work; nothing heard yet is none."""
        said = {} if self._said is None else self._said
        named = said.get("gates", ())
        return frozenset(map(LivenessGate, named)) if isinstance(named, list | tuple) else frozenset()


class Lately:
    """Something that need not be done again within a second, so that whoever asks often costs no write each time."""

    def __init__(self) -> None:
        self._done_at: float | None = None

    def do(self, act: Callable[[], object]) -> None:
        if self._done_at is None or time.monotonic() - self._done_at >= LATELY_S:
            act()
            self._done_at = time.monotonic()


class ServiceHealth:
    """Asks the database, the short-lived store, which policy decides, the token that signs, and the biometric worker."""

    def __init__(
        self,
        ledger: StoreLedger,
        ephemeral: Ephemeral,
        policy: Callable[[], Policy],
        rooms: Mapping[Modality, RoomHealth],
        settings: Settings,
        name: str,
        clock: Clock,
        ring: KeyRing,
        warned: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        """`name` is that of the row which this process writes; `warned` are warnings of others."""
        self._ring = ring
        self._warned = warned
        self._ledger = ledger
        self._ephemeral = ephemeral
        self._policy = policy
        self._rooms = rooms
        self._settings = settings
        self._name = name
        self._clock = clock
        self._stored_schema: str | None = None
        self._database_writes = Lately()
        self._ephemeral_writes = Lately()
        self._signatures = Lately()

    def check(self) -> tuple[bool, Json]:
        found: dict[str, object] = {
            "database": self._state(self._ask_database),
            "ephemeral": self._state(self._ask_ephemeral),
        }
        # Which policy decides is for the database to say: one that is silent is not waited for twice.
        found["policy"] = self._state(self._policy) if found["database"] == "ok" else found["database"]
        if self._ring.needs_token:
            found["token"] = self._state(lambda: self._signatures.do(self._ring.try_signing))
        ready = all(state == "ok" for state in found.values())
        if ready:
            policy = self._policy()
            found["policy"] = {"id": policy.id, "version": policy.version, "digest": policy.digest}
        for modality, room in self._rooms.items():
            try:
                found[modality.value] = room.refresh()
            except AuthsvcError as error:
                # Without biometrics the service still decides; the levels that need them are then not possible.
                found[modality.value] = {"error": error.detail}
        found |= {"version": __version__, "schema": {"program": NEWEST, "database": self._stored_schema}}
        found["warnings"] = [
            *self._settings.warnings,
            *self._scarce(),
            *self._skewed(),
            *self._strange(found),
            *self._warned(),
        ]
        return ready, {"status": "ready" if ready else "unavailable", **found}

    def _ask_database(self) -> None:
        """Read, and lately written: a full disk answers every query."""
        self._stored_schema = self._ledger.read(lambda tx: tx.readiness.schema())
        self._database_writes.do(
            lambda: self._ledger.transact(lambda tx: tx.readiness.write(self._name, self._clock.now()))
        )

    def _skewed(self) -> Iterator[str]:
        """A newer release upgraded the database; it made this program work on, and waits for it to follow."""
        if self._stored_schema not in (None, NEWEST):
            yield "schema-newer"

    def _strange(self, found: Json) -> Iterator[str]:
        """A room whose thresholds were set on other people than those who are served: its error rates are unknown here."""
        for modality in self._rooms:
            said = found[modality.value]
            populations = said.get("populations", []) if isinstance(said, Mapping) else []
            if any(each != self._settings.population for each in populations):
                yield f"{modality.value}-calibrated-on-others"

    def _ask_ephemeral(self) -> None:
        key = Key("health", self._name)
        self._ephemeral.get(key)
        self._ephemeral_writes.do(lambda: self._ephemeral.put(key, b"1", ROW_LIFE))

    def _scarce(self) -> Iterator[str]:
        """What still works, and will not for long."""
        with suppress(OSError):
            if disk_usage(self._settings.data_dir).free < self._settings.free_space_mib * MIB:
                yield "free-space-low"

    def _state(self, ask: Callable[[], object]) -> str:
        try:
            ask()
        except (Unavailable, RecordBroken, ConfigurationError) as error:
            return error.detail
        return "ok"
