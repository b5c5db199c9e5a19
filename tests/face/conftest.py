"""A manifest for drawn faces, and the default service for real ones."""

from pathlib import Path

import pytest

from authsvc.biometric.manifest import Manifest, parse_manifest
from authsvc.face.build import face_service
from authsvc.face.service import FaceService

_DRAWN = """
id = "drawn"
version = "1"
modality = "face"
role = "matcher"
engine = "colours"
title = "a matcher of coloured squares"
dimension = 3
licence = { name = "CC0-1.0", training_data = "none", commercial = true }
weights = []
fusion = { samples = 3, frames = 3 }
"""
_POINT = """
[[operating_points]]
target_fmr = "1 in 1000"
threshold = 0.9
samples = {samples}
frames = {frames}
fmr = 1e-3
fnmr = 0.01
people = 300
genuine_pairs = 1000
impostor_pairs = 30000
data_set = "drawn"
population = "nobody"
date = "2026-11-22"
"""


@pytest.fixture(scope="session")
def drawn_manifest() -> Manifest:
    """A matcher of coloured squares: three samples, three frames, 0.9 at 1 in 1000."""
    points = (_POINT.format(samples=samples, frames=frames) for samples, frames in ((1, 1), (3, 1), (3, 3)))
    return parse_manifest(_DRAWN + "".join(points))


@pytest.fixture(scope="session")
def default_service(model_dir: Path) -> FaceService:
    """The default engine, loaded, taking stills as they are."""
    service = face_service(model_dir, unsafe_no_pad=True)
    service.load()
    return service
