"""The service in this process with a real clock, served over HTTP, so that a test can take one control away from it."""

from __future__ import annotations

import base64
import logging
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from werkzeug.serving import make_server

from authsvc.biometric.manifest import manifest_folder, read_manifests
from authsvc.biometric.words import Comparison, Liveness, LivenessResult, Modality, Template
from authsvc.bootstrap.app import create_app
from authsvc.bootstrap.opening import Store
from authsvc.cli.drill_premises import StorePremises
from authsvc.clock import SystemClock
from authsvc.config import Settings
from authsvc.face.capture import CaptureContext
from authsvc.face.part import Part
from authsvc.factor import Unusable
from authsvc.keys.access import ALL_SCOPES, new_api_key
from authsvc.lab.drill.drill import DRILLS, Result
from authsvc.lab.drill.running import play
from authsvc.lab.drill.scene import Pictures, Scene, Voices
from authsvc.lab.drill.service import Service
from authsvc.voice.capture import CaptureContext as VoiceContext
from authsvc.voice.capture import EnrollmentPhrase, Heard
from authsvc.web.settings import WebSettings
from tests.model.served import PATIENCE, SharedFaces
from tests.support.ports import free_port
from tests.support.service import CLIENT, Bench, _face_of

PHOTOGRAPH = b"ann photograph"
LOOK = "f:" + base64.b64encode(bytes(range(100)) * 5 + bytes(76)).decode()
VOICES = Voices(
    owner=lambda digits: f"ann {digits} fresh {secrets.token_hex(4)}".encode(),
    heard=lambda digits: f"ann {digits} heard".encode(),
    stranger=lambda digits: f"eve {digits} {secrets.token_hex(4)}".encode(),
    changes=(lambda recording: recording + b" faster", lambda recording: recording + b" quieter"),
)


def pictures() -> Pictures:
    """Of a drill's own: what counted in another one counts nowhere again."""
    own = secrets.token_hex(4).encode()
    return Pictures(
        owner=(b"ann 1 " + own,),
        stranger=(b"eve 1 " + own,),
        clip=(PHOTOGRAPH,),
        changed=(b"ann 1 again " + own,),
    )


class Faces(SharedFaces):
    """Looks at pictures by their names: ann is an attack where faces are `attacked`, and what is no name is no picture."""

    def observe(
        self, frames: Sequence[bytes], context: CaptureContext, model: str | None = None
    ) -> Part | Unusable:
        if not frames[0].isascii() or len(frames) > 20:
            return Unusable(("too_small",))
        return super().observe(frames, context, model)

    def verify(
        self, frames: Sequence[bytes], reference: Template, context: CaptureContext
    ) -> Comparison | Unusable:
        self.liveness = Liveness.ATTACK if frames[0] == b"ann" and self.attacked else Liveness.BONA_FIDE
        return super().verify(frames, reference, context)

    attacked = False


class SaidVoices:
    """Hears who speaks which digits out of which take: `b"ann 402917 fresh"`."""

    alike = False

    def __init__(self) -> None:
        self.model = next(
            each.digest for each in read_manifests(manifest_folder()) if each.engine == "ge2e_onnx"
        )

    def listen(self, recording: bytes, context: VoiceContext) -> EnrollmentPhrase | Unusable:
        raise AssertionError("nobody enrolls a voice here")

    def enroll(self, shares: Sequence[bytes]) -> Template | Unusable:
        raise AssertionError("nobody enrolls a voice here")

    def verify(self, recording: bytes, reference: Template, context: VoiceContext) -> Heard | Unusable:
        name, digits, take, *_ = recording.split()
        print = f"v:{take.decode()} {digits.decode()}" if take == b"fresh" else f"v:{take.decode()}"
        liveness = Liveness.UNDECIDED if digits.decode() != context.digits else Liveness.BONA_FIDE
        if print in context.earlier:
            liveness = Liveness.ATTACK
        score = 0.99 if self.alike or name == reference.vector else 0.1
        compared = Comparison(score, self.model, 1, LivenessResult(liveness), fingerprints=(print,))
        return Heard(compared, b"probe")

    def describe(self) -> Mapping[str, object]:
        return {"engine": "said", "model": self.model, "liveness": "prompt"}


class BenchPremises(StorePremises):
    """The store of a service in this process, and a worker that can be taken down."""

    def __init__(self, bench: Bench, url: str) -> None:
        template = Template(Modality.FACE, bench.faces.model, _face_of(b"ann"), 3)
        voice = Template(Modality.VOICE, SaidVoices().model, b"ann", 5, ("v:heard",))
        super().__init__(bench.settings.data_dir, url, template, CLIENT, voice)
        self.bench = bench

    def opened(self) -> AbstractContextManager[Store]:
        return nullcontext(self.bench.wired.store)

    def new_key(self, client: str, *scopes: str) -> tuple[str, str]:
        """From a process of its own, as on the command line: it has its own chain in the audit, and has ended."""
        return StorePremises(self.data_dir, self.url, self.template).new_key(client, *scopes)

    @contextmanager
    def without_worker(self) -> Iterator[None]:
        mark = self.data_dir.parent / "worker-down"
        mark.touch()
        self.bench.services.public.readyz()
        try:
            yield
        finally:
            mark.unlink()
            self.bench.services.public.readyz()


class Here:
    """A service with default settings but for its face worker, which is a fake with behaviour."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        (folder / "data").mkdir(mode=0o700)
        settings = Settings(data_dir=folder / "data", port=self.port, store_timeout=PATIENCE, workers=1)
        self.faces = Faces(folder)
        clock: Any = SystemClock()  # A bench advances its clock, which is never asked of this one.
        self.faces.seen_as = lambda frames: (LOOK,) if frames[0].startswith(b"ann 1") else ()
        self.bench = Bench(settings, clock, faces=self.faces, voice=SaidVoices())
        key, shown = new_api_key(self.bench.wired.store.ring, CLIENT, ALL_SCOPES, SystemClock().now())
        self.bench.wired.store.ledger.transact(lambda tx: tx.keys.add(key))
        self.bench.services.public.readyz()
        url = settings.public_url
        app = create_app(self.bench.services, WebSettings(url), console=self.bench.wired.console)
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = make_server("127.0.0.1", self.port, app, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        service, premises = Service(f"http://127.0.0.1:{self.port}", shown), BenchPremises(self.bench, url)
        self.scene = lambda: Scene(service, premises, pictures(), VOICES)

    def played(self, name: str) -> Result:
        [(result, _)] = play([DRILLS[name]], self.scene, at_once=1)
        return result

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.bench.close()
