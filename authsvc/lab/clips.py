"""The frames of one presentation: a picture, a folder of pictures, or a clip where PyAV is installed to decode it.

A detector looks at frames from all over a presentation (`frames_of`), a service at all of them in their time (`clip_of`).
"""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any  # Any: PyAV's container, which this file opens.

from PIL import Image

from authsvc.errors import InvalidRequest
from authsvc.face.acquisition import spread
from authsvc.lab.people import PICTURES

MOST_FRAMES = 20
"""From all over a clip; a detector looks at ten."""

EVERY_MS = 100
"""Between two frames where nobody wrote down when they were taken, and at least between two of a clip: as a page films."""

LONGEST_MS = 20_000
"""Of a clip; a capture takes less."""

MICROSECONDS = 1_000_000
"""PyAV's `time_base`: its unit of a whole file's length."""

_MOMENT = re.compile(r"(\d{1,9})ms$")


@dataclass(frozen=True, slots=True)
class Clip:
    """Frames in order, encoded, and when each was taken: milliseconds, never falling."""

    pictures: tuple[bytes, ...]
    taken_ms: tuple[int, ...]

    def between(self, start: int, end: int) -> tuple[tuple[bytes, ...], tuple[int, ...]]:
        """What is seen from `start` on and before `end`, each by its time after `start`; the clip begins anew when it is over.

        At least the frame that is on at `start`.
        """
        if not self.pictures:
            return (), ()
        first, length = self.taken_ms[0], self.taken_ms[-1] - self.taken_ms[0] + EVERY_MS
        rounds = range(start // length, (end - 1) // length + 1)
        moments = [(turn * length + at - first, each) for turn in rounds for at, each in self._frames()]
        seen = [(at - start, each) for at, each in moments if start <= at < end]
        before = [each for at, each in moments if at < start][-1:]
        seen = seen or [(0, each) for each in before]
        return tuple(each for _, each in seen), tuple(at for at, _ in seen)

    def _frames(self) -> Iterator[tuple[int, bytes]]:
        return zip(self.taken_ms, self.pictures, strict=True)


def clip_of(path: Path) -> Clip:
    """The same with their times: of a clip its own, of files those in their names (`7-00350ms.jpg`), else EVERY_MS apart."""
    if path.is_dir():
        files = _pictures_in(path)
        return Clip(tuple(file.read_bytes() for file in files), _moments(files))
    if path.suffix.lower() in PICTURES:
        return Clip((path.read_bytes(),), (0,))
    frames = list(_filmed(path))
    return Clip(tuple(picture for _, picture in frames), tuple(at for at, _ in frames))


def _moments(files: Sequence[Path]) -> tuple[int, ...]:
    """Raises InvalidRequest for times that fall, or that only some of the files have."""
    written = [_MOMENT.search(file.stem) for file in files]
    if not any(written):
        return tuple(range(0, EVERY_MS * len(files), EVERY_MS))
    moments = [int(each[1]) for each in written if each is not None]
    if len(moments) < len(files) or moments != sorted(moments):
        raise InvalidRequest(
            f"`{files[0].parent.name}`: frames have times in their names, all and in order, or none has"
        )
    return tuple(moments)


def _pictures_in(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in PICTURES)


def frames_of(path: Path) -> tuple[bytes, ...]:
    """JPEG or PNG files, in order; raises InvalidRequest for a clip that cannot be decoded here."""
    if path.is_dir():
        return tuple(file.read_bytes() for file in spread(_pictures_in(path), MOST_FRAMES))
    if path.suffix.lower() in PICTURES:
        return (path.read_bytes(),)
    return tuple(itertools.islice(_decoded(path), MOST_FRAMES))


def _decoded(clip: Path) -> Iterator[bytes]:
    """Frames at even distances, as PNG: nothing is lost that a detector might look for.

    A clip that does not tell how long it is gives its first frames.
    """
    with _opened(clip) as video:
        step = float(video.duration or 0) / MICROSECONDS / MOST_FRAMES
        for _, image in _frames(video, clip, step):
            yield _encoded(image, "PNG", compress_level=1)


def _filmed(clip: Path) -> Iterator[tuple[int, bytes]]:
    """Milliseconds and JPEG, as a page sends them."""
    with _opened(clip) as video:
        for seconds, image in _frames(video, clip, EVERY_MS / 1000):
            if seconds * 1000 >= LONGEST_MS:
                return
            yield round(seconds * 1000), _encoded(image, "JPEG", quality=92)


def _frames(video: Any, clip: Path, step: float) -> Iterator[tuple[float, Image.Image]]:
    """Frames that are at least `step` seconds apart, each with its time; raises InvalidRequest."""
    wanted = 0.0
    with _refusing(clip):
        for frame in video.decode(video=0):
            if (at := float(frame.time or 0)) >= wanted:
                wanted += step
                yield at, Image.fromarray(frame.to_ndarray(format="rgb24"))


@contextmanager
def _opened(clip: Path) -> Iterator[Any]:
    try:
        import av
    except ImportError as error:
        raise InvalidRequest(
            f"`{clip.name}`: install `av` to read clips, or give a folder of frames"
        ) from error
    with _refusing(clip):
        video = av.open(str(clip))
    with video:
        yield video


@contextmanager
def _refusing(clip: Path) -> Iterator[None]:
    import av

    try:
        yield
    except av.FFmpegError as error:
        raise InvalidRequest(f"`{clip.name}` is not a clip that can be decoded") from error


def _encoded(image: Image.Image, form: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()
