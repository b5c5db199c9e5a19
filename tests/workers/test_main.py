"""The worker as the supervisor starts it: real weights, real photographs, another process."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from authsvc.biometric.manifest import manifest_folder, read_manifest
from authsvc.biometric.weights import verified_weights
from authsvc.biometric.words import Comparison, Liveness, Template
from authsvc.errors import ModelUnusable, UnsupportedMedia
from authsvc.face.capture import CaptureContext
from authsvc.factor import Unusable
from authsvc.workers.client import WorkerClient
from authsvc.workers.face import RemoteFace
from authsvc.workers.voice import RemoteVoice
from tests.workers.support import kill_idle

_CHECKOUT = Path(__file__).resolve().parent.parent.parent
CONTEXT = CaptureContext()


@pytest.fixture(scope="module")
def model_dir() -> Path:
    """The prepared weight files, from AUTHSVC_MODEL_DIR or this checkout's `var/models`."""
    folder = Path(os.environ.get("AUTHSVC_MODEL_DIR") or _CHECKOUT / "var" / "models")
    try:
        verified_weights(folder, read_manifest(manifest_folder() / "dlib-resnet-v1.toml"))
    except ModelUnusable as error:
        pytest.skip(f"no prepared models: {error.detail}")
    return folder


@pytest.fixture(scope="module")
def program(
    model_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[psutil.Process, Path]]:
    socket_path = tmp_path_factory.mktemp("worker") / "run" / "worker.sock"
    command = [sys.executable, "-m", "authsvc.workers.main", "--socket", str(socket_path)]
    with subprocess.Popen(
        [*command, "--model-dir", str(model_dir), "--unsafe-no-pad"], cwd=_CHECKOUT
    ) as process:
        deadline = time.monotonic() + 90
        while not socket_path.exists():
            assert process.poll() is None, "the worker ended"
            assert time.monotonic() < deadline, "the worker does not come up"
            time.sleep(0.02)
        yield psutil.Process(process.pid), socket_path
        process.terminate()
        assert process.wait(60) == 0


@pytest.fixture
def face(program: tuple[psutil.Process, Path]) -> Iterator[RemoteFace]:
    with closing(WorkerClient(program[1], timedelta(seconds=60))) as client:
        yield RemoteFace(client)


def photographs(faces_dir: Path, person: str) -> list[bytes]:
    return [file.read_bytes() for file in sorted((faces_dir / person).iterdir())]


def test_it_says_which_engine_and_that_liveness_is_off(face: RemoteFace):
    about = face.describe()
    assert about["engine"] == "dlib_onnx"
    assert about["liveness"] == "UNSAFE_NO_PAD"
    assert str(about["model"]).startswith("sha256:")


def test_a_person_is_told_from_another_across_the_socket(face: RemoteFace, faces_dir: Path):
    own, other = photographs(faces_dir, "obama"), photographs(faces_dir, "biden")
    template = face.enroll(own[:3], CONTEXT)
    assert isinstance(template, Template), template
    same = face.verify(own[3:4], template, CONTEXT)
    different = face.verify(other[:1], template, CONTEXT)
    assert isinstance(same, Comparison), same
    assert isinstance(different, Comparison), different
    assert same.score > different.score
    assert same.liveness.verdict is Liveness.BONA_FIDE
    assert same.liveness.detectors == ("UNSAFE_NO_PAD",)


def test_a_person_is_recognised_by_a_runner_that_replaced_a_killed_one(
    face: RemoteFace, faces_dir: Path, program: tuple[psutil.Process, Path]
):
    own = photographs(faces_dir, "obama")
    template = face.enroll(own[:3], CONTEXT)
    assert isinstance(template, Template)
    before = face.verify(own[3:4], template, CONTEXT)
    kill_idle(program[0].children()[0])
    assert face.verify(own[3:4], template, CONTEXT) == before


def test_what_is_no_photograph_is_refused_as_at_home(face: RemoteFace):
    with pytest.raises(UnsupportedMedia):
        face.enroll([b"not a picture at all"] * 3, CONTEXT)


def test_too_few_frames_are_unusable(face: RemoteFace, faces_dir: Path):
    assert isinstance(face.enroll(photographs(faces_dir, "obama")[:1], CONTEXT), Unusable)


def test_it_has_one_thread_and_no_connection_to_the_outside(program: tuple[psutil.Process, Path]):
    for process in (program[0], *program[0].children()):
        assert process.num_threads() == 1
        assert process.net_connections(kind="inet") == []


def test_without_weights_it_ends_with_a_sentence(tmp_path: Path):
    command = [sys.executable, "-m", "authsvc.workers.main", "--socket", str(tmp_path / "run" / "w.sock")]
    ended = subprocess.run(
        [*command, "--model-dir", str(tmp_path)],
        cwd=_CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: ")
    assert "Traceback" not in ended.stderr


def test_a_room_without_its_weights_takes_no_other_one_down(model_dir: Path, tmp_path: Path):
    """The face's weights are there, the voice's are not."""
    models = tmp_path / "models"
    models.mkdir()
    for name in ("dlib_resnet_v1-55533b28.onnx", "shape_predictor_5_face_landmarks.dat"):
        (models / name).symlink_to(model_dir / name)
    socket_path = tmp_path / "run" / "worker.sock"
    command = [sys.executable, "-m", "authsvc.workers.main", "--socket", str(socket_path)]
    command += ["--model-dir", str(models), "--unsafe-no-pad", "--room", "face", "--room", "voice"]
    with subprocess.Popen(command, cwd=_CHECKOUT) as process:
        deadline = time.monotonic() + 90
        while not socket_path.exists():
            assert process.poll() is None, "the worker ended"
            assert time.monotonic() < deadline, "the worker does not come up"
            time.sleep(0.02)
        with closing(WorkerClient(socket_path, timedelta(seconds=60))) as client:
            face, voice = RemoteFace(client).describe(), RemoteVoice(client).describe()
        process.terminate()
    assert face["engine"] == "dlib_onnx"
    assert "engine" not in voice
    assert "run `authsvc models prepare`" in str(voice["error"])
