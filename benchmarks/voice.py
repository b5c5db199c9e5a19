"""What does one voice verification cost, against the sound's own length and against the same network run in torch?

Decode, find speech, quality, fingerprint, digits, vector, comparison, in a process of its own with one thread; the worker's
memory and how long it takes to be ready. With one thread, CPU time is what a core is kept busy, and other work on the machine
stretches it little; the time on the wall stands beside it. The peer is the published GE2E checkpoint in torch, where that is
installed, on the same windows in the same process:

    .venv/bin/python benchmarks/voice.py --json
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from authsvc.biometric.manifest import manifest_folder, read_manifest
from authsvc.biometric.words import Modality, Template
from authsvc.voice.audio import decode, encode_wav
from authsvc.voice.build import DEFAULT_MODEL, speaker_encoder, voice_service
from authsvc.voice.capture import CaptureContext
from authsvc.voice.engine import SAMPLE_RATE, Samples
from authsvc.voice.fingerprint import Fingerprint
from authsvc.voice.ge2e_onnx_engine import windows_of

_SECONDS = 3.0
_EARLIER = 25
_CHECKPOINT = "resemblyzer/pretrained.pt"

_READY = """
import resource, sys, time
started = time.perf_counter()
from pathlib import Path
from authsvc.voice.build import voice_service
service = voice_service(Path(sys.argv[1]))
service.load()
ready, cpu = time.perf_counter() - started, time.process_time()
from authsvc.biometric.words import Modality, Template
from authsvc.voice.capture import CaptureContext
import numpy
vector = numpy.full(768, 1 / 16, dtype="<f4").tobytes()
template = Template(Modality.VOICE, service.model, vector, 5)
service.verify(Path(sys.argv[2]).read_bytes(), template, CaptureContext("402917", "en"))
print(ready, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    parser.add_argument("--models", type=Path, default=Path("var/models"))
    parser.add_argument(
        "--recording", type=Path, help="speech of three seconds or more; default: a synthesised voice"
    )
    parser.add_argument("--wheel", type=Path, help="the Resemblyzer wheel, for the peer in torch")
    parser.add_argument("--repeats", type=int, default=30)
    options = parser.parse_args()
    figures = measure(options)
    for name, value in figures.items():
        print(f"{name}: {value}")
    if options.json:
        print(json.dumps(figures))


def measure(options: argparse.Namespace) -> dict[str, Any]:  # Any: JSON
    sound = three_seconds(options.recording)
    recording = encode_wav(sound)
    ready, ready_cpu, memory = worker(options.models, recording)
    service = voice_service(options.models)
    service.load()
    template = Template(Modality.VOICE, service.model, np.full(768, 1 / 16, dtype="<f4").tobytes(), 5)
    context = CaptureContext("402917", "en", _earlier(sound))
    own = median_ms(lambda: service.verify(recording, template, context), options.repeats)
    encoder = speaker_encoder(options.models, read_manifest(manifest_folder() / f"{DEFAULT_MODEL}.toml"))
    encoder.load()
    vector = median_ms(lambda: encoder.describe([sound]), options.repeats)
    peer = in_torch(sound, options.wheel, options.repeats)
    return {
        "seconds_of_sound": _SECONDS,
        "verification_cpu_ms": round(own.cpu, 2),
        "verification_wall_ms": round(own.wall, 2),
        "vector_cpu_ms": round(vector.cpu, 2),
        "vector_in_torch_cpu_ms": None if peer is None else round(peer.cpu, 2),
        "ready_cpu_s": round(ready_cpu, 2),
        "ready_wall_s": round(ready, 2),
        "resident_mib": round(memory),
        "ratios": {
            "real_time": round(own.cpu / 1000 / _SECONDS, 4),
            "faster_than_real_time": round(_SECONDS * 1000 / own.cpu, 1),
            "torch_to_ours": None if peer is None else round(peer.cpu / vector.cpu, 2),
        },
    }


def worker(models: Path, recording: bytes) -> tuple[float, float, float]:
    """Until a fresh process has its models, seconds on the wall and of CPU; its largest memory in MiB after a verification."""
    file = Path(f"/proc/self/fd/{os.memfd_create('recording')}")
    file.write_bytes(recording)
    path = f"/proc/{os.getpid()}/fd/{file.name}"
    told = subprocess.run(
        [sys.executable, "-c", _READY, str(models), path], capture_output=True, text=True, check=True
    )
    ready, cpu, memory = map(float, told.stdout.split())
    return ready, cpu, memory


def three_seconds(recording: Path | None) -> Samples:
    if recording is not None:
        samples = decode(recording.read_bytes()).samples
    else:
        spoken = subprocess.run(
            ["espeak-ng", "-v", "en-us", "-s", "110", "--stdout", "4 0 2 9 1 7"],
            capture_output=True,
            check=True,
        )
        samples = decode(spoken.stdout).samples
    return np.resize(samples, int(_SECONDS * SAMPLE_RATE))


def _earlier(sound: Samples) -> tuple[str, ...]:
    """As many remembered recordings as a person can have, none of them this one."""
    chance = np.random.default_rng(0)
    others = [encode_wav(chance.permutation(sound)) for _ in range(_EARLIER)]
    return tuple(Fingerprint.of(other, decode(other)).text() for other in others)


def in_torch(sound: Samples, wheel: Path | None, repeats: int) -> Taken | None:
    """The same windows through the checkpoint in torch; None where torch or the wheel is missing."""
    if wheel is None or importlib.util.find_spec("torch") is None:
        return None
    import torch

    torch.set_num_threads(1)
    with zipfile.ZipFile(wheel) as archive:
        state = torch.load(BytesIO(archive.read(_CHECKPOINT)), map_location="cpu", weights_only=True)[
            "model_state"
        ]
    lstm, linear = torch.nn.LSTM(40, 256, 3, batch_first=True), torch.nn.Linear(256, 256)
    for module, name in ((lstm, "lstm."), (linear, "linear.")):
        module.load_state_dict(
            {key.removeprefix(name): value for key, value in state.items() if key.startswith(name)}
        )

    def describe() -> None:
        with torch.no_grad():
            _, (states, _) = lstm(torch.from_numpy(windows_of(sound)))
            torch.relu(linear(states[-1]))

    return median_ms(describe, repeats)


class Taken(NamedTuple):
    """Medians in milliseconds."""

    wall: float
    cpu: float


def median_ms(action: Callable[[], object], rounds: int) -> Taken:
    action()
    wall, cpu = [], []
    for _ in range(rounds):
        started, busy = time.perf_counter(), time.process_time()
        action()
        wall.append(time.perf_counter() - started)
        cpu.append(time.process_time() - busy)
    return Taken(statistics.median(wall) * 1000, statistics.median(cpu) * 1000)


if __name__ == "__main__":
    main()
