"""Acts on a user's account that more than one may do: the payment backend, the person, whoever recovers a lost phone.

Each is part of a transaction, and writes its own audit line and event. `actor` is who did it: `backend` or `person`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from authsvc.audit.chain import entry
from authsvc.biometric.words import PROVING, Modality
from authsvc.device.credential import Device, DeviceState
from authsvc.domain.account import Account, AccountStatus
from authsvc.domain.attempts import Attempts
from authsvc.domain.decision import Status
from authsvc.domain.receipt import AuditPosition
from authsvc.domain.store import Transaction
from authsvc.domain.ticket import Grounds
from authsvc.errors import InvalidRequest, NotFound, RecordBroken
from authsvc.events import Event
from authsvc.factor import Factor
from authsvc.otp import APP
from authsvc.subject import Subject
from authsvc.text import skeleton

RECOVERY_CODES = "recovery_codes"
"""What may be vetoed beside factors."""


def two_operators(names: Sequence[str]) -> tuple[str, ...]:
    """The operators who vouch for something, sorted; none unless no eye would take them for one person."""
    different = {skeleton(name): name for name in names}
    return tuple(sorted(different.values())) if len(different) >= 2 else ()


def existing(tx: Transaction, subject: Subject) -> Account:
    """The user's account; raises NotFound, also once it was erased."""
    account = tx.accounts.find(subject)
    if account is None or account.status is AccountStatus.ERASED:
        raise NotFound("no such user")
    return account


def device_of(tx: Transaction, account: Account, device_id: str) -> Device:
    """A device of this user, removed ones included; raises NotFound."""
    _, device = tx.accounts.find_with_device(account.subject, device_id)
    if device is None:
        raise NotFound("no such device")
    return device


def rename_device(
    tx: Transaction, account: Account, device_id: str, name: str, actor: str, now: datetime
) -> Device:
    """Call a device something else; raises InvalidRequest for a removed one."""
    device = tx.accounts.save_device(_standing(tx, account, device_id).renamed(name))
    tx.record(entry(actor, "device.rename", account.subject, device.id, device.state.value, now))
    return device


def revoke_device(
    tx: Transaction, account: Account, device_id: str, actor: str, now: datetime
) -> tuple[Account, Device]:
    """Remove a device and its keys for good; its id stays on record and is never used again.

    Returns the account for the caller to save: with the last key goes the factor. A device that is still on probation was
    vetoed by this, and the event of that name says so. Enrollments upon a receipt end: its key may have earned it.
    """
    subject = account.subject
    device = tx.accounts.save_device(_standing(tx, account, device_id).revoked())
    tx.credentials.remove_of_device(subject, device.id)
    tx.tickets.cancel_of(subject, Grounds.RECEIPT)
    on_probation = device.trusted_from > now
    result = "vetoed" if on_probation else device.state.value
    tx.record(entry(actor, "device.revoke", subject, device.id, result, now))
    tx.publish(Event("subject:device:revoked", subject, now, {"device": device.id}))
    if on_probation:
        tx.publish(Event("subject:device:vetoed", subject, now, {"device": device.id, "by": actor}))
    return with_keys_as_they_stand(tx, account, now), device


def restore_device(
    tx: Transaction, account: Account, device_id: str, actor: str, now: datetime, *, operators: Sequence[str]
) -> Device:
    """A suspended device counts again, as its keys do; `operators` are the two who vouched, none where the owner proved it.

    What was released before is void: else a receipt from the time before the suspension would come back with the device.
    """
    subject, found = account.subject, device_of(tx, account, device_id)
    if found.state is not DeviceState.SUSPENDED:
        raise InvalidRequest("the device is not suspended")
    device = tx.accounts.save_device(found.reinstated())
    standing = with_keys_as_they_stand(tx, account, now)
    tx.accounts.save(replace(standing, receipts_after=now))
    who = sorted(operators) or None
    tx.record(entry(actor, "device.restore", subject, device.id, "active", now, operators=who))
    tx.publish(Event("subject:device:restored", subject, now, {"device": device.id}))
    return device


def veto(tx: Transaction, account: Account, what: str, actor: str, now: datetime) -> None:
    """Remove an app, or recovery codes, that wait for their cooling period to end; raises InvalidRequest for what counts."""
    subject = account.subject
    if what == RECOVERY_CODES:
        waited = tx.codes.veto_recovery_codes(subject, now)
    else:
        waited = what == Factor.OTP and Factor.OTP in account.standing.waiting(now)
    if not waited:
        raise InvalidRequest(f"there is no `{what}` on probation")
    if what == Factor.OTP:
        tx.codes.forget_secret(subject, APP)
        tx.accounts.save(account.withdrawn(Factor.OTP, now=now))
    tx.record(entry(actor, "factor.veto", subject, what, "vetoed", now))
    tx.publish(Event("subject:factor:vetoed", subject, now, {"factor": what, "by": actor}))


def with_keys_as_they_stand(tx: Transaction, account: Account, now: datetime) -> Account:
    """With the last usable device key goes the factor, so that nobody is asked for what they cannot show; it stays owed.

    Where a key's record is broken nothing changes: it cannot be used, and must not lower what is asked.
    """
    try:
        keys = tx.credentials.standing(account.subject)
    except RecordBroken:
        return account
    live = [at for state, at in keys if state is DeviceState.ACTIVE]
    suspended = [at for state, at in keys if state is DeviceState.SUSPENDED]
    return replace(account, standing=account.standing.with_keys(live, suspended, now))


def withdraw_biometric(
    tx: Transaction, account: Account, modality: Modality, actor: str, now: datetime
) -> Account:
    """Withdraw consent and destroy the template; returns the account for the caller to save."""
    subject = account.subject
    tx.templates.forget(subject, modality)
    tx.templates.withdraw_consent(subject, modality, now)
    factor = Factor(modality.value) if modality in PROVING else None
    vetoed = factor is not None and factor in account.standing.waiting(now)
    result = "vetoed" if vetoed else "withdrawn"
    tx.record(entry(actor, "biometric.withdraw", subject, modality.value, result, now))
    tx.publish(Event(f"subject:{modality}:withdrawn", subject, now))
    if vetoed:
        tx.publish(Event("subject:factor:vetoed", subject, now, {"factor": modality.value, "by": actor}))
    return account if factor is None else account.withdrawn(factor, now=now)


def erase(tx: Transaction, account: Account, actor: str, now: datetime) -> AuditPosition:
    """Destroy the user's key, and so everything sealed under it; returns where the audit says so.

    Enrollments that are under way end with it: one that was completed later would bring the account back. So do challenges and
    receipts: whoever enrolls next under this name has nothing to do with them.
    """
    subject = account.subject
    for modality in Modality:
        tx.templates.forget(subject, modality)
        tx.templates.withdraw_consent(subject, modality, now)
    tx.codes.forget(subject)
    tx.spent.forget(subject)
    tx.habits.forget(subject)
    tx.credentials.forget(subject)
    tx.accounts.forget_devices(subject)
    tx.tickets.cancel_of(subject)
    _stop_payments(tx, subject, actor, now)
    tx.accounts.save(account.erased(now))
    position = AuditPosition(*tx.position())
    tx.record(entry(actor, "user.erase", subject, subject.user, "erased", now))
    data = {"by": actor, "audit": {"chain": position.chain, "seq": position.seq}}
    tx.publish(Event("subject:erased", subject, now, data))
    return position


def freeze(tx: Transaction, account: Account, reason: str, actor: str, now: datetime) -> Account:
    """Deny everything for this user from the next request on, whichever worker gets it; enrollments under way end."""
    subject = account.subject
    frozen = tx.accounts.save(account.frozen(now))
    tx.tickets.cancel_of(subject)
    tx.record(entry(actor, "user.freeze", subject, subject.user, "frozen", now, why=reason))
    tx.publish(Event("subject:frozen", subject, now, {"reason": reason}))
    return frozen


def unfreeze(
    tx: Transaction, account: Account, actor: str, now: datetime, *, operators: Sequence[str]
) -> Account:
    """Take decisions again; `operators` are the two who vouched, and lift locks as well, none where the user proved it."""
    subject = account.subject
    if operators:
        account = unlock(tx, account, actor, now, by="operators", operators=operators)
    active = tx.accounts.save(account.unfrozen())
    who = sorted(operators) or None
    tx.record(entry(actor, "user.unfreeze", subject, subject.user, "active", now, operators=who))
    tx.publish(Event("subject:unfrozen", subject, now))
    return active


def unlock(
    tx: Transaction, account: Account, actor: str, now: datetime, *, by: str, operators: Sequence[str] = ()
) -> Account:
    """Lift every lock and the month's stop, for the caller to save; `by` says what showed that the owner is back."""
    if not account.attempts.counters:
        return account
    subject, who = account.subject, sorted(operators) or None
    stopped = account.attempts.is_stopped(now)
    tx.record(
        entry(
            actor,
            "user.unlock",
            subject,
            subject.user,
            "unlocked",
            now,
            by=by,
            stopped=stopped,
            operators=who,
        )
    )
    tx.publish(Event("subject:unlocked", subject, now, {"by": by}))
    return replace(account, attempts=Attempts())


def set_verify_always(tx: Transaction, account: Account, wanted: bool, actor: str, now: datetime) -> Account:
    """The user's own switch: with it no payment is exempted for its low value."""
    subject = account.subject
    tx.record(entry(actor, "user.verify-always", subject, subject.user, str(wanted).lower(), now))
    return tx.accounts.save(replace(account, verify_always=wanted))


def charge_attempt(
    tx: Transaction, account: Account, factors: Collection[Factor], now: datetime, *, recovering: bool = False
) -> bool:
    """Count an attempt before it is judged, and say whether it may be; a lock-out is published once, when it begins."""
    admits = account.attempts.admits_recovery if recovering else account.attempts.admits
    if not admits(factors, now):
        return False
    was_blocked = account.attempts.is_blocked(now)
    attempts = account.attempts.charge(factors, now)
    tx.accounts.save(replace(account, attempts=attempts))
    if attempts.is_blocked(now) and not was_blocked:
        tx.publish(Event("subject:locked", account.subject, now, {"scope": "any"}))
    return True


def _stop_payments(tx: Transaction, subject: Subject, actor: str, now: datetime) -> None:
    for decision in tx.decisions.open_of_user(subject, now):
        ended = tx.decisions.save(decision.become(Status.CANCELLED))
        tx.record(entry(actor, "decision.cancel", subject, decision.id, ended.status.value, now))
        data = {"decision": decision.id, "transaction_id": decision.payment.transaction_id}
        tx.publish(Event("decision:challenge:cancelled", subject, now, data))


def _standing(tx: Transaction, account: Account, device_id: str) -> Device:
    device = device_of(tx, account, device_id)
    if device.state is DeviceState.REVOKED:
        raise InvalidRequest("the device was removed")
    return device
