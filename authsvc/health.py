"""Whether the service can serve: the database, the short-lived store, and what the biometric worker says of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from authsvc.biometric import LivenessGate
from authsvc.config import Settings
from authsvc.ephemeral import Ephemeral, Key
from authsvc.errors import AuthsvcError, Unavailable
from authsvc.face.verifier import Worker
from authsvc.factor import Json
from authsvc.opening import StoreLedger


class Faces(Worker, Protocol):
    """The face room, here or in a worker process."""

    def describe(self) -> Json: ...


class FaceHealth:
    """What the biometric worker last said of itself: engine, model, liveness mode."""

    def __init__(self, face: Faces) -> None:
        self._face = face
        self._said: Json | None = None

    def refresh(self) -> Json:
        self._said = self._face.describe()
        return self._said

    def gates(self) -> frozenset[LivenessGate]:
        """The liveness gates that are at work; nothing heard yet is none."""
        said = {} if self._said is None else self._said
        named = said.get("gates", ())
        return frozenset(map(LivenessGate, named)) if isinstance(named, list | tuple) else frozenset()


class ServiceHealth:
    """Asks the database, the short-lived store and the biometric worker."""

    def __init__(
        self, ledger: StoreLedger, ephemeral: Ephemeral, face: FaceHealth, settings: Settings
    ) -> None:
        self._ledger = ledger
        self._ephemeral = ephemeral
        self._face = face
        self._settings = settings

    def check(self) -> tuple[bool, Json]:
        found: dict[str, object] = {
            "database": self._state(lambda: self._ledger.read(lambda tx: tx.keys.find(""))),
            "ephemeral": self._state(lambda: self._ephemeral.get(Key("health", "check"))),
        }
        ready = all(state == "ok" for state in found.values())
        try:
            found["face"] = self._face.refresh()
        except AuthsvcError as error:
            # Without biometrics the service still decides; the levels that need a face are then not possible.
            found["face"] = {"error": error.detail}
        found["warnings"] = list(self._settings.warnings)
        return ready, {"status": "ready" if ready else "unavailable", **found}

    def _state(self, ask: Callable[[], object]) -> str:
        try:
            ask()
        except Unavailable as error:
            return error.detail
        return "ok"
