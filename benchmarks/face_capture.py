"""What does one whole face check cost, liveness included, and where does the time go?

Five frames of 480 x 640: decoded, judged for quality, a second person looked for, described, compared, held against earlier
captures, and judged by the passive liveness detector where its weights are in the model folder. The peer is
`face_recognition` finding and matching alone on the same five frames, in the same process.

An active capture of 34 frames, in two parts, is timed too: the mesh looks at every frame, and the detector at a few. Its peer is
the service before gestures were read from the mesh: detector, quality and description on every frame, all at once. Neither
has a gesture to look at, which costs both the same on top. A worker of the service takes the same capture, for the memory that
it and its runner hold together at most (proportional set size, looked at every few milliseconds).

    .venv/bin/python benchmarks/face_capture.py --models FOLDER --json
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")


from PIL import Image

from authsvc.biometric.manifest import manifest_folder, read_manifest
from authsvc.biometric.words import Comparison, Modality, Template
from authsvc.errors import ModelUnusable
from authsvc.face.acquisition import acquire
from authsvc.face.build import DEFAULT_MODEL, PASSIVE_MODEL, engines, face_service, passive_detector
from authsvc.face.capture import CaptureContext, Gesture
from authsvc.face.engine import Detector, Matcher
from authsvc.face.fingerprint import fingerprints, is_replay
from authsvc.face.image import decode
from authsvc.face.liveness import LivenessDetector, NoDetector
from authsvc.face.part import Part
from authsvc.face.quality import VERIFICATION, measure
from authsvc.face.service import FaceService
from authsvc.workers.client import WorkerClient
from authsvc.workers.face import RemoteFace

_SIZE = (480, 640)
_FRAMES = 5
_ACTIVE = 34
_STILL = CaptureContext()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", type=Path, default=Path("var/models"))
    parser.add_argument(
        "--person", type=Path, help="a photograph; default: the astronaut that scikit-image carries"
    )
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    options = parser.parse_args()
    figures = figures_of(options)
    print(
        f"authsvc {figures['authsvc_ms']} ms with liveness `{figures['liveness']}`, face_recognition matching alone "
        f"{figures['face_recognition_ms']} ms: {figures['ratios']['time_to_face_recognition']}"
    )
    print(
        f"active, {_ACTIVE} frames: {figures['active_ms']} ms of CPU, {figures['every_frame_ms']} ms with the detector on every "
        f"frame: {figures['ratios']['active_to_every_frame']}; a worker holds {figures['worker_mib']} MiB at most"
    )
    for name, share in figures["shares"].items():
        print(f"  {name:12} {share:6.1%}")
    if options.json:
        print(json.dumps(figures))


def figures_of(options: argparse.Namespace) -> dict[str, Any]:  # Any: JSON
    manifest = read_manifest(manifest_folder() / f"{DEFAULT_MODEL}.toml")
    detector, matcher = engines(manifest, options.models)
    liveness = _liveness(options.models)
    service = FaceService(manifest, detector, matcher, liveness, least_frames=3)
    service.load()
    frames = _frames(options.person)
    template = _template(manifest.digest, detector, matcher, frames[0])
    earlier = CaptureContext(earlier=_seen(detector, _frames(options.person, shift=40)))
    answer = service.verify(frames, template, earlier)
    if not isinstance(answer, Comparison):
        raise SystemExit(f"the frames cannot be judged: {answer.hints}")
    whole = _median_ms(lambda: service.verify(frames, template, earlier), options.repeats)
    peer = _median_ms(lambda: _reference(frames), max(1, options.repeats // 2))
    active, every_frame = _active_ms(options, template, max(1, options.repeats // 2))
    stages = _stages(detector, matcher, liveness, frames, earlier, options.repeats)
    return {
        "liveness": liveness.id,
        "verdict": answer.liveness.verdict,
        "authsvc_ms": round(whole, 1),
        "face_recognition_ms": round(peer, 1),
        "active_ms": round(active, 1),
        "every_frame_ms": round(every_frame, 1),
        "worker_mib": round(_worker_mib(options)),
        "shares": {name: round(taken / sum(stages.values()), 3) for name, taken in stages.items()},
        "stages_ms": {name: round(taken, 1) for name, taken in stages.items()},
        "ratios": {
            "time_to_face_recognition": round(whole / peer, 3),
            "active_to_every_frame": round(active / every_frame, 3),
        },
    }


def _active_ms(options: argparse.Namespace, template: Template, rounds: int) -> tuple[float, float]:
    """CPU of one active capture, part by part, and of as many frames that the detector looks at one by one."""
    service = face_service(options.models, unsafe_no_pad=False)
    before = face_service(options.models, unsafe_no_pad=True)
    service.load()
    before.load()
    frames = _frames(options.person, count=_ACTIVE)

    def active() -> object:
        return service.verify_parts(_observed(service, frames), template, CaptureContext())

    return _median_ms(active, rounds, cpu=True), _median_ms(
        lambda: before.verify(frames, template, CaptureContext()), rounds, cpu=True
    )


def _observed(room: FaceService | RemoteFace, frames: Sequence[bytes]) -> list[Part]:
    """An active capture in two parts."""
    half, parts = len(frames) // 2, []
    for number, gesture in enumerate((Gesture.LEFT, Gesture.RIGHT)):
        start = 100 * half * number
        context = CaptureContext((gesture,), tuple(range(start, start + 100 * half, 100)), part=number)
        part = room.observe(frames[half * number : half * (number + 1)], context)
        if not isinstance(part, Part):
            raise SystemExit(f"the frames cannot be judged: {part.hints}")
        parts.append(part)
    return parts


def _worker_mib(options: argparse.Namespace) -> float:
    """The most that a worker with both rooms holds while it takes an active capture, its runner included."""
    frames, most, done = _frames(options.person, count=_ACTIVE), [0.0], threading.Event()

    def watch(worker: int) -> None:
        while not done.wait(0.003):
            with suppress(OSError, ValueError):
                children = Path(f"/proc/{worker}/task/{worker}/children").read_text().split()
                most[0] = max(most[0], sum(_pss_mib(int(each)) for each in (worker, *children)))

    with _worker(options.models) as (worker, room):
        watching = threading.Thread(target=watch, args=(worker,))
        watching.start()
        try:
            _observed(room, frames)
        finally:
            done.set()
            watching.join()
    return most[0]


@contextmanager
def _worker(models: Path) -> Iterator[tuple[int, RemoteFace]]:
    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder) / "worker.sock"
        rooms = ("--room", "face", "--room", "voice")
        command = [sys.executable, "-m", "authsvc.workers.main", "--model-dir", str(models)]
        with subprocess.Popen([*command, "--socket", str(socket), *rooms], stderr=subprocess.PIPE) as process:
            while not socket.exists() and process.poll() is None:
                time.sleep(0.05)
            yield process.pid, RemoteFace(WorkerClient(socket, timedelta(seconds=120)))
            process.terminate()


def _pss_mib(process: int) -> float:
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


def _stages(
    detector: Detector,
    matcher: Matcher,
    liveness: LivenessDetector,
    frames: Sequence[bytes],
    context: CaptureContext,
    repeats: int,
) -> dict[str, float]:
    """Milliseconds of each stage, run by itself."""
    pictures = [decode(frame) for frame in frames]
    faces = [detector.detect(picture)[0] for picture in pictures]
    points = [face.points for face in faces]
    capture = [acquire(frame, detector, VERIFICATION) for frame in frames]
    middle = pictures[len(pictures) // 2]
    seen = fingerprints(frames, capture, detector.points)
    stages: dict[str, Callable[[], object]] = {
        "decode": lambda: [decode(frame) for frame in frames],
        "detect": lambda: [detector.detect(picture) for picture in pictures if picture is not middle],
        "detect, fine": lambda: detector.detect(middle, fine=True),
        "quality": lambda: [measure(*pair, detector.points) for pair in zip(pictures, faces, strict=True)],
        "describe": lambda: matcher.describe(pictures, points),
        "replay": lambda: (
            is_replay(
                fingerprints(frames, capture, detector.points), capture, context.earlier, detector.points
            )
            or seen
        ),
        "liveness": lambda: liveness.judge(capture, context),
    }
    return {name: _median_ms(stage, repeats) for name, stage in stages.items()}


def _liveness(models: Path) -> LivenessDetector:
    try:
        return passive_detector(read_manifest(manifest_folder() / f"{PASSIVE_MODEL}.toml"), models)
    except ModelUnusable:
        return NoDetector()


def _template(model: str, detector: Detector, matcher: Matcher, frame: bytes) -> Template:
    picture = decode(frame)
    vector = matcher.describe([picture], [detector.detect(picture)[0].points])[0]
    return Template(Modality.FACE, model, vector.astype("<f4").tobytes(), 3)


def _seen(detector: Detector, frames: Sequence[bytes]) -> tuple[str, ...]:
    return fingerprints(frames, [acquire(frame, detector, VERIFICATION) for frame in frames], detector.points)


def _reference(frames: Sequence[bytes]) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import face_recognition
    found = [
        face_recognition.face_encodings(face_recognition.load_image_file(io.BytesIO(frame)))
        for frame in frames
    ]
    return sum(bool(face_recognition.compare_faces([found[0][0]], one[0])[0]) for one in found if one)


def _frames(person: Path | None, shift: int = 0, count: int = _FRAMES) -> list[bytes]:
    """Frames of one still, moved a little from one to the next: enough to time, nothing to recognise by."""
    photograph = _astronaut() if person is None else Image.open(person).convert("RGB")
    factor = _SIZE[1] * 0.9 / photograph.height
    photograph = photograph.resize((round(photograph.width * factor), round(photograph.height * factor)))
    frames = []
    for number in range(count):
        frame = Image.new("RGB", _SIZE, (150, 140, 130))
        frame.paste(
            photograph,
            ((_SIZE[0] - photograph.width) // 2 + 4 * (number % 7) + shift, 30 + 2 * (number % 9) + shift),
        )
        buffer = io.BytesIO()
        frame.save(buffer, "JPEG", quality=90)
        frames.append(buffer.getvalue())
    return frames


def _astronaut() -> Image.Image:
    from skimage import data

    whole = Image.fromarray(data.astronaut())  # type: ignore[no-untyped-call]  # skimage is not typed
    return whole.crop((60, 0, 390, 400))


def _median_ms(action: Callable[[], object], rounds: int, *, cpu: bool = False) -> float:
    clock = time.process_time if cpu else time.perf_counter
    taken = []
    for _ in range(rounds):
        started = clock()
        action()
        taken.append(clock() - started)
    return statistics.median(taken) * 1000


if __name__ == "__main__":
    main()
