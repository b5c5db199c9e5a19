"""How long does one face verification take, against `face_recognition`'s own calls on the same picture?

Decode, detect, describe, compare: on a 12-megapixel photograph (a smaller one enlarged in memory) and on a 640 x 480 frame,
in one process, one thread each. Run with the `reference` extra and prepared models:

    .venv/bin/python benchmarks/face.py --json
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from PIL import Image

from authsvc.biometric.manifest import manifest_folder, read_manifest
from authsvc.biometric.words import Comparison, Template
from authsvc.face.build import face_service
from authsvc.face.capture import CaptureContext
from authsvc.face.service import FaceService

_STOCK_TOLERANCE = 0.6
_LARGE, _FRAME = (3000, 4000), (480, 640)
_STILL = CaptureContext()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    parser.add_argument("--models", type=Path, default=Path("var/models"))
    parser.add_argument(
        "--person",
        type=Path,
        nargs="+",
        help="three or more photographs of one person; default: the astronaut",
    )
    parser.add_argument("--other", type=Path, help="a photograph of somebody else")
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    figures = measure(options)
    for line in _lines(figures):
        print(line)
    if options.json:
        print(json.dumps(figures))


def measure(options: argparse.Namespace) -> dict[str, Any]:  # Any: JSON
    service = face_service(options.models, unsafe_no_pad=True)
    service.load()
    person, other = _photographs(options.person, options.other)
    template = service.enroll([_jpeg(photograph, None) for photograph in person], _STILL)
    if not isinstance(template, Template):
        raise SystemExit(f"the person's photographs cannot be enrolled: {template.hints}")
    known = _reference_vectors(person)
    figures: dict[str, Any] = {"engine": service.describe(), "ratios": {}}
    for name, size in (("12_megapixels", _LARGE), ("640x480", _FRAME)):
        probes = [_jpeg(photograph, size) for photograph in (person[-1], *other)]
        # The reference needs minutes on a large picture, so it is run fewer times.
        rounds = 1 if size == _LARGE else max(3, options.repeats // 3)
        figures[name] = _compared(service, template, known, probes, options.repeats, rounds)
        figures["ratios"][f"speedup_{name}"] = figures[name]["speedup"]
    return figures


def _compared(
    service: FaceService, template: Template, known: Any, probes: list[bytes], repeats: int, rounds: int
) -> dict[str, Any]:  # Any: JSON, and vectors of an untyped library
    ours = [_decision(service, template, probe) for probe in probes]
    theirs = [_reference_decision(known, probe) for probe in probes]
    own = _median_ms(lambda: service.verify([probes[0]], template, _STILL), repeats)
    reference = _median_ms(lambda: _reference_decision(known, probes[0]), rounds)
    return {
        "authsvc_ms": round(own, 2),
        "face_recognition_ms": round(reference, 1),
        "speedup": round(reference / own, 1),
        "decisions": ours,
        "face_recognition_decisions": theirs,
        "equal_decisions": ours == theirs,
    }


def _decision(service: FaceService, template: Template, probe: bytes) -> str:
    compared = service.verify([probe], template, _STILL)
    if not isinstance(compared, Comparison):
        return "unusable"
    manifest = read_manifest(manifest_folder() / f"{service.describe()['model_id']}.toml")
    return "match" if compared.score >= manifest.threshold_for("1 in 10000", compared.frames) else "no match"


def _reference_decision(known: Any, probe: bytes) -> str:  # Any: vectors of an untyped library
    import face_recognition

    picture = face_recognition.load_image_file(io.BytesIO(probe))
    vectors = face_recognition.face_encodings(picture)
    if len(vectors) != 1:
        return "unusable"
    return "match" if any(face_recognition.compare_faces(known, vectors[0], _STOCK_TOLERANCE)) else "no match"


def _reference_vectors(photographs: list[Image.Image]) -> Any:  # Any: vectors of an untyped library
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import face_recognition
    return [face_recognition.face_encodings(np.asarray(photograph))[0] for photograph in photographs]


def _photographs(
    person: list[Path] | None, other: Path | None
) -> tuple[list[Image.Image], list[Image.Image]]:
    if person is None:
        return _astronaut(), []
    return [_opened(file) for file in person], [] if other is None else [_opened(other)]


def _astronaut() -> list[Image.Image]:
    """Three views of the one photograph that scikit-image carries: enough to time, not to show recognition."""
    from skimage import data

    picture = Image.fromarray(data.astronaut())  # type: ignore[no-untyped-call]  # skimage is not typed
    return [picture.crop((left, 0, 400 + left, 400)) for left in (60, 70, 80)]


def _opened(file: Path) -> Image.Image:
    return Image.open(file).convert("RGB")


def _jpeg(photograph: Image.Image, size: tuple[int, int] | None) -> bytes:
    """As JPEG; with `size`, enlarged or shrunk to fit into it and centred on grey."""
    if size is not None:
        factor = min(size[0] / photograph.width, size[1] / photograph.height)
        fitted = photograph.resize((int(photograph.width * factor), int(photograph.height * factor)))
        photograph = Image.new("RGB", size, (128, 128, 128))
        photograph.paste(fitted, ((size[0] - fitted.width) // 2, (size[1] - fitted.height) // 2))
    buffer = io.BytesIO()
    photograph.save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def _median_ms(action: Callable[[], object], rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        action()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken) * 1000


def _lines(figures: dict[str, Any]) -> list[str]:  # Any: JSON
    return [
        f"{name}: authsvc {part['authsvc_ms']} ms, face_recognition {part['face_recognition_ms']} ms, "
        f"{part['speedup']} times faster, decisions {part['decisions']} against {part['face_recognition_decisions']}"
        for name, part in figures.items()
        if isinstance(part, dict) and "speedup" in part
    ]


if __name__ == "__main__":
    main()
