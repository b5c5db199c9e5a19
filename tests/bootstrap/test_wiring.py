"""A lab report that is required must be of every model at work, as it is calibrated now."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from authsvc.audit.signed_file import sign, signature_of
from authsvc.bootstrap.wiring import _lab_gate
from authsvc.clock import FrozenClock
from authsvc.keys.keyring import KeyRing
from authsvc.policy_life.lab_proof import REPORT_LABEL, LabFault
from tests.support.service import NOON, embedded

FACE = {"calibrations": ["sha256:face", "sha256:mesh", "sha256:passive"]}
RING = KeyRing.create()


@pytest.mark.parametrize(
    ("said", "tried", "expected"),
    [
        ([FACE], ("sha256:face", "sha256:mesh", "sha256:passive"), ()),
        ([FACE], ("sha256:face", "sha256:mesh"), (LabFault.OTHER_MODELS,)),
        ([FACE, {"calibrations": ["sha256:voice"]}], ("sha256:face", "sha256:mesh", "sha256:passive"), (LabFault.OTHER_MODELS,)),
        ([{"calibrations": None}], ("sha256:face",), (LabFault.MODELS_UNKNOWN,)),
        ([{}], ("sha256:face",), (LabFault.MODELS_UNKNOWN,)),
    ],
)  # fmt: skip
def test_a_report_is_of_every_model_at_work(
    said: list[dict[str, object]], tried: tuple[str, ...], expected: tuple[LabFault, ...], tmp_path: Path
) -> None:
    report = tmp_path / "run.json"
    gate = {"max_iapar": 0.07, "max_bpcer": 0.05, "faults": []}
    models = [{"calibration": each} for each in tried]
    report.write_text(json.dumps({"date": NOON.date().isoformat(), "gate": gate, "models": models}))
    signature_of(report).write_text(sign(REPORT_LABEL, report.read_bytes(), RING.audit_signing_key()))
    store: Any = SimpleNamespace(clock=FrozenClock(NOON), ring=RING)
    rooms: Any = SimpleNamespace(
        health={str(n): SimpleNamespace(refresh=lambda each=each: each) for n, each in enumerate(said)}
    )
    proof = _lab_gate(embedded(tmp_path / "data", lab_report=report), store, rooms)
    assert proof is not None
    assert proof.look().faults == expected
