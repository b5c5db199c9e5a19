"""The device of a payment that nobody of the house made is suspended until its owner takes it back.

Enrollments that stand on a receipt end with it, since its key may have earned that.
"""

from __future__ import annotations

from datetime import datetime

from authsvc.device.credential import DeviceState
from authsvc.domain.account_acts import with_keys_as_they_stand
from authsvc.domain.store import Transaction
from authsvc.domain.ticket import Grounds
from authsvc.events import Event
from authsvc.subject import Subject


def suspend_device(tx: Transaction, subject: Subject, device_id: str | None, now: datetime) -> bool:
    """Whether there was such a device, and it was active."""
    account, device = tx.accounts.find_with_device(subject, device_id)
    if account is None or device is None or device.state is not DeviceState.ACTIVE:
        return False
    tx.accounts.save_device(device.suspended())
    tx.accounts.save(with_keys_as_they_stand(tx, account, now))
    tx.tickets.cancel_of(subject, Grounds.RECEIPT)
    tx.publish(Event("subject:device:frozen", subject, now, {"device": device.id, "reason": "not_me"}))
    return True
