"""What the service answers, as values: unknown fields are left aside, missing ones are no answer."""

from typing import Any

import pytest

from authsvc.caller.results import Device, Reason, decision_from, understood
from authsvc.errors import Unavailable

SAID: dict[str, Any] = {
    "id": "dec_1",
    "status": "challenge_required",
    "level": "face",
    "device": {"novelty": "new"},
    "reasons": [{"rule": "new-device", "field": "device.novelty", "is": "new", "bound": "probation"}],
    "challenge": None,
    "receipt": None,
    "binding": {"v": 1, "digest": "sha256:b"},
    "policy": {"id": "default", "version": 1, "digest": "sha256:p"},
    "expires_at": "2026-11-30T12:00:00.000Z",
    "of_a_later_version": 1,
}


def test_a_decision_is_read_and_what_is_new_is_left_aside() -> None:
    decision = understood(decision_from, SAID)
    assert (decision.id, decision.novelty, decision.is_open) == ("dec_1", "new", True)
    assert [str(each) for each in decision.reasons] == ["new-device: device.novelty is new, bound probation"]
    assert not understood(decision_from, {**SAID, "status": "approved"}).is_open


@pytest.mark.parametrize("name", [name for name in SAID if name != "of_a_later_version"])
def test_an_answer_that_breaks_the_contract_is_none(name: str) -> None:
    lacking = {key: value for key, value in SAID.items() if key != name}
    with pytest.raises(Unavailable, match="not understood"):
        understood(decision_from, lacking)


def test_a_device_states_only_what_is_known_of_it() -> None:
    assert Device("dev_1").to_json() == {"id": "dev_1"}
    assert Device("dev_1", "s", "new").to_json() == {"id": "dev_1", "secret": "s", "novelty": "new"}
    assert str(Reason("a", "risk.score", 73, [1])) == "a: risk.score is 73, bound [1]"
