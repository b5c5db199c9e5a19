"""The service as the walks meet it: over HTTP from several processes, or in this one, with a clock that they all share.

`python -m tests.model.served FOLDER COUNT` serves; the clock and the worker's state are files in that folder.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count, cycle
from pathlib import Path
from typing import Any

from werkzeug.serving import make_server

from authsvc.biometric.words import Comparison, Liveness, Template
from authsvc.bootstrap.app import create_app
from authsvc.clock import from_millis, to_millis
from authsvc.config import Settings
from authsvc.errors import Unavailable
from authsvc.face.capture import CaptureContext
from authsvc.face.part import Part
from authsvc.factor import Unusable
from authsvc.keys.access import ALL_SCOPES, Scope, new_api_key
from authsvc.web.settings import WebSettings
from tests.guarantees.people import form
from tests.support.service import CLIENT, NOON, Bench, NamedFaces
from tests.web.support import BASE_URL, Api

ORIGIN = Settings(data_dir=Path()).public_url

EVERY_SCOPE = "every scope"
"""The name of the key that may do everything; the others are called by their scope."""

PATIENCE = timedelta(seconds=60)
"""A walk says what is answered, not how soon."""

POLICY = """format = 1
id = "walk"
version = 1
title = "Each level by its risk, so that a walk can ask for it"
reference_currency = "CNY"
default = "none"

[currencies]
CNY = { worth = "1", minor_digits = 2 }

[on_missing]
risk_score = 100
device = "unknown"
device_synced = true
channel = "any"
currency = "unbounded"

[levels.otp]
sets = [["otp"], ["device_uv"]]

[levels.face]
sets = [{ factors = ["face"], device_at_most = "trusted" }, ["face", "otp"], ["device_uv", "otp"]]

[levels.face_fingerprint]
sets = [["face", "device_uv"], { factors = ["device_uv", "otp"], amount_at_most = 5_000_000 }]

[biometrics.face]
fmr = "1 in 10000"
liveness = { otp = "passive", face = "passive", face_fingerprint = "passive" }

[[rules]]
id = "asked-a-code"
level = "otp"
why = "the walk asks for it"
risk_at_least = 10

[[rules]]
id = "asked-a-face"
level = "face"
why = "the walk asks for it"
risk_at_least = 20

[[rules]]
id = "asked-both"
level = "face_fingerprint"
why = "the walk asks for it"
risk_at_least = 30
"""


class SharedClock:
    """Stands still until any process advances it."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"

    def now(self) -> datetime:
        return from_millis(int(self._file.read_text()))

    def advance(self, by: timedelta) -> None:
        self.set(self.now() + by)

    def set(self, at: datetime) -> None:
        beside = self._file.with_name("clock.new")
        beside.write_text(str(to_millis(at)))
        beside.replace(self._file)


class SharedFaces(NamedFaces):
    """A worker that is down while a file says so; whoever asks then knows of no gate."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._down = folder / "worker-down"
        self.gates, self.liveness = ("active", "passive"), Liveness.BONA_FIDE

    def describe(self) -> Mapping[str, Any]:
        return {"state": "loading"} if self._down.exists() else super().describe()

    def verify(
        self, frames: Sequence[bytes], reference: Template, context: CaptureContext
    ) -> Comparison | Unusable:
        self._must_work()
        return super().verify(frames, reference, context)

    def observe(
        self, frames: Sequence[bytes], context: CaptureContext, model: str | None = None
    ) -> Part | Unusable:
        self._must_work()
        return super().observe(frames, context, model)

    def _must_work(self) -> None:
        if self._down.exists():
            raise Unavailable("the worker is down")


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: its status and what it says."""

    status: int
    json: Any  # Any: decoded JSON, of which the walk knows what it reads.

    @property
    def done(self) -> bool:
        return self.status < 300


class Caller:
    """Speaks to the service for everybody, each call to the next process."""

    def __init__(self, folder: Path, keys: Mapping[str, str]) -> None:
        self.folder = folder
        self.clock = SharedClock(folder)
        self._keys = keys
        self._numbers = count()

    def backend(
        self, method: str, path: str, body: object = None, *, key: str = EVERY_SCOPE, once: str | None = None
    ) -> Said:
        """A call of the shop, or of somebody who has a key of it with one scope."""
        return self.call(method, path, f"Bearer {self._keys[key]}", body, once=once)

    def call(
        self, method: str, path: str, authorization: str, body: object = None, *, once: str | None = None
    ) -> Said:
        repeated_by = once or f"walk-{next(self._numbers)}"
        headers = {"Authorization": authorization, "Idempotency-Key": f'"{repeated_by}"'}
        raw = b""
        if body is not None or method in ("POST", "PUT", "PATCH"):
            headers["Content-Type"] = "application/json"
            raw = json.dumps(body or {}).encode()
        return self.ask(method, path, headers, raw)

    def frames(
        self, path: str, authorization: str, nonce: str, meta: Mapping[str, object], *frames: bytes
    ) -> Said:
        kind, body = form({"nonce": nonce, "meta": json.dumps(meta)}, frames)
        return self.ask("PUT", path, {"Authorization": authorization, "Content-Type": kind}, body)

    def worker(self, *, works: bool) -> None:
        """Take the worker down or bring it back, and have every process hear of it."""
        mark = self.folder / "worker-down"
        mark.unlink(missing_ok=True) if works else mark.touch()
        self.everybody_looks()

    def everybody_looks(self) -> None:
        raise NotImplementedError

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Said:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class Here(Caller):
    """The service in this process, each answer held against the OpenAPI document."""

    def __init__(self, folder: Path, policy: str = POLICY, **changes: Any) -> None:  # Any: settings by name.
        self.bench, keys = made(folder, policy, **changes)
        super().__init__(folder, keys)
        self._api = Api(create_app(self.bench.services, WebSettings(BASE_URL)))
        self.everybody_looks()

    def everybody_looks(self) -> None:
        self.bench.services.public.readyz()

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Said:
        answer = self._api.send(method, path, headers=headers, data=body)
        return Said(answer.status_code, answer.get_json(silent=True))

    def close(self) -> None:
        self.bench.close()


class Served(Caller):
    """The service in processes of their own, on ports of the loopback."""

    def __init__(self, folder: Path, processes: int, **changes: Any) -> None:
        bench, keys = made(folder, **changes)
        bench.close()
        super().__init__(folder, keys)
        (folder / "settings").write_text(json.dumps(changes))
        command = [sys.executable, "-m", "tests.model.served", str(folder), str(processes)]
        self._server = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
        assert self._server.stdout is not None
        ports = [int(self._server.stdout.readline()) for _ in range(processes)]
        self._connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=60) for port in ports]
        self._turns = cycle(self._connections)
        self.everybody_looks()

    def everybody_looks(self) -> None:
        for connection in self._connections:
            _send(connection, "GET", "/readyz", {}, b"")

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Said:
        return _send(next(self._turns), method, path, headers, body)

    def close(self) -> None:
        for connection in self._connections:
            connection.close()
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(20)
        assert self._server.stdout is not None
        self._server.stdout.close()


def _send(
    connection: http.client.HTTPConnection, method: str, path: str, headers: Mapping[str, str], body: bytes
) -> Said:
    connection.request(method, path, body, dict(headers))
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status < 600
    return Said(answer.status, json.loads(content) if content else None)


def made(folder: Path, policy: str = POLICY, **changes: Any) -> tuple[Bench, Mapping[str, str]]:
    """A fresh service of that folder with API keys: one that may do everything, and one for each scope."""
    clock = SharedClock(folder)
    clock.set(NOON)
    (folder / "policy.toml").write_text(policy, encoding="utf-8")
    bench = opened(folder, **changes)
    scopes = {EVERY_SCOPE: ALL_SCOPES, **{each.value: frozenset({each}) for each in Scope}}
    return bench, {name: _new_key(bench, each) for name, each in scopes.items()}


def _new_key(bench: Bench, scopes: frozenset[Scope]) -> str:
    store = bench.wired.store
    key, shown = new_api_key(store.ring, CLIENT, scopes, store.clock.now())
    store.ledger.transact(lambda tx: tx.keys.add(key))
    return shown


def opened(folder: Path, **changes: Any) -> Bench:
    settings = Settings(
        data_dir=folder / "data", policy_file=folder / "policy.toml", store_timeout=PATIENCE, **changes
    )
    return Bench(settings, SharedClock(folder), faces=SharedFaces(folder))


def _serve(folder: Path) -> None:
    bench = opened(folder, **json.loads((folder / "settings").read_text()))
    app = create_app(bench.services, WebSettings(bench.settings.public_url))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    server.serve_forever()


def main(folder: Path, processes: int) -> None:
    """Serve until standard input ends."""
    children = []
    for _ in range(processes):
        child = os.fork()
        if child == 0:
            sys.stdin.close()
            _serve(folder)
        children.append(child)
    sys.stdin.read()
    for child in children:
        os.kill(child, 15)


if __name__ == "__main__":
    import logging

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    main(Path(sys.argv[1]), int(sys.argv[2]))
