"""A service of hums and tones, and the default service for real voices."""

from pathlib import Path

import pytest

from authsvc.biometric.manifest import Manifest, parse_manifest
from authsvc.errors import ModelUnusable
from authsvc.voice.acquisition import Ears
from authsvc.voice.build import voice_service
from authsvc.voice.liveness import PromptedLiveness
from authsvc.voice.service import VoiceService
from tests.voice.sounds import TONE_LIMITS, HumEncoder, LoudDetector, ToneRecogniser

_HUMS = """
id = "hums"
version = "1"
modality = "voice"
role = "matcher"
engine = "hum"
title = "a matcher of hums"
dimension = 17
licence = { name = "CC0-1.0", training_data = "none", commercial = true }
weights = []
fusion = { samples = 3, frames = 1, rule = "clean_multi_telephone" }
calibrations = [{ samples = 3, frames = 1, slope = 50.0, offset = -40.0, data_set = "hums" }]
"""
_POINT = """
[[operating_points]]
target_fmr = "1 in 200"
threshold = 0.9
samples = 3
frames = {frames}
fmr = 0.005
fnmr = 0.01
people = 100
genuine_pairs = 1000
impostor_pairs = 6000
data_set = "hums"
population = "nobody"
date = "2026-11-22"
{more}
"""


@pytest.fixture(scope="session")
def hum_manifest() -> Manifest:
    """Three phrases, 0.9 at 1 in 200, and from 0.6 another phrase."""
    points = _POINT.format(frames=1, more="retry_from = 0.6") + _POINT.format(frames=2, more="")
    return parse_manifest(_HUMS + points)


@pytest.fixture
def service(hum_manifest: Manifest) -> VoiceService:
    made = VoiceService(
        hum_manifest,
        HumEncoder(),
        Ears(LoudDetector(), ToneRecogniser()),
        PromptedLiveness(TONE_LIMITS),
    )
    made.load()
    return made


@pytest.fixture(scope="session")
def default_service(model_dir: Path) -> VoiceService:
    """The default engines, loaded."""
    try:
        made = voice_service(model_dir)
    except ModelUnusable as error:
        pytest.skip(f"no prepared voice models: {error.detail}")
    made.load()
    return made
