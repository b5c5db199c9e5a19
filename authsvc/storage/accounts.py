"""Users and their devices: read together on the decision path, changed one conditional write at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby

from authsvc.clock import from_millis, to_millis
from authsvc.device.credential import Device, DeviceState
from authsvc.device.record import CredentialState
from authsvc.domain.account import Account, AccountStatus, LowValue
from authsvc.domain.attempts import Attempts, Counter
from authsvc.domain.payer import Payer
from authsvc.domain.standing import Standing
from authsvc.factor import Factor
from authsvc.habit.form import Packed
from authsvc.payment import Payment
from authsvc.storage.bound import CREDENTIALS, DEVICES, USERS, Values
from authsvc.storage.database import Conflict, Connection, Query, Row
from authsvc.storage.habits import opened
from authsvc.storage.rows import Rows
from authsvc.storage.sealing import Sealer
from authsvc.subject import Subject

MOST_RECENT = 64

_USER_KEY = "client = :client AND user_id = :user"

FIND = f"SELECT {USERS.listed()} FROM users WHERE {_USER_KEY}"
# One row for each key of the device, so that what the policy reads of them is checked as well.
FIND_WITH_DEVICE = f"""SELECT {USERS.listed("u")}, {DEVICES.listed("d")}, {CREDENTIALS.listed("c")}
    FROM users u LEFT JOIN devices d ON d.client = u.client AND d.user_id = u.user_id AND d.device_id = :device
    LEFT JOIN credentials c ON c.client = d.client AND c.user_id = d.user_id AND c.device_id = d.device_id
    WHERE u.client = :client AND u.user_id = :user"""
# What counts of this hour stands in an index, which its order names; who floods it is counted up to there. What was asked
# about this very payment is taken off: a few rows, found by the transaction, and judged once they are found, lest the planner
# takes the payer's index for them.
OF_TRANSACTION = """SELECT COUNT(CASE WHEN user_id = :user AND created_at > :since THEN 1 END) AS again,
    COUNT(consumed_at) AS consumed FROM decisions WHERE client = :client AND transaction_id = :transaction"""
FIND_PAYER = f"""SELECT h.sealed, (SELECT COUNT(*) FROM (SELECT 1 FROM decisions x WHERE x.client = :client
    AND x.user_id = :user AND x.created_at > :since ORDER BY x.created_at DESC LIMIT {MOST_RECENT}) asked), t.again, t.consumed,
    {USERS.listed("u")}, {DEVICES.listed("d")}, {CREDENTIALS.listed("c")}
    FROM users u CROSS JOIN ({OF_TRANSACTION}) t
    LEFT JOIN devices d ON d.client = u.client AND d.user_id = u.user_id AND d.device_id = :device
    LEFT JOIN credentials c ON c.client = d.client AND c.user_id = d.user_id AND c.device_id = d.device_id
    LEFT JOIN habits h ON h.client = u.client AND h.user_id = u.user_id
    WHERE u.client = :client AND u.user_id = :user"""
# Where what was asked about this very payment may have displaced others of the hour.
OTHERS = f"""SELECT COUNT(*) FROM (SELECT 1 FROM decisions WHERE client = :client AND user_id = :user AND created_at > :since
    AND transaction_id <> :transaction LIMIT {MOST_RECENT}) others"""
OF_USER = f"""SELECT {DEVICES.listed("d")}, {CREDENTIALS.listed("c")} FROM devices d
    LEFT JOIN credentials c ON c.client = d.client AND c.user_id = d.user_id AND c.device_id = d.device_id
    WHERE d.client = :client AND d.user_id = :user ORDER BY d.created_at, d.device_id"""
# A write that changes nothing: until this transaction ends nobody else writes the row. Under SQLite nobody could anyway.
HOLD = f"UPDATE users SET version = version WHERE {_USER_KEY} RETURNING {USERS.listed()}"
SUBJECTS = "SELECT client, user_id FROM users WHERE status <> 'erased' ORDER BY client, user_id"
WRAPPED_KEYS = "SELECT client, user_id, sealing_key FROM users WHERE sealing_key IS NOT NULL"

_USER_WIDTH = len(USERS.columns) + 1
_DEVICE_WIDTH = len(DEVICES.columns) + 1


class AccountStore:
    def __init__(self, connection: Connection, rows: Rows, sealer: Sealer) -> None:
        self._connection = connection
        self._rows = rows
        self._sealer = sealer

    def find(self, subject: Subject) -> Account | None:
        rows = self._rows.read(USERS, _USER_KEY, _key(subject))
        return account_of(subject, rows[0]) if rows else None

    def find_with_device(
        self, subject: Subject, device_id: str | None
    ) -> tuple[Account | None, Device | None]:
        """The user and the stated device in one look."""
        params = {**_key(subject), "device": device_id}
        return self._with_device(subject, self._connection.all(FIND_WITH_DEVICE, params))

    def find_payer(self, payment: Payment, device_id: str | None, since: datetime) -> Payer:
        """The user, the stated device and what is usual in one look: all that the decision path reads of them."""
        query, params = find_payer(payment, device_id, since)
        rows = self._connection.all(query, params)
        account, device = self._with_device(payment.subject, [row[4:] for row in rows])
        if account is None:
            [(_, consumed)] = self._connection.all(OF_TRANSACTION, params)
            return Payer(consumed=consumed > 0)
        sealed, asked, again, consumed = rows[0][:4]
        data = opened(self._sealer, self._rows, account, sealed)
        recent = asked - again
        if again and asked == MOST_RECENT:
            [(recent,)] = self._connection.all(OTHERS, params)
        return Payer(account, device, None if data is None else Packed(data), recent, consumed > 0)

    def hold(self, subject: Subject) -> None:
        """Wait for whoever changes this user at the moment, and let nobody else do so before this transaction ends."""
        for row in self._connection.all(HOLD, _key(subject)):
            self._rows.checked(USERS, row)

    def add(self, account: Account) -> Account:
        """Add a user; raises Conflict when somebody added them in between."""
        added = replace(account, version=1)
        if not self._rows.add(USERS, _account_values(added), "ON CONFLICT (client, user_id) DO NOTHING"):
            raise Conflict("the user was added in between")
        return added

    def save(self, account: Account) -> Account:
        """Write the next value of a user; raises Conflict when it is not the next to what is stored."""
        after = replace(account, version=account.version + 1)
        if not self._rows.save(USERS, _account_values(after), "version", account.version):
            raise Conflict("the user was changed in between")
        return after

    def devices(self, subject: Subject) -> tuple[Device, ...]:
        """Every device on record, revoked ones among them, oldest first."""
        rows = self._connection.all(OF_USER, _key(subject))
        by_device = groupby(rows, key=lambda row: row[: len(DEVICES.key)])
        return tuple(self._device(subject, list(group)) for _, group in by_device)

    def add_device(self, device: Device) -> None:
        self._rows.add(DEVICES, _device_values(replace(device, version=1)))

    def save_device(self, device: Device) -> Device:
        after = replace(device, version=device.version + 1)
        if not self._rows.save(DEVICES, _device_values(after), "version", device.version):
            raise Conflict("the device was changed in between")
        return after

    def forget_devices(self, subject: Subject) -> None:
        self._rows.remove(DEVICES, _USER_KEY, _key(subject))

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
        rows = self._rows.read(USERS, _USER_KEY, _key(subject))
        if not rows or rows[0]["sealing_key"] != old:
            return False
        self._rows.change(USERS, rows[0], {"sealing_key": new})
        return True

    def _with_device(self, subject: Subject, rows: Sequence[Row]) -> tuple[Account | None, Device | None]:
        if not rows:
            return None, None
        account = account_of(subject, self._rows.checked(USERS, rows[0][:_USER_WIDTH]))
        if rows[0][_USER_WIDTH] is None:
            return account, None
        return account, self._device(subject, [row[_USER_WIDTH:] for row in rows])

    def _device(self, subject: Subject, rows: Sequence[Row]) -> Device:
        """A device and what is known of its keys; of a broken key nothing is, which the policy takes for the worst."""
        keys = [row[_DEVICE_WIDTH:] for row in rows if row[_DEVICE_WIDTH] is not None]
        sound = [self._rows.sound_or_none(CREDENTIALS, key) for key in keys]
        active = [key for key in sound if key is not None and key["state"] == CredentialState.ACTIVE]
        known = () if None in sound else tuple(active)
        return device_of(subject, self._rows.checked(DEVICES, rows[0][:_DEVICE_WIDTH]), known)


def find_payer(payment: Payment, device_id: str | None, since: datetime) -> Query:
    about = {"device": device_id, "transaction": payment.transaction_id, "since": to_millis(since)}
    return FIND_PAYER, {**_key(payment.subject), **about}


def _key(subject: Subject) -> dict[str, object]:
    return {"client": subject.client, "user": subject.user}


def account_of(subject: Subject, row: Values) -> Account:
    void = row["receipts_after"]
    return Account(
        subject=subject,
        status=AccountStatus(row["status"]),
        standing=_standing(frozenset(map(Factor, row["factors"].split())), row["standing"]),
        locale=row["locale"],
        verify_always=bool(row["verify_always"]),
        low_value=LowValue(row["low_value_count"], row["low_value_sum"]),
        attempts=_attempts(row["attempts"]),
        sealing_key=row["sealing_key"],
        created_at=from_millis(row["created_at"]),
        receipts_after=None if void is None else from_millis(void),
        version=row["version"],
    )


def _account_values(account: Account) -> dict[str, object]:
    return {
        "client": account.subject.client,
        "user_id": account.subject.user,
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


def device_of(subject: Subject, row: Values, keys: Sequence[Values]) -> Device:
    """`keys` are those that are active."""
    attested, aaguid = max(((bool(key["attested"]), key["aaguid"]) for key in keys), default=(False, None))
    seen_at = row["seen_at"]
    return Device(
        subject=subject,
        id=row["device_id"],
        name=row["name"],
        state=DeviceState(row["state"]),
        secret_mac=row["secret_mac"],
        created_at=from_millis(row["created_at"]),
        trusted_from=from_millis(row["trusted_from"]),
        seen_at=None if seen_at is None else from_millis(seen_at),
        synced=any(key["backup_eligible"] for key in keys) if keys else None,
        attested=attested,
        aaguid=aaguid,
        version=row["version"],
    )


def _device_values(device: Device) -> dict[str, object]:
    return {
        "client": device.subject.client,
        "user_id": device.subject.user,
        "device_id": device.id,
        "name": device.name,
        "state": device.state.value,
        "secret_mac": device.secret_mac,
        "created_at": to_millis(device.created_at),
        "trusted_from": to_millis(device.trusted_from),
        "seen_at": None if device.seen_at is None else to_millis(device.seen_at),
        "version": device.version,
    }
