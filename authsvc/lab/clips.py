"""The frames of one presentation: a picture, a folder of pictures, or a clip where PyAV is installed to decode it."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from authsvc.errors import InvalidRequest
from authsvc.face.acquisition import spread
from authsvc.lab.people import PICTURES

MOST_FRAMES = 20
"""From all over a clip; a detector looks at ten."""


def frames_of(path: Path) -> tuple[bytes, ...]:
    """JPEG or PNG files, in order; raises InvalidRequest for a clip that cannot be decoded here."""
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in PICTURES)
        return tuple(file.read_bytes() for file in spread(files, MOST_FRAMES))
    if path.suffix.lower() in PICTURES:
        return (path.read_bytes(),)
    return tuple(itertools.islice(_decoded(path), MOST_FRAMES))


def _decoded(clip: Path) -> Iterator[bytes]:
    """Frames at even distances, as PNG: nothing is lost that a detector might look for.

    A clip that does not tell how long it is gives its first frames.
    """
    try:
        import av
    except ImportError as error:
        raise InvalidRequest(
            f"`{clip.name}`: install `av` to read clips, or give a folder of frames"
        ) from error
    try:
        with av.open(str(clip)) as video:
            step = float(video.duration or 0) / av.time_base / MOST_FRAMES
            wanted = 0.0
            for frame in video.decode(video=0):
                if float(frame.time or 0) >= wanted:
                    wanted += step
                    yield _png(Image.fromarray(frame.to_ndarray(format="rgb24")))
    except av.FFmpegError as error:
        raise InvalidRequest(f"`{clip.name}` is not a clip that can be decoded") from error


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
