"""The headers of a biometric message: what is not as expected is an outage, what could not be judged is a value."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from authsvc.biometric.words import Comparison, Liveness, LivenessResult, Modality, Template
from authsvc.errors import Unavailable
from authsvc.factor import Unusable
from authsvc.workers.fields import (
    read_comparison,
    read_result,
    read_template,
    template_fields,
    unusable_answer,
)

COMPARISON = Comparison(
    0.5,
    "m",
    3,
    LivenessResult(Liveness.BONA_FIDE, ("active",), {"turn": 12.5}),
    {"sharp": 9.0},
    ("f",),
    "clean",
)


def test_what_is_written_is_read_back() -> None:
    template = Template(Modality.FACE, "m", b"vector", 3)
    assert read_template(template_fields(template), b"vector") == template
    assert read_comparison(asdict(COMPARISON)) == COMPARISON
    header, blobs = unusable_answer(Unusable(("no_face", "blurred")))
    assert blobs == ()
    assert read_result(header, read_comparison) == Unusable(("no_face", "blurred"))


@pytest.mark.parametrize(
    "change",
    [
        {"score": None},
        {"score": "much"},
        {"liveness": None},
        {"liveness": {"verdict": "perhaps", "detectors": [], "evidence": {}}},
        {"quality": []},
        {"fingerprints": 3},
        {"unusable": 3},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_another_version_writes_otherwise_is_an_outage(change: dict[str, Any]) -> None:
    with pytest.raises(Unavailable):
        read_result({**asdict(COMPARISON), **change}, read_comparison)


@pytest.mark.parametrize(
    "missing", ["score", "model", "frames", "liveness", "quality", "fingerprints", "part"]
)
def test_what_is_missing_is_an_outage(missing: str) -> None:
    fields = asdict(COMPARISON)
    del fields[missing]
    with pytest.raises(Unavailable):
        read_result(fields, read_comparison)
