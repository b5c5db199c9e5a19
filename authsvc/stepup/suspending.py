"""The device of a payment that nobody of the house made is suspended until its owner takes it back.

Enrollments that stand on a receipt end with it, since its key may have earned that.
"""

from __future__ import annotations

from datetime import datetime

from authsvc.device.credential import DeviceState
from authsvc.domain.account_acts import with_keys_as_they_stand
from authsvc.domain.decision import Decision
from authsvc.domain.store import Transaction
from authsvc.domain.ticket import Grounds
from authsvc.events import Event


def suspend_device(tx: Transaction, decision: Decision, now: datetime) -> bool:
    """Whether the decision named a device that was active."""
    subject = decision.payment.subject
    account, device = tx.accounts.find_with_device(subject, decision.device_id)
    if account is None or device is None or device.state is not DeviceState.ACTIVE:
        return False
    tx.accounts.save_device(device.suspended())
    tx.accounts.save(with_keys_as_they_stand(tx, account, now))
    tx.tickets.cancel_of(subject, Grounds.RECEIPT)
    tx.publish(Event("subject:device:frozen", subject, now, {"device": device.id, "reason": "not_me"}))
    return True
