"""People with photographs as directions: some shots too dark, one file no picture."""

from pathlib import Path

from authsvc.biometric.manifest import Manifest, parse_manifest
from authsvc.lab.face import FaceData
from authsvc.lab.face_samples import Photograph, Shot
from authsvc.lab.people import Person
from tests.lab.synthetic import crowd

_POINT = """
[[operating_points]]
target_fmr = "{target}"
threshold = {threshold}
samples = {samples}
frames = {frames}
fmr = 1e-3
fnmr = 0.01
people = 300
genuine_pairs = 1000
impostor_pairs = {pairs}
data_set = "drawn"
population = "nobody"
date = "2026-11-22"
"""
MANIFEST = """
id = "made-up"
version = "1"
modality = "face"
role = "matcher"
engine = "vectors"
title = "vectors"
dimension = 32
licence = { name = "CC0-1.0", training_data = "none", commercial = true }
weights = []
fusion = { samples = 3, frames = 3 }
"""


def manifest() -> Manifest:
    points = (
        ("1 in 1000", 0.6, 1, 1, 30_000),
        ("1 in 1000", 0.6, 3, 3, 30_000),
        ("1 in 10000", 0.7, 3, 3, 300_000),
    )
    names = ("target", "threshold", "samples", "frames", "pairs")
    return parse_manifest(
        MANIFEST + "".join(_POINT.format(**dict(zip(names, point, strict=True))) for point in points)
    )


def people_of(count: int, samples: int, scatter: float = 1.0) -> FaceData:
    """Every seventh photograph was too dark, and one file was no picture."""
    photographs = []
    for one in crowd(count, samples, scatter):
        shots = [Shot((), vector) for vector in one.enrollment]
        shots = [Shot(("too_dark",)) if number % 7 == 6 else shot for number, shot in enumerate(shots)]
        photographs.append(tuple(Photograph(shot, shot) for shot in shots))
    broken = Photograph(Shot(()), Shot(()), "the picture is damaged or ends too early")
    photographs[0] = (*photographs[0][:-1], broken)
    people = tuple(
        Person(f"person {number}", tuple(Path(f"{file}.jpg") for file in range(samples)))
        for number in range(count)
    )
    return FaceData(manifest(), people, tuple(photographs))
