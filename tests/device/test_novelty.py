"""How well a device is known: an id alone proves nothing, and a caller's doubt is heard."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from authsvc.device.credential import Device, DeviceState
from authsvc.device.novelty import StatedDevice, novelty
from authsvc.subject import Novelty, Subject

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
MAC = b"m" * 32
KNOWN = Device(Subject("shop", "ann"), "dev_1", "phone", DeviceState.ACTIVE, MAC, NOON, NOON)
STATED = StatedDevice("dev_1", "secret")


@pytest.mark.parametrize(
    ("stated", "known", "macs", "expected"),
    [
        (StatedDevice(), None, [], Novelty.UNKNOWN),
        (STATED, None, [MAC], Novelty.NEW),
        (STATED, KNOWN, [], Novelty.NEW),
        (STATED, KNOWN, [b"x" * 32], Novelty.NEW),
        (STATED, KNOWN, [b"x" * 32, MAC], Novelty.TRUSTED),
        (STATED, replace(KNOWN, trusted_from=NOON + timedelta(seconds=1)), [MAC], Novelty.PROBATION),
        (STATED, KNOWN.suspended(), [MAC], Novelty.REVOKED),
        (STATED, KNOWN.revoked(), [MAC], Novelty.REVOKED),
        (replace(STATED, novelty=Novelty.NEW), KNOWN, [MAC], Novelty.NEW),
        (replace(STATED, novelty=Novelty.TRUSTED), None, [MAC], Novelty.NEW),
    ],
)
def test_a_device_is_as_new_as_what_it_can_show(
    stated: StatedDevice, known: Device | None, macs: list[bytes], expected: Novelty
) -> None:
    assert novelty(stated, known, macs, NOON) is expected
