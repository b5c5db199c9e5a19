"""What a completed recovery does to everything that was on the lost phone, in the transaction that enrolls the new one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from authsvc.device.credential import DeviceState
from authsvc.domain.account import Account
from authsvc.domain.account_acts import revoke_device, unlock
from authsvc.domain.store import Transaction
from authsvc.domain.ticket import APP_CODE, Ticket
from authsvc.errors import ProofRequired
from authsvc.events import Event
from authsvc.factor import Factor
from authsvc.otp import APP


def give_up_lost_phone(
    tx: Transaction, ticket: Ticket, account: Account, now: datetime, *, with_app: bool
) -> Account:
    """Use the recovery code up, remove every device, void what was released, and raise the alarm; returns the account to save.

    The authenticator app was on that phone too, unless the person has just shown its code or adds one now (`with_app`).
    Raises ProofRequired when another recovery has used the code in between.
    """
    recovery = ticket.recovering()
    # Whoever has the lost phone may have begun to enroll with it, or hold what it proved a moment ago.
    tx.tickets.cancel_of(account.subject)
    account = replace(account, receipts_after=now)
    if not tx.codes.use_recovery_code(account.subject, recovery.code or b"", now):
        raise ProofRequired("the recovery code was used in between")
    standing = [
        device for device in tx.accounts.devices(account.subject) if device.state is not DeviceState.REVOKED
    ]
    for device in standing:
        account, _ = revoke_device(tx, account, device.id, "person", now)
    if not with_app and APP_CODE not in recovery.proofs:
        tx.codes.forget_secret(account.subject, APP)
        account = account.withdrawn(Factor.OTP, now=now)
    data = {
        "enrollment": ticket.id,
        "proofs": list(recovery.proofs),
        "removed_devices": [device.id for device in standing],
    }
    tx.publish(Event("subject:recovery:used", account.subject, now, data))
    return unlock(tx, account, "person", now, by="recovery")
