"""What do spoiled pictures do to the face check? Failure to acquire and false non-match, one kind of spoiling at a time.

The folder holds one folder for each person with four photographs or more; each photograph is the probe once, and the
template is made of three others. Few people give directions, not rates: the interval is printed with every figure.

    .venv/bin/python benchmarks/face_degradations.py --dir FOLDER --json
"""

from __future__ import annotations

import argparse
import io
import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from authsvc.biometric import Template
from authsvc.face.build import DEFAULT_MODEL, engines, face_service
from authsvc.face.capture import CaptureContext
from authsvc.face.engine import Detector
from authsvc.face.service import FaceService
from authsvc.factor import Unusable
from authsvc.manifest import manifest_folder, read_manifest

Spoil = Callable[[Image.Image, float], Image.Image]
"""Spoils a picture whose face is so many pixels wide."""

_STILL = CaptureContext()
_SAMPLES = 3


def _levels(factor: float, offset: float = 0) -> Spoil:
    return lambda image, face: image.point(lambda value: min(255.0, value * factor + offset))


def _blurred(share: float) -> Spoil:
    return lambda image, face: image.filter(ImageFilter.GaussianBlur(face * share))


def _small(width: int) -> Spoil:
    """The same scene from farther away: the picture keeps its size, the face does not."""

    def spoil(image: Image.Image, face: float) -> Image.Image:
        factor = min(1.0, width / face)
        small = image.resize((max(1, round(image.width * factor)), max(1, round(image.height * factor))))
        wide = Image.new("RGB", image.size, (127, 127, 127))
        wide.paste(small, ((image.width - small.width) // 2, (image.height - small.height) // 2))
        return wide

    return spoil


def _rolled(degrees: float) -> Spoil:
    return lambda image, face: image.rotate(degrees, Image.Resampling.BICUBIC, expand=True)


def _encoded(quality: int) -> Spoil:
    def spoil(image: Image.Image, face: float) -> Image.Image:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        return Image.open(buffer).convert("RGB")

    return spoil


SPOILED: Mapping[str, Spoil] = {
    "clean": lambda image, face: image,
    "blur, slight": _blurred(0.02),
    "blur, strong": _blurred(0.06),
    "dark": _levels(0.15),
    "over-exposed": _levels(1.6, 90),
    "face of 70 pixels": _small(70),
    "face of 40 pixels": _small(40),
    "rolled 15 degrees": _rolled(15),
    "rolled 30 degrees": _rolled(30),
    "grey": lambda image, face: image.convert("L").convert("RGB"),
    "mirrored": lambda image, face: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "JPEG quality 10": _encoded(10),
}
COVERED = ("mouth covered", "eyes covered")


def covered(
    picture: NDArray[np.uint8], points: NDArray[np.float64], width: float, part: str
) -> NDArray[np.uint8]:
    """The picture with a plain mask from the nose down, or a dark bar over the eyes, of a face `width` pixels wide."""
    spoiled = picture.copy()
    middle_x, eyes_y = points[:4].mean(axis=0)
    left, right = int(max(0, middle_x - width * 0.55)), int(middle_x + width * 0.55)
    if part == COVERED[0]:
        spoiled[int(points[4, 1]) : int(eyes_y + width * 1.1), left:right] = (70, 90, 105)
    else:
        spoiled[max(0, int(eyes_y - width * 0.13)) : int(eyes_y + width * 0.13), left:right] = 20
    return spoiled


def measure(models: Path, folder: Path) -> dict[str, Any]:  # Any: JSON
    service = face_service(models, unsafe_no_pad=True)
    service.load()
    manifest = read_manifest(manifest_folder() / f"{DEFAULT_MODEL}.toml")
    detector, _ = engines(manifest, models)
    detector.load()
    threshold = manifest.threshold_for("1 in 10000", frames=1)
    trials = list(_trials(service, folder))
    table: dict[str, Any] = {}
    for name in (*SPOILED, *COVERED):
        probes = [(template, spoiled(photograph, detector, name)) for _, template, photograph in trials]
        table[name] = _row([_outcome(service, template, probe, threshold) for template, probe in probes])
    return {
        "threshold": threshold,
        "model": service.model,
        "people": len({name for name, _, _ in trials}),
        "degradations": table,
    }


def _row(outcomes: list[str]) -> dict[str, Any]:  # Any: JSON
    acquired = [outcome for outcome in outcomes if outcome in ("match", "no match")]
    failed = acquired.count("no match")
    return {
        "probes": len(outcomes),
        "fta": round(1 - len(acquired) / len(outcomes), 3),
        "hints": dict(
            Counter(outcome for outcome in outcomes if outcome not in ("match", "no match")).most_common(3)
        ),
        "fnmr": round(failed / len(acquired), 3) if acquired else None,
        "fnmr_interval": _wilson(failed, len(acquired)),
    }


def _wilson(failed: int, count: int) -> tuple[float, float] | None:
    """95 % score interval of a rate."""
    if not count:
        return None
    z, rate = 1.96, failed / count
    middle, spread = (
        rate + z * z / (2 * count),
        z * math.sqrt(rate * (1 - rate) / count + z * z / (4 * count * count)),
    )
    return round((middle - spread) / (1 + z * z / count), 3), round(
        (middle + spread) / (1 + z * z / count), 3
    )


def spoiled(photograph: Image.Image, detector: Detector, name: str) -> bytes:
    """The photograph as PNG, spoiled; as it is where no face is found in it."""
    picture = np.asarray(photograph)
    faces = detector.detect(picture)
    if faces and name in COVERED:
        photograph = Image.fromarray(covered(picture, faces[0].points, faces[0].box.width, name))
    elif faces:
        photograph = SPOILED[name](photograph, faces[0].box.width)
    buffer = io.BytesIO()
    photograph.save(buffer, "PNG")
    return buffer.getvalue()


def _outcome(service: FaceService, template: Template, probe: bytes, threshold: float) -> str:
    answer = service.verify([probe], template, _STILL)
    if isinstance(answer, Unusable):
        return answer.hints[0]
    return "match" if answer.score >= threshold else "no match"


def _trials(service: FaceService, folder: Path) -> Iterator[tuple[str, Template, Image.Image]]:
    for name, files in _people(folder).items():
        for number, probe in enumerate(files):
            others = [file.read_bytes() for file in files[:number] + files[number + 1 :]]
            template = service.enroll(others, _STILL)
            photograph = Image.open(probe).convert("RGB")
            if isinstance(template, Template):
                yield name, template, photograph


def _people(folder: Path) -> dict[str, list[Path]]:
    people = {one.name: sorted(one.glob("*.jpg")) for one in sorted(folder.iterdir()) if one.is_dir()}
    return {name: files for name, files in people.items() if len(files) > _SAMPLES}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dir", type=Path, required=True, help="a folder of people")
    parser.add_argument("--models", type=Path, default=Path("var/models"))
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    options = parser.parse_args()
    figures = measure(options.models, options.dir)
    print(f"{figures['people']} people, one frame a probe, threshold {figures['threshold']}")
    for name, row in figures["degradations"].items():
        print(
            f"{name:20} probes {row['probes']:3}  FTA {row['fta']:.3f} {row['hints']}  FNMR {row['fnmr']} {row['fnmr_interval']}"
        )
    if options.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
