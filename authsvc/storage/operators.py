"""Operators and what they sign in with: device keys, an app's sealed secret, invitations that are used once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from authsvc.clock import from_millis, to_millis
from authsvc.device.record import CredentialRecord, CredentialState
from authsvc.domain.operator import Role
from authsvc.operators.account import OperatorAccount, OperatorState, key_owner, name_key
from authsvc.operators.invitation import Invitation
from authsvc.storage.bound import OPERATOR_INVITATIONS, OPERATOR_KEYS, OPERATORS, Values
from authsvc.storage.credentials import become_synced, counts_up, key_record, key_values, used_values
from authsvc.storage.database import Conflict, Connection
from authsvc.storage.rows import Rows
from authsvc.storage.sealing import Place, Sealer

_IN_ORDER = "1 = 1 ORDER BY created_at, id"
_OF_OPERATOR = "operator_id = :operator"
_KEYS_IN_ORDER = f"{_OF_OPERATOR} ORDER BY created_at, id"
VOID_INVITATIONS = "DELETE FROM operator_invitations WHERE operator_id = :operator AND used_at IS NULL"


class OperatorStore:
    def __init__(self, connection: Connection, rows: Rows, sealer: Sealer) -> None:
        self._connection = connection
        self._rows = rows
        self._sealer = sealer

    def add(self, account: OperatorAccount) -> bool:
        """Add an operator; False when the name is taken by one who is not revoked."""
        values = {"id": account.id, **_values(account), "created_at": to_millis(account.created_at)}
        return self._rows.add(
            OPERATORS, {**values, "app_secret": None, "app_step": 0, "version": 1}, "ON CONFLICT DO NOTHING"
        )

    def save(self, account: OperatorAccount) -> OperatorAccount:
        """Write the next value; raises Conflict when it is not the next to what is stored."""
        row = self._row(account.id)
        if row is None or row["version"] != account.version:
            raise Conflict("the operator was changed in between")
        self._rows.change(OPERATORS, row, {**_values(account), "version": account.version + 1})
        return replace(account, version=account.version + 1)

    def find(self, operator_id: str) -> OperatorAccount | None:
        row = self._row(operator_id)
        return None if row is None else operator_account(row)

    def named(self, key: str) -> OperatorAccount | None:
        rows = self._rows.read(OPERATORS, "name_key = :name_key", {"name_key": key})
        return next((operator_account(row) for row in rows if row["state"] != OperatorState.REVOKED), None)

    def all(self) -> tuple[OperatorAccount, ...]:
        """Everybody, revoked ones among them, in the order in which they were invited."""
        return tuple(operator_account(row) for row in self._rows.read(OPERATORS, _IN_ORDER, {}))

    def put_app(self, operator_id: str, secret: bytes, step: int) -> None:
        """Seal an app's secret to its row; steps up to `step` count as used."""
        row = self._row(operator_id)
        if row is not None:
            sealed = self._sealer.seal_service(_place(operator_id), secret)
            self._rows.change(OPERATORS, row, {"app_secret": sealed, "app_step": step})

    def app_secret(self, operator_id: str) -> bytes | None:
        row = self._row(operator_id)
        if row is None or row["app_secret"] is None:
            return None
        return self._sealer.open_service(_place(operator_id), row["app_secret"])

    def use_app_step(self, operator_id: str, step: int) -> bool:
        row = self._row(operator_id)
        if row is None or row["app_step"] >= step:
            return False
        self._rows.change(OPERATORS, row, {"app_step": step})
        return True

    def forget_means(self, operator_id: str) -> None:
        """Every key and the app; the keys' ids stay, so that nobody registers them again."""
        row = self._row(operator_id)
        if row is not None:
            self._rows.change(OPERATORS, row, {"app_secret": None})
        keys = self._rows.as_found(OPERATOR_KEYS, _OF_OPERATOR, {"operator": operator_id})
        standing = [key for key in keys if key["state"] != CredentialState.REMOVED]
        self._rows.change_all(OPERATOR_KEYS, standing, {"state": CredentialState.REMOVED.value})

    def add_key(self, record: CredentialRecord) -> bool:
        values = {**key_values(record), "operator_id": record.subject.user}
        return self._rows.add(OPERATOR_KEYS, values, "ON CONFLICT (id) DO NOTHING")

    def keys(self, operator_id: str) -> tuple[CredentialRecord, ...]:
        rows = self._rows.read(OPERATOR_KEYS, _KEYS_IN_ORDER, {"operator": operator_id})
        return tuple(_key(row) for row in rows if row["state"] == CredentialState.ACTIVE)

    def use_key(
        self, operator_id: str, credential_id: str, sign_count: int, backed_up: bool, now: datetime
    ) -> bool:
        """Count one use; of one assertion twice, one gets True."""
        row = self._key_of(operator_id, credential_id)
        if row is None or not counts_up(row, sign_count):
            return False
        self._rows.change(OPERATOR_KEYS, row, used_values(sign_count, backed_up, now))
        return True

    def key_synced(self, operator_id: str, credential_id: str) -> bool:
        row = self._key_of(operator_id, credential_id)
        return row is not None and become_synced(self._rows, OPERATOR_KEYS, row)

    def invite(self, invitation: Invitation) -> None:
        """Add an invitation, in the place of those that were not taken up."""
        self.withdraw_invitations(invitation.operator_id)
        values = {
            "id": invitation.id,
            "operator_id": invitation.operator_id,
            "mac": invitation.mac,
            "expires_at": to_millis(invitation.expires_at),
            "used_at": None,
        }
        self._rows.add(OPERATOR_INVITATIONS, values)

    def withdraw_invitations(self, operator_id: str) -> None:
        self._connection.run(VOID_INVITATIONS, {"operator": operator_id})

    def invitation(self, invitation_id: str) -> Invitation | None:
        row = self._rows.one(OPERATOR_INVITATIONS, id=invitation_id)
        return None if row is None else _invitation(row)

    def use_invitation(self, invitation_id: str, now: datetime) -> bool:
        """Use an invitation up; of many callers one gets True."""
        row, at = self._rows.one(OPERATOR_INVITATIONS, id=invitation_id), to_millis(now)
        if row is None or row["used_at"] is not None or row["expires_at"] <= at:
            return False
        self._rows.change(OPERATOR_INVITATIONS, row, {"used_at": at})
        return True

    def _row(self, operator_id: str) -> Values | None:
        return self._rows.one(OPERATORS, id=operator_id)

    def _key_of(self, operator_id: str, credential_id: str) -> Values | None:
        row = self._rows.one(OPERATOR_KEYS, id=credential_id)
        return row if row is not None and row["operator_id"] == operator_id else None


def _place(operator_id: str) -> Place:
    return Place("operators", "app_secret", operator_id, None)


def _values(account: OperatorAccount) -> dict[str, object]:
    return {
        "name": account.name,
        "name_key": name_key(account.name),
        "roles": " ".join(sorted(account.roles)),
        "state": account.state.value,
        "sign_in_mac": account.sign_in_mac,
    }


def operator_account(row: Values) -> OperatorAccount:
    return OperatorAccount(
        id=row["id"],
        name=row["name"],
        roles=frozenset(Role(role) for role in row["roles"].split()),
        created_at=from_millis(row["created_at"]),
        state=OperatorState(row["state"]),
        sign_in_mac=row["sign_in_mac"],
        version=row["version"],
    )


def _key(row: Values) -> CredentialRecord:
    owner = row["operator_id"]
    return key_record(key_owner(owner), row, owner, attested=False, pays=False)


def _invitation(row: Values) -> Invitation:
    used_at = row["used_at"]
    return Invitation(
        row["id"],
        row["operator_id"],
        row["mac"],
        from_millis(row["expires_at"]),
        None if used_at is None else from_millis(used_at),
    )
