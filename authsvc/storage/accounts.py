"""Users and their devices: read together on the decision path, changed one conditional write at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from authsvc.clock import from_millis, to_millis
from authsvc.device.credential import Device, DeviceState
from authsvc.domain.account import Account, AccountStatus, LowValue
from authsvc.domain.attempts import Attempts, Counter
from authsvc.domain.standing import Standing
from authsvc.factor import Factor
from authsvc.storage.database import Conflict, Connection, Query, Row
from authsvc.subject import Subject

_USER = """u.status, u.factors, u.locale, u.verify_always, u.low_value_count, u.low_value_sum, u.attempts, u.sealing_key,
    u.created_at, u.receipts_after, u.standing, u.version"""
_DEVICE = """d.device_id, d.name, d.state, d.secret_mac, d.created_at, d.trusted_from, d.seen_at,
    (SELECT MAX(c.backup_eligible) FROM credentials c WHERE c.client = d.client AND c.user_id = d.user_id
        AND c.device_id = d.device_id AND c.state = 'active'),
    (SELECT MAX(c.attested || c.aaguid) FROM credentials c WHERE c.client = d.client AND c.user_id = d.user_id
        AND c.device_id = d.device_id AND c.state = 'active'), d.version"""

FIND = f"SELECT {_USER} FROM users u WHERE u.client = :client AND u.user_id = :user"
FIND_WITH_DEVICE = f"""SELECT {_USER}, {_DEVICE} FROM users u LEFT JOIN devices d
    ON d.client = u.client AND d.user_id = u.user_id AND d.device_id = :device
    WHERE u.client = :client AND u.user_id = :user"""
ADD = """INSERT INTO users (client, user_id, status, factors, locale, verify_always, low_value_count, low_value_sum, attempts,
    sealing_key, created_at, receipts_after, standing, version) VALUES (:client, :user, :status, :factors, :locale,
    :verify_always, :low_value_count, :low_value_sum, :attempts, :sealing_key, :created_at, :receipts_after, :standing, 1)
    ON CONFLICT (client, user_id) DO NOTHING"""
SAVE = """UPDATE users SET status = :status, factors = :factors, locale = :locale, verify_always = :verify_always,
    low_value_count = :low_value_count, low_value_sum = :low_value_sum, attempts = :attempts, sealing_key = :sealing_key,
    receipts_after = :receipts_after, standing = :standing, version = version + 1
    WHERE client = :client AND user_id = :user AND version = :version"""
DEVICES = f"""SELECT {_DEVICE} FROM devices d WHERE d.client = :client AND d.user_id = :user ORDER BY d.created_at"""
ADD_DEVICE = """INSERT INTO devices (client, user_id, device_id, name, state, secret_mac, created_at, trusted_from, seen_at,
    version) VALUES (:client, :user, :device, :name, :state, :secret_mac, :created_at, :trusted_from, :seen_at, 1)"""
SAVE_DEVICE = """UPDATE devices SET name = :name, state = :state, trusted_from = :trusted_from, seen_at = :seen_at,
    version = version + 1 WHERE client = :client AND user_id = :user AND device_id = :device AND version = :version"""
FORGET_DEVICES = "DELETE FROM devices WHERE client = :client AND user_id = :user"
# A write that changes nothing: until this transaction ends nobody else writes the row. Under SQLite nobody could anyway.
HOLD = "UPDATE users SET version = version WHERE client = :client AND user_id = :user"
SUBJECTS = "SELECT client, user_id FROM users WHERE status <> 'erased' ORDER BY client, user_id"
WRAPPED_KEYS = "SELECT client, user_id, sealing_key FROM users WHERE sealing_key IS NOT NULL"
REWRAP = """UPDATE users SET sealing_key = :new WHERE client = :client AND user_id = :user AND sealing_key = :old"""

_USER_COLUMNS = 12


class AccountStore:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, subject: Subject) -> Account | None:
        rows = self._connection.all(FIND, _key(subject))
        return _account(subject, rows[0]) if rows else None

    def find_with_device(
        self, subject: Subject, device_id: str | None
    ) -> tuple[Account | None, Device | None]:
        """The user and the stated device in one look: all that the decision path reads of them."""
        rows = self._connection.all(*find_with_device(subject, device_id))
        if not rows:
            return None, None
        device_row = rows[0][_USER_COLUMNS:]
        return _account(subject, rows[0]), _device(subject, device_row) if device_row[0] is not None else None

    def hold(self, subject: Subject) -> None:
        """Wait for whoever changes this user at the moment, and let nobody else do so before this transaction ends."""
        self._connection.run(HOLD, _key(subject))

    def add(self, account: Account) -> Account:
        """Add a user; raises Conflict when somebody added them in between."""
        if self._connection.run(ADD, _account_params(account)) != 1:
            raise Conflict("the user was added in between")
        return replace(account, version=1)

    def save(self, account: Account) -> Account:
        """Write the next value of a user; raises Conflict when it is not the next to what is stored."""
        if self._connection.run(SAVE, _account_params(account)) != 1:
            raise Conflict("the user was changed in between")
        return replace(account, version=account.version + 1)

    def devices(self, subject: Subject) -> tuple[Device, ...]:
        """Every device on record, revoked ones among them, oldest first."""
        return tuple(_device(subject, row) for row in self._connection.all(DEVICES, _key(subject)))

    def add_device(self, device: Device) -> None:
        self._connection.run(ADD_DEVICE, _device_params(device))

    def save_device(self, device: Device) -> Device:
        if self._connection.run(SAVE_DEVICE, _device_params(device)) != 1:
            raise Conflict("the device was changed in between")
        return replace(device, version=device.version + 1)

    def forget_devices(self, subject: Subject) -> None:
        self._connection.run(FORGET_DEVICES, _key(subject))

    def subjects(self) -> tuple[Subject, ...]:
        """Everybody who has an account."""
        return tuple(Subject(client, user) for client, user in self._connection.all(SUBJECTS, {}))

    def wrapped_keys(self) -> Sequence[tuple[Subject, bytes]]:
        """Every user's wrapped sealing key, for rotation."""
        return [
            (Subject(client, user), bytes(key))
            for client, user, key in self._connection.all(WRAPPED_KEYS, {})
        ]

    def rewrap(self, subject: Subject, old: bytes, new: bytes) -> bool:
        return self._connection.run(REWRAP, {**_key(subject), "old": old, "new": new}) == 1


def find_with_device(subject: Subject, device_id: str | None) -> Query:
    return FIND_WITH_DEVICE, {**_key(subject), "device": device_id}


def _key(subject: Subject) -> dict[str, object]:
    return {"client": subject.client, "user": subject.user}


def _account(subject: Subject, row: Row) -> Account:
    status, factors, locale, always, count, total, attempts, key, created_at, void, standing, version = row[
        :_USER_COLUMNS
    ]
    return Account(
        subject=subject,
        status=AccountStatus(status),
        standing=_standing(frozenset(map(Factor, factors.split())), standing),
        locale=locale,
        verify_always=bool(always),
        low_value=LowValue(count, total),
        attempts=_attempts(attempts),
        sealing_key=None if key is None else bytes(key),
        created_at=from_millis(created_at),
        receipts_after=None if void is None else from_millis(void),
        version=version,
    )


def _account_params(account: Account) -> dict[str, object]:
    return {
        **_key(account.subject),
        "status": account.status.value,
        "factors": " ".join(sorted(account.factors)),
        "locale": account.locale,
        "verify_always": int(account.verify_always),
        "low_value_count": account.low_value.count,
        "low_value_sum": account.low_value.sum,
        "attempts": _attempts_json(account.attempts),
        "sealing_key": account.sealing_key,
        "created_at": to_millis(account.created_at),
        "receipts_after": None if account.receipts_after is None else to_millis(account.receipts_after),
        "standing": _standing_json(account.standing),
        "version": account.version,
    }


def _standing(factors: frozenset[Factor], text: str) -> Standing:
    if text == "{}":
        return Standing(factors)
    stored = {
        name: {Factor(factor): from_millis(at) for factor, at in times.items()}
        for name, times in json.loads(text).items()
    }
    return Standing(factors, **stored)


def _standing_json(standing: Standing) -> str:
    kept = {"counts_from": standing.counts_from, "taken": standing.taken}
    stored = {
        name: {factor: to_millis(at) for factor, at in sorted(times.items())}
        for name, times in kept.items()
        if times
    }
    return json.dumps(stored, separators=(",", ":"))


def _attempts(text: str) -> Attempts:
    if text == "{}":
        return Attempts()
    counters = {
        scope: Counter(
            consecutive,
            None if locked is None else from_millis(locked),
            tuple(from_millis(at) for at in recent),
        )
        for scope, (consecutive, locked, recent) in json.loads(text).items()
    }
    return Attempts(counters)


def _attempts_json(attempts: Attempts) -> str:
    counters = {
        scope: (
            counter.consecutive,
            None if counter.locked_until is None else to_millis(counter.locked_until),
            [to_millis(at) for at in counter.recent],
        )
        for scope, counter in attempts.counters.items()
    }
    return json.dumps(counters, separators=(",", ":"))


def _device(subject: Subject, row: Row) -> Device:
    device_id, name, state, secret_mac, created_at, trusted_from, seen_at, synced, model, version = row
    return Device(
        subject=subject,
        id=device_id,
        name=name,
        state=DeviceState(state),
        secret_mac=bytes(secret_mac),
        created_at=from_millis(created_at),
        trusted_from=from_millis(trusted_from),
        seen_at=None if seen_at is None else from_millis(seen_at),
        synced=None if synced is None else bool(synced),
        attested=model is not None and model.startswith("1"),
        aaguid=None if model is None else model[1:],
        version=version,
    )


def _device_params(device: Device) -> dict[str, object]:
    return {
        **_key(device.subject),
        "device": device.id,
        "name": device.name,
        "state": device.state.value,
        "secret_mac": device.secret_mac,
        "created_at": to_millis(device.created_at),
        "trusted_from": to_millis(device.trusted_from),
        "seen_at": None if device.seen_at is None else to_millis(device.seen_at),
        "version": device.version,
    }
