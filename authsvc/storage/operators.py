"""Operators and what they sign in with: device keys, an app's sealed secret, invitations that are used once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from authsvc.clock import from_millis, to_millis
from authsvc.device.record import CredentialRecord, CredentialState
from authsvc.domain.operator import Role
from authsvc.operators.account import OperatorAccount, OperatorState, key_owner, name_key
from authsvc.operators.invitation import Invitation
from authsvc.storage.credentials import key_params
from authsvc.storage.database import Conflict, Connection, Row
from authsvc.storage.sealing import Place, Sealer

_COLUMNS = "id, name, roles, state, sign_in_mac, created_at, version"
_KEY = """id, operator_id, state, user_handle, public_key, sign_count, backup_eligible, backed_up, transports, aaguid,
    format, created_at, used_at"""

ADD = """INSERT INTO operators (id, name, name_key, roles, state, sign_in_mac, app_secret, app_step, created_at, version)
    VALUES (:id, :name, :name_key, :roles, :state, :sign_in_mac, NULL, 0, :created_at, 1) ON CONFLICT DO NOTHING"""
SAVE = """UPDATE operators SET name = :name, roles = :roles, state = :state, sign_in_mac = :sign_in_mac,
    version = version + 1 WHERE id = :id AND version = :version"""
FIND = f"SELECT {_COLUMNS} FROM operators WHERE id = :id"
NAMED = f"SELECT {_COLUMNS} FROM operators WHERE name_key = :name_key AND state <> 'revoked'"
ALL = f"SELECT {_COLUMNS} FROM operators ORDER BY created_at, id"

PUT_APP = "UPDATE operators SET app_secret = :sealed, app_step = :step WHERE id = :id"
APP_SECRET = "SELECT app_secret FROM operators WHERE id = :id AND app_secret IS NOT NULL"
USE_APP_STEP = "UPDATE operators SET app_step = :step WHERE id = :id AND app_step < :step"
FORGET_APP = "UPDATE operators SET app_secret = NULL WHERE id = :id"

ADD_KEY = f"""INSERT INTO operator_keys ({_KEY}) VALUES (:id, :operator, :state, :user_handle, :public_key, :sign_count,
    :backup_eligible, :backed_up, :transports, :aaguid, :format, :created_at, NULL) ON CONFLICT (id) DO NOTHING"""
KEYS = (
    f"SELECT {_KEY} FROM operator_keys WHERE operator_id = :id AND state = 'active' ORDER BY created_at, id"
)
USE_KEY = """UPDATE operator_keys SET sign_count = :count, backed_up = :backed_up, used_at = :now
    WHERE id = :id AND operator_id = :operator AND state = 'active'
    AND (backup_eligible = 1 OR sign_count < :count OR (sign_count = 0 AND :count = 0))"""
KEY_SYNCED = """UPDATE operator_keys SET backup_eligible = 1
    WHERE id = :id AND operator_id = :operator AND backup_eligible = 0"""
FORGET_KEYS = "UPDATE operator_keys SET state = 'removed' WHERE operator_id = :id AND state <> 'removed'"

INVITE = """INSERT INTO operator_invitations (id, operator_id, mac, expires_at, used_at)
    VALUES (:id, :operator, :mac, :expires_at, NULL)"""
VOID_INVITATIONS = "DELETE FROM operator_invitations WHERE operator_id = :operator AND used_at IS NULL"
INVITATION = "SELECT id, operator_id, mac, expires_at, used_at FROM operator_invitations WHERE id = :id"
USE_INVITATION = (
    "UPDATE operator_invitations SET used_at = :now WHERE id = :id AND used_at IS NULL AND expires_at > :now"
)


class OperatorStore:
    def __init__(self, connection: Connection, sealer: Sealer) -> None:
        self._connection = connection
        self._sealer = sealer

    def add(self, account: OperatorAccount) -> bool:
        """Add an operator; False when the name is taken by one who is not revoked."""
        return self._connection.run(ADD, _params(account)) == 1

    def save(self, account: OperatorAccount) -> OperatorAccount:
        """Write the next value; raises Conflict when it is not the next to what is stored."""
        if self._connection.run(SAVE, _params(account)) != 1:
            raise Conflict("the operator was changed in between")
        return replace(account, version=account.version + 1)

    def find(self, operator_id: str) -> OperatorAccount | None:
        rows = self._connection.all(FIND, {"id": operator_id})
        return _account(rows[0]) if rows else None

    def named(self, key: str) -> OperatorAccount | None:
        rows = self._connection.all(NAMED, {"name_key": key})
        return _account(rows[0]) if rows else None

    def all(self) -> tuple[OperatorAccount, ...]:
        """Everybody, revoked ones among them, in the order in which they were invited."""
        return tuple(_account(row) for row in self._connection.all(ALL, {}))

    def put_app(self, operator_id: str, secret: bytes, step: int) -> None:
        """Seal an app's secret to its row; steps up to `step` count as used."""
        sealed = self._sealer.seal_service(_place(operator_id), secret)
        self._connection.run(PUT_APP, {"id": operator_id, "sealed": sealed, "step": step})

    def app_secret(self, operator_id: str) -> bytes | None:
        rows = self._connection.all(APP_SECRET, {"id": operator_id})
        return self._sealer.open_service(_place(operator_id), bytes(rows[0][0])) if rows else None

    def use_app_step(self, operator_id: str, step: int) -> bool:
        return self._connection.run(USE_APP_STEP, {"id": operator_id, "step": step}) == 1

    def forget_means(self, operator_id: str) -> None:
        """Every key and the app; the keys' ids stay, so that nobody registers them again."""
        self._connection.run(FORGET_APP, {"id": operator_id})
        self._connection.run(FORGET_KEYS, {"id": operator_id})

    def add_key(self, record: CredentialRecord) -> bool:
        return self._connection.run(ADD_KEY, _key_params(record)) == 1

    def keys(self, operator_id: str) -> tuple[CredentialRecord, ...]:
        return tuple(_key(row) for row in self._connection.all(KEYS, {"id": operator_id}))

    def use_key(
        self, operator_id: str, credential_id: str, sign_count: int, backed_up: bool, now: datetime
    ) -> bool:
        """Count one use; of one assertion twice, one gets True."""
        params = {
            "operator": operator_id,
            "id": credential_id,
            "count": sign_count,
            "backed_up": int(backed_up),
            "now": to_millis(now),
        }
        return self._connection.run(USE_KEY, params) == 1

    def key_synced(self, operator_id: str, credential_id: str) -> bool:
        return self._connection.run(KEY_SYNCED, {"operator": operator_id, "id": credential_id}) == 1

    def invite(self, invitation: Invitation) -> None:
        """Add an invitation, in the place of those that were not taken up."""
        self._connection.run(VOID_INVITATIONS, {"operator": invitation.operator_id})
        params = {
            "id": invitation.id,
            "operator": invitation.operator_id,
            "mac": invitation.mac,
            "expires_at": to_millis(invitation.expires_at),
        }
        self._connection.run(INVITE, params)

    def withdraw_invitations(self, operator_id: str) -> None:
        self._connection.run(VOID_INVITATIONS, {"operator": operator_id})

    def invitation(self, invitation_id: str) -> Invitation | None:
        rows = self._connection.all(INVITATION, {"id": invitation_id})
        return _invitation(rows[0]) if rows else None

    def use_invitation(self, invitation_id: str, now: datetime) -> bool:
        """Use an invitation up: the row count is the permission."""
        return self._connection.run(USE_INVITATION, {"id": invitation_id, "now": to_millis(now)}) == 1


def _place(operator_id: str) -> Place:
    return Place("operators", "app_secret", operator_id, None)


def _params(account: OperatorAccount) -> dict[str, object]:
    return {
        "id": account.id,
        "name": account.name,
        "name_key": name_key(account.name),
        "roles": " ".join(sorted(account.roles)),
        "state": account.state.value,
        "sign_in_mac": account.sign_in_mac,
        "created_at": to_millis(account.created_at),
        "version": account.version,
    }


def _account(row: Row) -> OperatorAccount:
    operator_id, name, roles, state, sign_in_mac, created_at, version = row
    return OperatorAccount(
        id=operator_id,
        name=name,
        roles=frozenset(Role(role) for role in roles.split()),
        created_at=from_millis(created_at),
        state=OperatorState(state),
        sign_in_mac=None if sign_in_mac is None else bytes(sign_in_mac),
        version=version,
    )


def _key_params(record: CredentialRecord) -> dict[str, object]:
    return {"operator": record.subject.user, **key_params(record)}


def _key(row: Row) -> CredentialRecord:
    (key_id, operator_id, state, handle, public_key, count, eligible, backed_up, transports, aaguid) = row[
        :10
    ]
    format_, created_at, used_at = row[10:]
    return CredentialRecord(
        id=key_id,
        subject=key_owner(operator_id),
        device_id=operator_id,
        user_handle=bytes(handle),
        public_key=bytes(public_key),
        sign_count=count,
        backup_eligible=bool(eligible),
        backed_up=bool(backed_up),
        transports=tuple(transports.split()),
        aaguid=aaguid,
        format=format_,
        attested=False,
        state=CredentialState(state),
        created_at=from_millis(created_at),
        used_at=None if used_at is None else from_millis(used_at),
    )


def _invitation(row: Row) -> Invitation:
    invitation_id, operator_id, mac, expires_at, used_at = row
    return Invitation(
        invitation_id,
        operator_id,
        bytes(mac),
        from_millis(expires_at),
        None if used_at is None else from_millis(used_at),
    )
