"""Frames of the shared clips."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from authsvc.face.engine import Pixels


def frames_of(
    clip: Path, *, every: int, start: float = 0.0, end: float = 60.0
) -> Iterator[tuple[int, Pixels]]:
    """Milliseconds and picture of every so manieth frame between two instants in seconds."""
    with av.open(str(clip)) as video:
        for number, frame in enumerate(video.decode(video=0)):
            if number % every == 0 and start <= float(frame.time or 0) <= end:
                yield (
                    round(float(frame.time or 0) * 1000),
                    np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8),
                )
