"""How well is this device known? Computed here from what is on record; what a caller states can only make it worse."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from authsvc.device.credential import Device, DeviceState
from authsvc.subject import Novelty


@dataclass(frozen=True, slots=True)
class StatedDevice:
    """What the backend says of the phone: an id, the secret the phone showed, and perhaps a doubt of its own."""

    id: str | None = None
    secret: str | None = None
    novelty: Novelty | None = None


def novelty(
    stated: StatedDevice, known: Device | None, secret_macs: Sequence[bytes], now: datetime
) -> Novelty:
    """The novelty of a stated device, given the record of its id and the MACs that the shown secret has (one per key).

    An id alone proves nothing: without the right secret a registered device is as good as new.
    """
    return _on_record(stated, known, secret_macs, now).or_worse(stated.novelty)


def _on_record(
    stated: StatedDevice, known: Device | None, secret_macs: Sequence[bytes], now: datetime
) -> Novelty:
    if stated.id is None:
        return Novelty.UNKNOWN
    if known is None:
        return Novelty.NEW
    if known.state is not DeviceState.ACTIVE:
        return Novelty.REVOKED
    if not any(hmac.compare_digest(known.secret_mac, mac) for mac in secret_macs):
        return Novelty.NEW
    return Novelty.TRUSTED if known.trusted_from <= now else Novelty.PROBATION
