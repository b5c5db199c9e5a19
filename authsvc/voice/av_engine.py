"""Opens what phones and browsers record by themselves (WebM, M4A, 3GP, CAF, AAC, AMR), in a child; the only file that knows PyAV.

FFmpeg has many parsers and a long history. The child has no more memory and time than one recording needs, inherits nothing
but its two pipes, and takes nothing down with it. The extra `voice-av` brings PyAV; without it such files are refused.
"""

from __future__ import annotations

import importlib.util
import io
import resource
import subprocess
import sys
from typing import Any

import numpy as np

from authsvc.errors import InvalidRequest, Unavailable
from authsvc.voice.container import NotInstalled
from authsvc.voice.engine import SAMPLE_RATE, Samples

_MEMORY = 1024 * 1024 * 1024
_CPU_S = 5
_WALL_S = 10.0


def decode_apart(data: bytes, most_seconds: float) -> Samples:
    """Mono float32 at 16 kHz, at most one sample more than `most_seconds`.

    Raises NotInstalled where PyAV is not, InvalidRequest for what it cannot read, Unavailable for a child that
    does not end.
    """
    if importlib.util.find_spec("av") is None:
        raise NotInstalled("this recording needs the extra `voice-av`: send WAV, FLAC, OGG or MP3")
    command = [sys.executable, "-I", "-m", "authsvc.voice.av_engine", str(most_seconds)]
    try:
        child = subprocess.run(command, input=data, capture_output=True, timeout=_WALL_S)
    except subprocess.TimeoutExpired as error:
        raise Unavailable("the recording took too long to decode", retry_after=1) from error
    if child.returncode != 0:
        raise InvalidRequest("the recording is damaged or ends too early")
    return np.frombuffer(child.stdout, dtype="<f4")


def _main() -> None:
    """The child: a recording on standard input, float32 samples on standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    most = int(float(sys.argv[1]) * SAMPLE_RATE) + 1
    samples = _decoded(sys.stdin.buffer.read(), most)
    sys.stdout.buffer.write(samples.astype("<f4").tobytes())


def _decoded(data: bytes, most: int) -> Samples:
    import av

    pieces: list[Samples] = []
    with av.open(io.BytesIO(data), "r", options={"protocol_whitelist": "pipe"}) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
        for frame in container.decode(audio=0):
            pieces += [_samples(part) for part in resampler.resample(frame)]
            if sum(piece.size for piece in pieces) >= most:
                break
        else:
            pieces += [_samples(part) for part in resampler.resample(None)]
    return np.concatenate(pieces)[:most] if pieces else np.zeros(0, dtype=np.float32)


def _samples(frame: Any) -> Samples:  # Any: PyAV's frames, known to this file alone.
    return np.asarray(frame.to_ndarray(), dtype=np.float32).reshape(-1)


if __name__ == "__main__":
    _main()
