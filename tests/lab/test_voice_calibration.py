"""Each part of a reference gets operating points of its own."""

import json
from pathlib import Path

from authsvc.biometric.manifest import Manifest
from authsvc.lab.operating_points import DataSet
from authsvc.lab.voice import Plan
from authsvc.lab.voice_calibration import calibrate_voices
from authsvc.voice.references import PARTS
from tests.lab.hums import engine


def test_every_part_of_a_reference_gets_points_of_its_own(corpus: Path, hum_manifest: Manifest):
    plan = Plan(phrases=3, draws=3, degradations=("telephone", "noise10"))
    data_set = DataSet("hums", "nobody", "2026-11-29")
    found = calibrate_voices(corpus, hum_manifest, engine, plan, "1 in 20", data_set)
    points = {(point.part, point.frames): point for point in found.points}
    # A hum has nothing under 230 Hz and over 4.2 kHz.
    assert {part for part, _ in points} == {"multi", "telephone"}
    for (_, frames), point in points.items():
        assert point.fmr_interval is not None
        assert point.fmr_interval[1] <= 0.05 + 1e-6 or point.threshold == 1
        assert (point.retry_from is None) == (frames == 2)
    assert {check.part for check in found.checked} <= set(PARTS)
    json.dumps(found.to_json())
