"""The voice room from afar says what it says at home."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from authsvc.biometric.words import Comparison, Liveness, LivenessResult, Modality, Template
from authsvc.errors import AuthsvcError, ModelUnusable, Unavailable, UnsupportedMedia
from authsvc.factor import Json, Unusable
from authsvc.voice.audio import encode_wav
from authsvc.voice.build import voice_service
from authsvc.voice.capture import CaptureContext, EnrollmentPhrase, Heard
from authsvc.workers.client import WorkerClient
from authsvc.workers.messages import Answer
from authsvc.workers.voice import RemoteVoice, voice_handlers
from tests.voice.sounds import say
from tests.workers.test_face import NearbyClient

# As large as twenty captures of twelve seconds.
EARLIER = tuple(f"v1.{number}.{'x' * 36_000}" for number in range(20))
CONTEXT = CaptureContext("402917", "zh", EARLIER, b"\x00\x01 held")
BARE = CaptureContext("402917", "en")
TEMPLATE = Template(Modality.VOICE, "sha256:ab", b"\x00\x00\x80\x3f" * 256, 5)
PHRASE = EnrollmentPhrase(b"\x00 share", "v1.one", "sha256:ab")
HEARD = Heard(
    Comparison(
        score=0.1 + 0.2,
        model="sha256:ab",
        frames=2,
        liveness=LivenessResult(Liveness.ATTACK, ("prompt", "copy"), {"prompt": -0.97, "copy": 0.81}),
        quality={"snr": 21.5},
        fingerprints=("v1.three",),
        part="multi",
    ),
    b"\x00 probe",
)
RECORDING = b"RIFF one"
SHARES = (b"\x00 share", b"\x01 share")


class Room:
    """A voice room that answers what it was told to, and remembers what it was asked."""

    def __init__(self, answer: EnrollmentPhrase | Template | Heard | Unusable | AuthsvcError) -> None:
        self.answer = answer
        self.asked: list[tuple[object, ...]] = []

    def listen(self, recording: bytes, context: CaptureContext) -> EnrollmentPhrase | Unusable:
        self.asked.append((recording, context))
        return self._answer(EnrollmentPhrase)

    def enroll(self, shares: Sequence[bytes]) -> Template | Unusable:
        self.asked.append(tuple(shares))
        return self._answer(Template)

    def verify(self, recording: bytes, reference: Template, context: CaptureContext) -> Heard | Unusable:
        self.asked.append((recording, reference, context))
        return self._answer(Heard)

    def _answer(self, kind):
        if isinstance(self.answer, AuthsvcError):
            raise self.answer
        assert isinstance(self.answer, kind | Unusable)
        return self.answer


def remote(room: Room) -> RemoteVoice:
    return RemoteVoice(NearbyClient(dict(voice_handlers(room))))


@pytest.mark.parametrize("context", [CONTEXT, BARE])
def test_a_phrase_arrives_whole_with_its_fingerprint(context: CaptureContext):
    room = Room(PHRASE)
    assert remote(room).listen(RECORDING, context) == PHRASE
    assert room.asked == [(RECORDING, context)]


def test_a_template_arrives_whole():
    room = Room(TEMPLATE)
    assert remote(room).enroll(SHARES) == TEMPLATE
    assert room.asked == [SHARES]


@pytest.mark.parametrize("context", [CONTEXT, BARE])
def test_a_comparison_arrives_to_the_last_digit(context: CaptureContext):
    room = Room(HEARD)
    assert remote(room).verify(RECORDING, TEMPLATE, context) == HEARD
    assert room.asked == [(RECORDING, TEMPLATE, context)]


@pytest.mark.parametrize("hints", [("too_noisy", "clipped"), ()])
def test_what_cannot_be_judged_arrives_with_its_hints(hints: tuple[str, ...]):
    far = remote(Room(Unusable(hints)))
    assert far.listen(RECORDING, CONTEXT) == Unusable(hints)
    assert far.enroll(SHARES) == Unusable(hints)
    assert far.verify(RECORDING, TEMPLATE, CONTEXT) == Unusable(hints)


@pytest.mark.parametrize("error", [ModelUnusable("another model"), UnsupportedMedia("not a WAV")])
def test_what_the_room_raises_is_raised_here(error: AuthsvcError):
    with pytest.raises(type(error), match=error.detail):
        remote(Room(error)).verify(RECORDING, TEMPLATE, CONTEXT)


GARBAGE: tuple[Json, ...] = ({}, {"template": {}, "comparison": {}}, {"comparison": None}, {"unusable": 3})


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize(
    "ask",
    [
        lambda far: far.listen(RECORDING, CONTEXT),
        lambda far: far.enroll(SHARES),
        lambda far: far.verify(RECORDING, TEMPLATE, CONTEXT),
        lambda far: far.describe(),
    ],
)
def test_garbage_is_no_answer(garbage: Json, ask: Callable[[RemoteVoice], object]):
    def answer(header: Json, blobs: Sequence[bytes]) -> Answer:
        return garbage, ()

    far = RemoteVoice(
        NearbyClient(dict.fromkeys(("voice.listen", "voice.enroll", "voice.verify", "about"), answer))
    )
    with pytest.raises(Unavailable):
        ask(far)


def test_health_is_told_who_is_at_work():
    def about(header: Json, blobs: Sequence[bytes]) -> Answer:
        return {"voice": {"engine": "ge2e_onnx", "liveness": "prompt"}}, ()

    assert RemoteVoice(NearbyClient({"about": about})).describe()["engine"] == "ge2e_onnx"


@pytest.mark.parametrize("module", ["authsvc.workers.voice", "authsvc.voice.verifier", "authsvc.voice.hints"])
def test_the_web_loads_no_array_library_for_it(module: str):
    heavy = ("numpy", "soundfile", "soxr", "onnxruntime", "librosa", "torch")
    program = f"import sys, {module}; print([name for name in {heavy!r} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_a_worker_serves_the_voice_room_with_its_own_models(model_dir: Path, tmp_path: Path):
    try:
        voice_service(model_dir)
    except ModelUnusable as error:
        pytest.skip(f"no prepared voice models: {error.detail}")
    socket_path = tmp_path / "run" / "worker.sock"
    options = ["--socket", str(socket_path), "--model-dir", str(model_dir), "--room", "voice"]
    with subprocess.Popen([sys.executable, "-m", "authsvc.workers.main", *options]) as process:
        deadline = time.monotonic() + 90
        while not socket_path.exists() and time.monotonic() < deadline:
            assert process.poll() is None, "the worker ended"
            time.sleep(0.02)
        with closing(WorkerClient(socket_path, timedelta(seconds=60))) as client:
            far = RemoteVoice(client)
            about = far.describe()
            hum = encode_wav(say("555555"))
            template = Template(Modality.VOICE, str(about["model"]), bytes(3072), 5)
            told = far.verify(hum, template, BARE)
            memory = psutil.Process(process.pid).memory_info().rss
        process.terminate()
    assert (about["engine"], about["liveness"]) == ("ge2e_onnx", "prompt")
    # A hum is no speech, whatever it says to the tests' own engines.
    assert told == Unusable(("no_speech",))
    assert memory < 250 * 1024 * 1024
