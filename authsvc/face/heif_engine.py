"""Opens HEIC and AVIF, what phones write to save space, in a child process; the only file that knows pillow-heif.

Their decoders are those of films: large, and with a history. The child has no more memory and time than one picture needs,
inherits nothing but its two pipes, and takes nothing down with it. AVIF comes with Pillow's own wheels, HEIC with the extra
`heic`; without them such a picture is refused with a hint.
"""

from __future__ import annotations

import importlib
import importlib.util
import resource
import struct
import subprocess
import sys
from collections.abc import Mapping

import numpy as np

from authsvc.errors import InvalidRequest, PayloadTooLarge, Unavailable
from authsvc.face.engine import Pixels
from authsvc.face.image_structure import OtherFormat, Still, refuse_other

FTYP = b"ftyp"
_DECODERS: Mapping[str, str] = {"AVIF": "PIL._avif", "HEIF": "pillow_heif"}
_MEMORY = 1024 * 1024 * 1024
_CPU_S = 5
_WALL_S = 10.0
_TOO_LARGE = 3
_HEADER = struct.Struct("<II")
_AVIF = frozenset({b"avif", b"avis"})
_HEIC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})


def check_heif(data: bytes) -> Still:
    """The picture of an ISO base media file (ISO/IEC 14496-12), its size not yet known; raises as `image.decode` does."""
    length = min(int.from_bytes(data[:4], "big"), 256)
    brands = {data[at : at + 4] for at in range(8, length, 4)}
    kind = "AVIF" if brands & _AVIF else "HEIF" if brands & _HEIC else None
    if kind is not None:
        return _still(data, kind)
    if data[4:12] == b"ftypqt  " or brands & {b"isom", b"mp41", b"mp42", b"qt  "}:
        raise OtherFormat("a film: send pictures")
    refuse_other(data)
    raise AssertionError


def _still(data: bytes, kind: str) -> Still:
    if not _has_decoder(kind):
        raise OtherFormat(f"{kind} pictures are not read here: send JPEG, PNG or WebP")
    return Still(kind, 0, 0, len(data), apart=True)


def decode_apart(data: bytes, kind: str) -> Pixels:
    """The picture as `image.decode` returns it.

    Raises PayloadTooLarge or InvalidRequest for what it cannot read, Unavailable for a child that does not end.
    """
    command = [sys.executable, "-I", "-m", "authsvc.face.heif_engine", kind]
    try:
        child = subprocess.run(command, input=data, capture_output=True, timeout=_WALL_S)
    except subprocess.TimeoutExpired as error:
        raise Unavailable("the picture took too long to decode", retry_after=1) from error
    if child.returncode == _TOO_LARGE:
        raise PayloadTooLarge("a picture of more pixels than are accepted")
    if child.returncode != 0 or len(child.stdout) < _HEADER.size:
        raise InvalidRequest("the picture is damaged or ends too early")
    height, width = _HEADER.unpack_from(child.stdout)
    return np.frombuffer(child.stdout, np.uint8, offset=_HEADER.size).reshape(height, width, 3)


def _has_decoder(kind: str) -> bool:
    return importlib.util.find_spec(_DECODERS[kind]) is not None


def _main() -> int:
    """The child: a picture on standard input; height, width and RGB bytes on standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from authsvc.face.image import opened

    if sys.argv[1] == "HEIF":
        importlib.import_module("pillow_heif").register_heif_opener(thumbnails=False)
    try:
        picture = opened(sys.stdin.buffer.read(), sys.argv[1])
    except PayloadTooLarge:
        return _TOO_LARGE
    sys.stdout.buffer.write(_HEADER.pack(*picture.shape[:2]) + picture.tobytes())
    return 0


if __name__ == "__main__":
    raise SystemExit(_main())
