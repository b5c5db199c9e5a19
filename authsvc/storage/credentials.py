"""Device keys: unique over all users for ever, and counted up by one conditional write."""

from __future__ import annotations

from datetime import datetime

from authsvc.clock import from_millis, to_millis
from authsvc.device.credential import DeviceState
from authsvc.device.record import CredentialRecord, CredentialState
from authsvc.storage.database import Connection, Row
from authsvc.subject import Subject

_COLUMNS = """c.id, c.device_id, c.state, c.user_handle, c.public_key, c.sign_count, c.backup_eligible, c.backed_up,
    c.transports, c.aaguid, c.format, c.attested, c.pays, c.created_at, c.used_at"""
_OF_USER = "c.client = :client AND c.user_id = :user"
_ON_ACTIVE_DEVICE = """EXISTS (SELECT 1 FROM devices d WHERE d.client = :client AND d.user_id = :user
    AND d.device_id = {row}.device_id AND d.state IN ('active', :also) AND d.trusted_from <= :counted)"""

_NEVER = 2**62
"""Later than every probation ends."""

ADD = """INSERT INTO credentials (id, client, user_id, device_id, state, user_handle, public_key, sign_count,
    backup_eligible, backed_up, transports, aaguid, format, attested, pays, created_at, used_at)
    VALUES (:id, :client, :user, :device, :state, :user_handle, :public_key, :sign_count, :backup_eligible, :backed_up,
    :transports, :aaguid, :format, :attested, :pays, :created_at, NULL) ON CONFLICT (id) DO NOTHING"""
FIND = f"SELECT {_COLUMNS} FROM credentials c WHERE c.id = :id AND {_OF_USER}"
LIVE = f"""SELECT {_COLUMNS} FROM credentials c WHERE {_OF_USER} AND c.state = 'active'
    AND {_ON_ACTIVE_DEVICE.format(row="c")} ORDER BY c.created_at, c.id"""
STANDING = f"""SELECT d.state, d.trusted_from FROM credentials c JOIN devices d
    ON d.client = c.client AND d.user_id = c.user_id AND d.device_id = c.device_id
    WHERE {_OF_USER} AND c.state = 'active' AND d.state <> 'revoked'"""
ALL = f"SELECT {_COLUMNS} FROM credentials c WHERE {_OF_USER} AND c.state <> 'removed' ORDER BY c.created_at, c.id"
HANDLE = f"SELECT c.user_handle FROM credentials c WHERE {_OF_USER} AND length(c.user_handle) > 0 LIMIT 1"
USE = f"""UPDATE credentials SET sign_count = :count, backed_up = :backed_up, used_at = :now
    WHERE id = :id AND client = :client AND user_id = :user AND state = 'active'
    AND (backup_eligible = 1 OR sign_count < :count OR (sign_count = 0 AND :count = 0))
    AND {_ON_ACTIVE_DEVICE.format(row="credentials")}"""
BECOME_SYNCED = """UPDATE credentials SET backup_eligible = 1
    WHERE id = :id AND client = :client AND user_id = :user AND backup_eligible = 0"""
SUSPEND = """UPDATE credentials SET state = 'suspended'
    WHERE id = :id AND client = :client AND user_id = :user AND state = 'active'"""
REMOVE_OF_DEVICE = """UPDATE credentials SET state = 'removed'
    WHERE client = :client AND user_id = :user AND device_id = :device AND state <> 'removed'"""
FORGET = """UPDATE credentials SET state = 'removed', user_handle = :nothing, public_key = :nothing, transports = '',
    aaguid = '', device_id = '' WHERE client = :client AND user_id = :user"""


class CredentialStore:
    """A credential is *live* while it is active and so is its device; a revoked device takes its keys with it at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, record: CredentialRecord) -> bool:
        """Store a new credential; False when its id was ever seen, whoever had it and whatever became of it."""
        return self._connection.run(ADD, _params(record)) == 1

    def find(self, subject: Subject, credential_id: str) -> CredentialRecord | None:
        """A credential by its id *and* its user."""
        rows = self._connection.all(FIND, {**_of(subject), "id": credential_id})
        return _record(subject, rows[0]) if rows else None

    def live(
        self, subject: Subject, *, counted_at: datetime | None = None, suspended: bool = False
    ) -> tuple[CredentialRecord, ...]:
        """What can be used at this moment, oldest first; with `counted_at`, of devices that were out of probation by then."""
        rows = self._connection.all(LIVE, {**_of(subject), **_among(counted_at, suspended)})
        return tuple(_record(subject, row) for row in rows)

    def standing(self, subject: Subject) -> tuple[tuple[DeviceState, datetime], ...]:
        """Of every key that was not removed, how its device stands and from when on it counts."""
        rows = self._connection.all(STANDING, _of(subject))
        return tuple((DeviceState(state), from_millis(at)) for state, at in rows)

    def of_user(self, subject: Subject) -> tuple[CredentialRecord, ...]:
        """All that were not removed, suspended ones among them, oldest first."""
        return tuple(_record(subject, row) for row in self._connection.all(ALL, _of(subject)))

    def user_handle(self, subject: Subject) -> bytes | None:
        """The handle under which authenticators know the user, None before the first credential."""
        rows = self._connection.all(HANDLE, _of(subject))
        return bytes(rows[0][0]) if rows else None

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
        params = {
            **_of(subject),
            "id": credential_id,
            "count": sign_count,
            "backed_up": int(backed_up),
            "now": to_millis(now),
            **_among(counted_at, suspended),
        }
        return self._connection.run(USE, params) == 1

    def become_synced(self, subject: Subject, credential_id: str) -> bool:
        return self._connection.run(BECOME_SYNCED, {**_of(subject), "id": credential_id}) == 1

    def suspend(self, subject: Subject, credential_id: str) -> bool:
        return self._connection.run(SUSPEND, {**_of(subject), "id": credential_id}) == 1

    def remove_of_device(self, subject: Subject, device_id: str) -> int:
        """Remove the credentials of a device for good; returns how many there were."""
        return self._connection.run(REMOVE_OF_DEVICE, {**_of(subject), "device": device_id})

    def forget(self, subject: Subject) -> None:
        """Erase all but the ids, which stay so that nobody registers them again."""
        self._connection.run(FORGET, {**_of(subject), "nothing": b""})


def _among(counted_at: datetime | None, suspended: bool) -> dict[str, object]:
    return {
        "also": "suspended" if suspended else "active",
        "counted": _NEVER if counted_at is None else to_millis(counted_at),
    }


def _of(subject: Subject) -> dict[str, object]:
    return {"client": subject.client, "user": subject.user}


def key_params(record: CredentialRecord) -> dict[str, object]:
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
    }


def _params(record: CredentialRecord) -> dict[str, object]:
    return {
        **_of(record.subject),
        **key_params(record),
        "device": record.device_id,
        "attested": int(record.attested),
        "pays": int(record.pays),
    }


def _record(subject: Subject, row: Row) -> CredentialRecord:
    (
        credential_id,
        device_id,
        state,
        user_handle,
        public_key,
        sign_count,
        backup_eligible,
        backed_up,
        transports,
        aaguid,
        format_,
        attested,
        pays,
        created_at,
        used_at,
    ) = row
    return CredentialRecord(
        id=credential_id,
        subject=subject,
        device_id=device_id,
        user_handle=bytes(user_handle),
        public_key=bytes(public_key),
        sign_count=sign_count,
        backup_eligible=bool(backup_eligible),
        backed_up=bool(backed_up),
        transports=tuple(transports.split()),
        aaguid=aaguid,
        format=format_,
        attested=bool(attested),
        pays=bool(pays),
        state=CredentialState(state),
        created_at=from_millis(created_at),
        used_at=None if used_at is None else from_millis(used_at),
    )
