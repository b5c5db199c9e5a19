"""Where a lab report is required, a policy becomes active with one that counts, and without it not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from authsvc.audit.signed_file import sign, signature_of
from authsvc.cli.main import main
from authsvc.clock import FrozenClock
from authsvc.errors import PolicyStep
from authsvc.keys.keyring import KeyRing
from authsvc.policy_life.lab_proof import REPORT_LABEL, LabBounds, LabFault, LabGate
from tests.support.policies import ANN, BOB, stricter
from tests.support.service import NOON, Bench, embedded

MODEL = "sha256:face"


def passing(*models: str, **changes: Any) -> dict[str, Any]:
    gate = {"max_iapar": 0.07, "max_bpcer": 0.05, "faults": []}
    made = NOON.date().isoformat()
    tried = [{"id": each, "calibration": each} for each in models]
    return {"data_set": "people", "date": made, "gate": gate, "models": tried, **changes}


def days_ago(days: int) -> str:
    return (NOON.date() - timedelta(days=days)).isoformat()


RING, BOUNDS = KeyRing.create(), LabBounds(90, 0.07, 0.05)


def gate_on(file: Path, *models: str) -> LabGate:
    return LabGate(file, BOUNDS, FrozenClock(NOON), lambda: frozenset(models), RING.audit_public_keys)


def signed(file: Path, report: object, ring: KeyRing = RING, label: bytes = REPORT_LABEL) -> Path:
    file.write_text(report if isinstance(report, str) else json.dumps(report))
    signature_of(file).write_text(sign(label, file.read_bytes(), ring.audit_signing_key()))
    return file


def faults(report: object, file: Path, *models: str) -> tuple[LabFault, ...]:
    return gate_on(signed(file, report), *models).look().faults


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ()),
        ({"date": days_ago(90)}, ()),
        ({"date": days_ago(91)}, (LabFault.TOO_OLD,)),
        ({"date": days_ago(-2)}, (LabFault.TOO_OLD,)),
        ({"date": "soon"}, (LabFault.TOO_OLD,)),
        ({"date": None}, (LabFault.TOO_OLD,)),
        ({"gate": None}, (LabFault.NO_LIMITS,)),
        ({"gate": {"max_iapar": 0.07, "max_bpcer": None, "faults": []}}, (LabFault.NO_LIMITS,)),
        ({"gate": {"max_iapar": 0.07, "max_bpcer": 0.05, "faults": ["x"]}}, (LabFault.NOT_PASSED,)),
        ({"gate": {"max_iapar": 0.07, "max_bpcer": 0.05}}, (LabFault.NOT_PASSED,)),
        *(
            ({"gate": {"max_iapar": iapar, "max_bpcer": bpcer, "faults": []}}, (LabFault.LAX_LIMITS,))
            for iapar, bpcer in (
                (1, 0.05),
                (0.07, 1),
                (0.0701, 0.05),
                (float("nan"), 0.05),
                ("0", 0.05),
                (True, 0.05),
            )
        ),
        ({"models": []}, (LabFault.OTHER_MODELS,)),
        ({"models": "all"}, (LabFault.OTHER_MODELS,)),
        ({"models": [{"digest": MODEL, "calibration": "sha256:other"}, "x"]}, (LabFault.OTHER_MODELS,)),
        (
            {"gate": 1, "models": None, "date": 5},
            (LabFault.NO_LIMITS, LabFault.TOO_OLD, LabFault.OTHER_MODELS),
        ),
    ],
)
def test_a_report_counts_only_whole(changes: Any, expected: tuple[LabFault, ...], tmp_path: Path) -> None:
    assert faults(passing(MODEL, **changes), tmp_path / "run.json", MODEL) == expected


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000])
def test_what_is_no_report_does_not_count(text: str, tmp_path: Path) -> None:
    assert faults(text, tmp_path / "run.json", MODEL) == (LabFault.UNREADABLE,)
    assert gate_on(tmp_path / "none", MODEL).look().faults == (LabFault.UNREADABLE,)


def test_every_current_model_was_tried(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    assert faults(passing(MODEL), file, MODEL, "sha256:voice") == (LabFault.OTHER_MODELS,)
    assert faults(passing(MODEL, "sha256:voice"), file, MODEL) == ()
    assert faults(passing(MODEL), file) == (LabFault.MODELS_UNKNOWN,)


def test_a_report_that_was_edited_does_not_count(tmp_path: Path) -> None:
    file, failed = tmp_path / "run.json", {"max_iapar": 0.07, "max_bpcer": 0.05, "faults": ["IAPAR"]}
    signed(file, passing(MODEL, gate=failed))
    assert gate_on(file, MODEL).look().faults == (LabFault.NOT_PASSED,)
    file.write_text(json.dumps(passing(MODEL)))
    assert gate_on(file, MODEL).look().faults == (LabFault.UNSIGNED,)
    file.write_text(json.dumps(passing(MODEL, date=days_ago(0))) + " ")
    assert gate_on(file, MODEL).look().faults == (LabFault.UNSIGNED,)


@pytest.mark.parametrize(
    "written", [None, "", "{}", "[]", "null", '{"key_id": [], "signature": 1}', "[" * 4_000, " " * 5_000]
)
def test_what_is_no_signature_signs_nothing(written: str | None, tmp_path: Path) -> None:
    file = signed(tmp_path / "run.json", passing(MODEL))
    signature_of(file).unlink()
    if written is not None:
        signature_of(file).write_text(written)
    assert gate_on(file, MODEL).look().faults == (LabFault.UNSIGNED,)


def test_nobody_elses_key_and_no_other_signature_of_the_service_counts(tmp_path: Path) -> None:
    file = signed(tmp_path / "run.json", passing(MODEL), KeyRing.create())
    assert gate_on(file, MODEL).look().faults == (LabFault.UNSIGNED,)
    signed(file, passing(MODEL), label=b"authsvc-evidence-file-v1\x00")
    assert gate_on(file, MODEL).look().faults == (LabFault.UNSIGNED,)


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return tmp_path / "run.json"


@pytest.fixture
def bench(tmp_path: Path, report: Path) -> Iterator[Bench]:
    served = Bench(embedded(tmp_path / "data", lab_report=report, voice=False))
    yield served
    served.close()


def test_an_activation_waits_for_the_report_and_a_rollback_does_not(bench: Bench, report: Path) -> None:
    policies = bench.wired.console.policies
    version = policies.draft(ANN, stricter(2))
    policies.validate(ANN, version.id)
    policies.analyze(ANN, version.id)
    policies.approve(BOB, version.id)
    seen = policies.active(BOB).publication.etag
    with pytest.raises(PolicyStep) as refused:
        policies.activate(BOB, version.id, seen)
    assert refused.value.extra["lab"] == ["unreadable"]
    assert policies.active(BOB).publication.etag == seen
    signed(report, passing("sha256:other"), bench.wired.store.ring)
    with pytest.raises(PolicyStep) as refused:
        policies.activate(BOB, version.id, seen)
    assert refused.value.extra["lab"] == ["other-models"]
    report.write_text(json.dumps(passing(bench.faces.model)))
    with pytest.raises(PolicyStep) as refused:
        policies.activate(BOB, version.id, seen)
    assert refused.value.extra["lab"] == ["unsigned"]
    done = CliRunner().invoke(main, ["lab", "sign", str(report), "--data-dir", str(report.parent / "data")])
    assert done.exit_code == 0, done.output
    policies.activate(BOB, version.id, seen)
    assert policies.active(BOB).version.id == version.id
    report.unlink()
    policies.roll_back(BOB, policies.active(BOB).publication.etag)
    assert policies.active(BOB).version.id != version.id
