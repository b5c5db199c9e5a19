"""Which devices a released payment stands on: with any of them gone its receipt is void."""

from dataclasses import replace

import pytest

from authsvc.domain.decision import Decision
from authsvc.factor import Json
from authsvc.storage.decisions import _devices_of
from tests.support.authority import ANN, _decision

SIGNED = {
    "factor": "face",
    "capture": "device_signed",
    "statement": {"format": "webauthn", "device": "dev_b"},
}


@pytest.mark.parametrize(
    ("named", "proofs", "expected"),
    [
        (None, [], []),
        ("dev_a", [], ["dev_a"]),
        (None, [{"factor": "device_uv", "device": "dev_b"}], ["dev_b"]),
        (None, [SIGNED], ["dev_b"]),
        ("dev_a", [SIGNED, {"factor": "otp"}], ["dev_a", "dev_b"]),
        ("dev_b", [SIGNED], ["dev_b"]),
        (None, [{"factor": "face", "statement": {"format": "android-key", "app": "cn.example"}}], []),
    ],
)
def test_a_payment_stands_on_the_named_device_and_on_every_key_that_spoke(
    named: str | None, proofs: list[Json], expected: list[str]
) -> None:
    decision: Decision = replace(_decision(ANN), device_id=named, proofs=tuple(proofs))
    assert _devices_of(decision) == expected
