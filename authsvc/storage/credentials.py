"""Device keys: unique over all users for ever, and counted up by one conditional write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from authsvc.clock import from_millis, to_millis
from authsvc.device.credential import DeviceState
from authsvc.device.record import CredentialRecord, CredentialState
from authsvc.storage.bound import CREDENTIALS, DEVICES, Bound, Values
from authsvc.storage.database import Connection, Row
from authsvc.storage.rows import Rows
from authsvc.subject import Subject

_OF_USER = "client = :client AND user_id = :user"
_OF_DEVICE = f"{_OF_USER} AND device_id = :device"
_OLDEST_FIRST = f"{_OF_USER} ORDER BY created_at, id"
# Also asked in the write itself: a device that is removed at this very moment takes its keys with it.
_ON_ACTIVE_DEVICE = """EXISTS (SELECT 1 FROM devices d WHERE d.client = credentials.client
    AND d.user_id = credentials.user_id AND d.device_id = credentials.device_id AND d.state IN ('active', :also)
    AND d.trusted_from <= :counted)"""

_NEVER = 2**62
"""Later than every probation ends."""

WITH_DEVICES = f"""SELECT {CREDENTIALS.listed("c")}, {DEVICES.listed("d")} FROM credentials c LEFT JOIN devices d
    ON d.client = c.client AND d.user_id = c.user_id AND d.device_id = c.device_id
    WHERE c.client = :client AND c.user_id = :user ORDER BY c.created_at, c.id"""

_WIDTH = len(CREDENTIALS.columns) + 1

Keyed = tuple[Values, Values]
"""A key and the device that it is on."""


class CredentialStore:
    """A credential is *live* while it is active and so is its device; a revoked device takes its keys with it at once."""

    def __init__(self, connection: Connection, rows: Rows) -> None:
        self._connection = connection
        self._rows = rows

    def add(self, record: CredentialRecord) -> bool:
        """Store a new credential; False when its id was ever seen, whoever had it and whatever became of it."""
        return self._rows.add(CREDENTIALS, _values(record), "ON CONFLICT (id) DO NOTHING")

    def find(self, subject: Subject, credential_id: str) -> CredentialRecord | None:
        """A credential by its id *and* its user."""
        row = self._row(subject, credential_id)
        return None if row is None else _record(subject, row)

    def live(
        self, subject: Subject, *, counted_at: datetime | None = None, suspended: bool = False
    ) -> tuple[CredentialRecord, ...]:
        """What can be used at this moment, oldest first; with `counted_at`, of devices that were out of probation by then."""
        among = _among(counted_at, suspended)
        return tuple(_record(subject, key) for key, device in self._active(subject) if _counts(device, among))

    def standing(self, subject: Subject) -> tuple[tuple[DeviceState, datetime], ...]:
        """Of every key that was not removed, how its device stands and from when on it counts."""
        return tuple(
            (DeviceState(device["state"]), from_millis(device["trusted_from"]))
            for _, device in self._active(subject)
            if device["state"] != DeviceState.REVOKED
        )

    def sound(self, subject: Subject) -> tuple[CredentialRecord, ...]:
        """Active keys whose record is not broken: a broken one keeps nobody from registering another."""
        return tuple(
            _record(subject, row)
            for row in self._rows.sound(CREDENTIALS, _OLDEST_FIRST, _of(subject))
            if row["state"] == CredentialState.ACTIVE
        )

    def of_user(self, subject: Subject) -> tuple[CredentialRecord, ...]:
        """All that were not removed, suspended ones among them, oldest first."""
        rows = self._rows.read(CREDENTIALS, _OLDEST_FIRST, _of(subject))
        return tuple(_record(subject, row) for row in rows if row["state"] != CredentialState.REMOVED)

    def user_handle(self, subject: Subject) -> bytes | None:
        """The handle under which authenticators know the user, None before the first credential."""
        rows = self._rows.sound(CREDENTIALS, _OLDEST_FIRST, _of(subject))
        return next((row["user_handle"] for row in rows if row["user_handle"]), None)

    def use(
        self,
        subject: Subject,
        credential_id: str,
        sign_count: int,
        backed_up: bool,
        now: datetime,
        *,
        counted_at: datetime | None = None,
        suspended: bool = False,
    ) -> bool:
        """Count one use. Of two assertions with one count, or of one assertion twice, one gets True.

        A count of 0 on both sides is what authenticators without a counter say, and that of a synced key says nothing: there
        the challenge alone is used up.
        """
        among = _among(counted_at, suspended)
        found = [each for each in self._active(subject) if each[0]["id"] == credential_id]
        if not found or not _counts(found[0][1], among) or not counts_up(found[0][0], sign_count):
            return False
        self._rows.change(
            CREDENTIALS, found[0][0], used_values(sign_count, backed_up, now), _ON_ACTIVE_DEVICE, **among
        )
        return True

    def become_synced(self, subject: Subject, credential_id: str) -> bool:
        row = self._row(subject, credential_id)
        return row is not None and become_synced(self._rows, CREDENTIALS, row)

    def suspend(self, subject: Subject, credential_id: str) -> bool:
        row = self._row(subject, credential_id)
        if row is None or row["state"] != CredentialState.ACTIVE:
            return False
        self._rows.change(CREDENTIALS, row, {"state": CredentialState.SUSPENDED.value})
        return True

    def remove_of_device(self, subject: Subject, device_id: str) -> int:
        """Remove the credentials of a device for good; returns how many there were."""
        rows = self._rows.as_found(CREDENTIALS, _OF_DEVICE, {**_of(subject), "device": device_id})
        return self._rows.change_all(CREDENTIALS, _not_removed(rows), _REMOVED)

    def forget(self, subject: Subject) -> None:
        """Erase all but the ids, which stay so that nobody registers them again."""
        rows = self._rows.as_found(CREDENTIALS, _OF_USER, _of(subject))
        self._rows.change_all(CREDENTIALS, rows, {**_REMOVED, **_ERASED})

    def _row(self, subject: Subject, credential_id: str) -> Values | None:
        row = self._rows.one(CREDENTIALS, id=credential_id)
        return row if row is not None and _owner(row) == subject else None

    def _active(self, subject: Subject) -> list[Keyed]:
        """Active keys with their devices; raises RecordBroken for one whose device is gone."""
        pairs = [
            (self._rows.checked(CREDENTIALS, row[:_WIDTH]), row[_WIDTH:])
            for row in self._connection.all(WITH_DEVICES, _of(subject))
        ]
        return [
            (key, self._device_of(key, device))
            for key, device in pairs
            if key["state"] == CredentialState.ACTIVE
        ]

    def _device_of(self, key: Values, device: Row) -> Values:
        if device[0] is None:
            raise self._rows.gone(DEVICES, key)
        return self._rows.checked(DEVICES, device)


_REMOVED = {"state": CredentialState.REMOVED.value}
_ERASED = {"user_handle": b"", "public_key": b"", "transports": "", "aaguid": "", "device_id": ""}


def counts_up(key: Values, sign_count: int) -> bool:
    """Whether an active key may be used with this count."""
    stored = key["sign_count"]
    return key["state"] == CredentialState.ACTIVE and (
        bool(key["backup_eligible"]) or stored < sign_count or stored == sign_count == 0
    )


def used_values(sign_count: int, backed_up: bool, now: datetime) -> dict[str, object]:
    """What changes with one use of a key."""
    return {"sign_count": sign_count, "backed_up": int(backed_up), "used_at": to_millis(now)}


def become_synced(rows: Rows, table: Bound, key: Values) -> bool:
    """Record that a key is synced from now on; True once."""
    if key["backup_eligible"]:
        return False
    rows.change(table, key, {"backup_eligible": 1})
    return True


def _not_removed(rows: Iterable[Values]) -> list[Values]:
    return [row for row in rows if row["state"] != CredentialState.REMOVED]


def _counts(device: Values, among: Mapping[str, Any]) -> bool:
    return device["state"] in ("active", among["also"]) and device["trusted_from"] <= among["counted"]


def _owner(row: Values) -> Subject:
    return Subject(row["client"], row["user_id"])


def _among(counted_at: datetime | None, suspended: bool) -> dict[str, object]:
    return {
        "also": "suspended" if suspended else "active",
        "counted": _NEVER if counted_at is None else to_millis(counted_at),
    }


def _of(subject: Subject) -> dict[str, object]:
    return {"client": subject.client, "user": subject.user}


def key_values(record: CredentialRecord) -> dict[str, object]:
    """The columns that every registered key has, a payer's and an operator's alike."""
    return {
        "id": record.id,
        "state": record.state.value,
        "user_handle": record.user_handle,
        "public_key": record.public_key,
        "sign_count": record.sign_count,
        "backup_eligible": int(record.backup_eligible),
        "backed_up": int(record.backed_up),
        "transports": " ".join(record.transports),
        "aaguid": record.aaguid,
        "format": record.format,
        "created_at": to_millis(record.created_at),
        "used_at": None,
    }


def key_record(
    subject: Subject, row: Values, device_id: str, *, attested: bool, pays: bool
) -> CredentialRecord:
    """The key of a row, a payer's or an operator's."""
    return CredentialRecord(
        id=row["id"],
        subject=subject,
        device_id=device_id,
        user_handle=row["user_handle"],
        public_key=row["public_key"],
        sign_count=row["sign_count"],
        backup_eligible=bool(row["backup_eligible"]),
        backed_up=bool(row["backed_up"]),
        transports=tuple(row["transports"].split()),
        aaguid=row["aaguid"],
        format=row["format"],
        attested=attested,
        pays=pays,
        state=CredentialState(row["state"]),
        created_at=from_millis(row["created_at"]),
        used_at=None if row["used_at"] is None else from_millis(row["used_at"]),
    )


def _values(record: CredentialRecord) -> dict[str, object]:
    return {
        **key_values(record),
        "client": record.subject.client,
        "user_id": record.subject.user,
        "device_id": record.device_id,
        "attested": int(record.attested),
        "pays": int(record.pays),
    }


def _record(subject: Subject, row: Values) -> CredentialRecord:
    return key_record(subject, row, row["device_id"], attested=bool(row["attested"]), pays=bool(row["pays"]))
