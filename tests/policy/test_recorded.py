"""A recorded decision is one line of JSON, or says which field is wrong."""

import json
from typing import Any

import pytest

from authsvc.factor import Factor
from authsvc.policy.level import Level
from authsvc.policy.recorded import Recorded, Unreadable, read
from tests.policy.builders import payment


def line(**changes: Any) -> str:
    stated = {
        "id": "dec_1",
        "policy": "sha256:0",
        "level": "otp",
        "inputs": payment().to_snapshot(),
        **changes,
    }
    return json.dumps(stated)


def test_a_decision_is_read_as_it_was_recorded() -> None:
    found = read(line(factors=["otp"], ending="fraud", fired=["risky"]))
    assert found == Recorded(
        "dec_1", "sha256:0", Level.OTP, payment(), fired=("risky",), factors=(Factor.OTP,), ending="fraud"
    )


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "line"),
        ("[]", "line"),
        (line(level="otpp"), "level"),
        (line(ending="lost"), "ending"),
        (line(more=1), "more"),
    ],
)
def test_what_is_none_names_the_field(text: str, where: str) -> None:
    found = read(text)
    assert isinstance(found, Unreadable)
    assert found.reason.startswith(f"{where}: ")
