"""A device and what may happen to it: removed is for ever, and every name is one that can be read."""

from datetime import UTC, datetime

import pytest

from authsvc.device.credential import LONGEST_NAME, TRANSITIONS, Device, DeviceState, label
from authsvc.errors import InvalidRequest
from authsvc.subject import Subject

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def device(state: DeviceState = DeviceState.ACTIVE) -> Device:
    return Device(Subject("shop", "ann"), "dev_1", "phone", state, b"mac", NOON, NOON)


@pytest.mark.parametrize("state", list(DeviceState))
def test_only_the_table_s_steps_are_taken(state: DeviceState) -> None:
    steps = {
        DeviceState.ACTIVE: Device.reinstated,
        DeviceState.SUSPENDED: Device.suspended,
        DeviceState.REVOKED: Device.revoked,
    }
    for reached, step in steps.items():
        if reached is state or reached in TRANSITIONS[state]:
            assert step(device(state)).state is reached
        else:
            with pytest.raises(InvalidRequest):
                step(device(state))


def test_a_removed_device_stays_removed() -> None:
    assert TRANSITIONS[DeviceState.REVOKED] == set()


def test_a_name_is_trimmed_and_bounded() -> None:
    assert label("  my \n phone ") == "my phone"
    assert device().renamed("x" * LONGEST_NAME).name == "x" * LONGEST_NAME
    for wrong in ("", " \t ", "x" * (LONGEST_NAME + 1)):
        with pytest.raises(InvalidRequest):
            device().renamed(wrong)
