"""The whole service in this process, models included: what `authsvc serve` runs, without sockets and worker processes.

A request is the same request, and what the biometric rooms answer takes the same way through JSON, so a sample meets the same
decision as over HTTP.
"""

from __future__ import annotations

import json
import logging
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from authsvc.biometric.words import Modality, Template
from authsvc.bootstrap.app import App, create_app
from authsvc.bootstrap.launch import make_schema
from authsvc.bootstrap.opening import Store
from authsvc.bootstrap.wiring import wire
from authsvc.cli.drill_premises import CLIENT, StorePremises
from authsvc.config import Settings, read_settings
from authsvc.face.capture import CaptureContext
from authsvc.factor import Json, Unusable
from authsvc.keys.keyring import KeyRing
from authsvc.lab.drill.drill import NotPlayed
from authsvc.lab.drill.service import Answer, Service
from authsvc.lab.replaying import NotEnrolled
from authsvc.web.settings import WebSettings
from authsvc.workers.client import WorkerClient
from authsvc.workers.face import RemoteFace, face_handlers
from authsvc.workers.messages import ABOUT, Handler
from authsvc.workers.voice import RemoteVoice, voice_handlers

if TYPE_CHECKING:
    from authsvc.face.service import FaceService

PATIENCE = timedelta(minutes=1)
"""For the store: engines that share its process and processors make it wait, and no payer waits for a measurement."""

_NOBODYS = Template(Modality.FACE, "", b"", 0)
"""Every face that is given here is a subject's own."""


class InProcess(Service):
    """The service as an attacker reaches it, without the network in between."""

    def __init__(
        self, app: App, settings: Settings, api_key: str, premises: _Premises, model_dir: Path
    ) -> None:
        super().__init__(settings.public_url, api_key)
        self.settings = settings
        self.app, self.premises, self._model_dir = app, premises, model_dir
        self.takes_photographs = premises.takes_photographs

    def give_face(self, user: str, photographs: Sequence[bytes]) -> None:
        """As a finished enrollment leaves it; raises NotEnrolled."""
        made = self._still_room.enroll(photographs, CaptureContext())
        if isinstance(made, Unusable):
            raise NotEnrolled(" ".join(made.hints))
        self.premises.give_face(user, made)

    def give_voice(self, user: str, made: Template) -> None:
        """Likewise."""
        self.premises.give(user, made)

    @cached_property
    def _still_room(self) -> FaceService:
        """Takes photographs for people, where the service itself does not."""
        from authsvc.face.build import face_service  # Loads engines.

        room = face_service(self._model_dir, unsafe_no_pad=True)
        room.load()
        return room

    def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        client = self.app.test_client(use_cookies=False)  # One a call: threads share none.
        sent = dict(headers or {})
        with client.open(path, base_url=self.url, method=method, headers=sent, data=body) as answer:
            return Answer(answer.status_code, answer.get_data())


class WorkerHere(WorkerClient):
    """The worker's handlers in this process, one call at a time as its runner takes them."""

    def __init__(self, handlers: Mapping[str, Handler], about: Json) -> None:
        super().__init__(Path("in-process"), timedelta(0))
        self._handlers, self._about = handlers, about
        self._runner = threading.Lock()

    def _called(self, op: str, header: Json, blobs: Sequence[bytes]) -> tuple[Json, tuple[bytes, ...]]:
        if op == ABOUT:
            return _crossed(self._about), ()
        with self._runner:
            answer, made = self._handlers[op](_crossed(header), tuple(blobs))
        return _crossed(answer), tuple(made)


class _Premises(StorePremises):
    """Whose store is open already."""

    def __init__(self, store: Store, settings: Settings) -> None:
        super().__init__(settings.data_dir, settings.public_url, _NOBODYS)
        self._store = store
        self.takes_photographs = settings.unsafe_no_pad

    def opened(self) -> AbstractContextManager[Store]:
        return nullcontext(self._store)

    def without_worker(self) -> AbstractContextManager[None]:
        raise NotPlayed("the worker is in this process")


@contextmanager
def in_process(
    model_dir: Path, *, unsafe_no_pad: bool, voice: bool = False, port: int | None = None
) -> Iterator[InProcess]:
    """A service with default settings in a folder that is thrown away; raises ModelUnusable as its worker does.

    With `voice` it has that room too, whose models are else not loaded; `port` is where people reach it, if they do.
    """
    worker = _worker(model_dir, unsafe_no_pad=unsafe_no_pad, voice=voice)
    with ExitStack() as stack:
        stack.enter_context(_quiet())
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="authsvc-lab-"))
        settings = _prepared(Path(folder) / "data", model_dir, unsafe_no_pad=unsafe_no_pad, voice=voice)
        settings = settings if port is None else replace(settings, port=port)
        wired = wire(settings, face=RemoteFace(worker), voice=RemoteVoice(worker) if voice else None)
        stack.callback(wired.close)
        app = create_app(wired.services, WebSettings(settings.public_url), console=wired.console)
        premises = _Premises(wired.store, settings)
        _, key = premises.new_key(CLIENT)
        service = InProcess(app, settings, key, premises, model_dir)
        service.ask("GET", "/readyz")  # Hears of the face room, as a chore does in `serve`.
        yield service


def _worker(model_dir: Path, *, unsafe_no_pad: bool, voice: bool) -> WorkerHere:
    from authsvc.face.build import installed_models  # Loads engines.

    faces = installed_models(model_dir, unsafe_no_pad=unsafe_no_pad)
    faces.load()
    handlers, about = {**face_handlers(faces)}, {"face": faces.describe()}
    if voice:
        from authsvc.voice.build import voice_service  # Likewise.

        voices = voice_service(model_dir)
        voices.load()
        handlers |= voice_handlers(voices)
        about |= {"voice": voices.describe()}
    return WorkerHere(handlers, about)


@contextmanager
def _quiet() -> Iterator[None]:
    """What the service would say in its log of each capture is said once, by the report."""
    log = logging.getLogger("authsvc")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


def _prepared(data_dir: Path, model_dir: Path, *, unsafe_no_pad: bool, voice: bool) -> Settings:
    data_dir.mkdir(mode=0o700)
    settings = replace(
        read_settings({}, data_dir=data_dir),
        model_dir=model_dir,
        unsafe_no_pad=unsafe_no_pad,
        voice=voice,
        store_timeout=PATIENCE,
    )
    KeyRing.create(settings.keyring)
    make_schema(settings)
    return settings


def _crossed(said: Json) -> Any:  # Any: decoded JSON.
    return json.loads(json.dumps(said, allow_nan=False))
