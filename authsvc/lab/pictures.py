"""A photograph file as bytes that the service would look at: JPEG, PNG and WebP as they are, other formats as PNG.

Collections of photographs hold formats that no phone sends to the service. Nothing is lost on the way to PNG, so what is
measured is still the engine; what is no picture in any format stays as it is, and the service's decoder says so.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path

from PIL import Image

from authsvc.face.image import DAMAGED
from authsvc.face.image_structure import MAX_PIXELS

_FOREIGN = {".bmp": "BMP", ".tif": "TIFF", ".tiff": "TIFF"}


def photograph(file: Path) -> bytes:
    """Raises OSError where the file cannot be read."""
    data = file.read_bytes()
    kind = _FOREIGN.get(file.suffix.lower())
    return data if kind is None else _as_png(data, kind)


def _as_png(data: bytes, kind: str) -> bytes:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=(kind,)) as image:
                if image.width * image.height > MAX_PIXELS:
                    return data
                exif = image.getexif()
                buffer = io.BytesIO()
                image.convert("RGB").save(buffer, "PNG", compress_level=1, exif=exif)
                return buffer.getvalue()
    except (Image.DecompressionBombError, *DAMAGED):
        return data
