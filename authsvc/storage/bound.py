"""Which rows carry authority, and the MAC that binds each of them to its table, its key and all of its columns.

Whoever writes in the database without the key ring can change, copy and insert such rows, and none of them counts: a row is
checked where it is read, and one that does not add up is broken, never absent.

    row_mac    key id 8 · HMAC-SHA-256 32
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from authsvc.errors import RecordBroken
from authsvc.keys.macs import NamedMacs

_FAULTS = {
    "missing": "its MAC is missing",
    "wrong": "its MAC is not that of its columns",
    "gone": "it is gone, and another row names it",
}

LABEL = "rows-of-authority"
MAC = "row_mac"
KEY_ID_SIZE = 8

Values = dict[str, Any]  # Any: a column's type is known by its table, not by the driver.
"""A row by column, its MAC among them."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A table of such rows. A column that is added later and may be NULL leaves the MACs of rows without it as they are."""

    name: str
    key: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return self.key + self.others

    def listed(self, alias: str = "") -> str:
        """Every column and then the MAC, for a SELECT."""
        before = f"{alias}." if alias else ""
        return ", ".join(before + name for name in (*self.columns, MAC))

    def row_name(self, values: Mapping[str, Any]) -> str:
        """The row's key, in words."""
        return "/".join(_word(values[name]) for name in self.key)


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that does not add up; `values` is what stands there."""

    table: str
    row: str
    fault: str
    client: str | None
    user: str | None


def _bound(name: str, key: str, others: str) -> Bound:
    return Bound(name, tuple(key.split()), tuple(others.split()))


API_KEYS = _bound("api_keys", "id", "client mac scopes created_at expires_at revoked_at")
USERS = _bound(
    "users",
    "client user_id",
    """status factors locale verify_always low_value_count low_value_sum attempts sealing_key created_at standing
    receipts_after version""",
)
DEVICES = _bound(
    "devices",
    "client user_id device_id",
    "name state secret_mac created_at trusted_from seen_at version",
)
CREDENTIALS = _bound(
    "credentials",
    "id",
    """client user_id device_id state user_handle public_key sign_count backup_eligible backed_up transports aaguid format
    attested pays created_at used_at""",
)
OTP_SECRETS = _bound("otp_secrets", "client user_id purpose", "sealed last_step created_at")
ISSUED_CODES = _bound(
    "issued_codes", "decision_id", "client user_id time_step tries_left times_issued expires_at used_at"
)
RECOVERY_CODES = _bound("recovery_codes", "client user_id mac", "created_at used_at counts_from ends_at")
ENROLLMENTS = _bound(
    "enrollments",
    "id",
    "client user_id state locale return_url grounds recovery expires_at created_at display_name",
)
OVERVIEWS = _bound("overviews", "id", "client user_id locale return_url expires_at created_at")
POLICY_VERSIONS = _bound(
    "policy_versions",
    "id",
    "text form digest author note created_at state policy_id number examined approval revision",
)
POLICY_NUMBERS = _bound("policy_numbers", "policy_id number", "digest")
POLICY_PUBLICATIONS = _bound("policy_publications", "number", "version_id digest how by at back_to note")
POLICY_CURRENT = _bound("policy_current", "slot", "publication shadow")
OPERATORS = _bound(
    "operators", "id", "name name_key roles state sign_in_mac app_secret app_step created_at version"
)
OPERATOR_KEYS = _bound(
    "operator_keys",
    "id",
    """operator_id state user_handle public_key sign_count backup_eligible backed_up transports aaguid format created_at
    used_at""",
)
OPERATOR_INVITATIONS = _bound("operator_invitations", "id", "operator_id mac expires_at used_at")
OPERATOR_SESSIONS = _bound(
    "operator_sessions", "id", "operator_id kind means mac created_at seen_at expires_at ended_at"
)
OPERATOR_ATTEMPTS = _bound("operator_attempts", "scope", "counter")
UNFREEZE_REQUESTS = _bound(
    "unfreeze_requests",
    "id",
    "client user_id reason asked_by asked_at expires_at state answered_by is_open",
)

BOUND = (
    API_KEYS,
    USERS,
    DEVICES,
    CREDENTIALS,
    OTP_SECRETS,
    ISSUED_CODES,
    RECOVERY_CODES,
    ENROLLMENTS,
    OVERVIEWS,
    POLICY_VERSIONS,
    POLICY_NUMBERS,
    POLICY_PUBLICATIONS,
    POLICY_CURRENT,
    OPERATORS,
    OPERATOR_KEYS,
    OPERATOR_INVITATIONS,
    OPERATOR_SESSIONS,
    OPERATOR_ATTEMPTS,
    UNFREEZE_REQUESTS,
)


class Binder:
    """Makes and checks the MACs; may be shared by threads.

    `is_required` says whether a row must have one: not before every row of an older program was adopted. `noticed` is told of
    each broken row, in whatever transaction, and must not use the database.
    """

    def __init__(
        self, macs: NamedMacs, is_required: Callable[[], bool], noticed: Callable[[Broken], None]
    ) -> None:
        self._macs = macs
        self._is_required = is_required
        self._noticed = noticed

    def mac(self, table: Bound, values: Mapping[str, Any]) -> bytes:
        key_id, mac = self._macs.named_mac(LABEL, _stated(table, values))
        return bytes.fromhex(key_id) + mac

    def checked(self, table: Bound, row: Sequence[Any]) -> Values:
        """The row by column, in the order of `listed`; raises RecordBroken."""
        values = by_column(table, row)
        fault = self.fault_of(table, values)
        if fault is not None:
            raise self._broken(table, values, fault)
        return values

    def as_found(self, table: Bound, row: Sequence[Any]) -> Values:
        """The row by column, also a broken one, which is noticed."""
        values = by_column(table, row)
        fault = self.fault_of(table, values)
        if fault is not None:
            self._broken(table, values, fault)
        return values

    def gone(self, table: Bound, named_by: Values) -> RecordBroken:
        """For a row that is not there, though another one names it."""
        return self._broken(table, named_by, "gone")

    def is_current(self, values: Values) -> bool:
        """Whether a row has a MAC under the key of this moment."""
        mac = values[MAC]
        return mac is not None and bytes(mac)[:KEY_ID_SIZE].hex() == self._macs.named_mac(LABEL, b"")[0]

    def fault_of(self, table: Bound, values: Values) -> str | None:
        """What is wrong with a row, None for a sound one."""
        if values[MAC] is None:
            return "missing" if self._is_required() else None
        return None if self._is_right(table, values) else "wrong"

    def _is_right(self, table: Bound, values: Values) -> bool:
        stored = values[MAC]
        if not isinstance(stored, bytes):
            return False
        key_id, mac = stored[:KEY_ID_SIZE].hex(), stored[KEY_ID_SIZE:]
        expected = self._macs.mac_under(key_id, LABEL, _stated(table, values))
        return expected is not None and hmac.compare_digest(expected, mac)

    def _broken(self, table: Bound, values: Values, fault: str) -> RecordBroken:
        row = table.row_name(values)
        owner = (values.get("client"), values.get("user_id"))
        client, user = (each if isinstance(each, str) else None for each in owner)
        self._noticed(Broken(table.name, row, fault, client, user))
        return RecordBroken(f"row `{row}` of table `{table.name}` is broken: {_FAULTS[fault]}")


def by_column(table: Bound, row: Sequence[Any]) -> Values:
    """A row in the order of `listed`, unchecked."""
    return dict(zip(_all_columns(table), row, strict=True))


@cache
def _all_columns(table: Bound) -> tuple[str, ...]:
    return (*table.columns, MAC)


def _stated(table: Bound, values: Mapping[str, Any]) -> bytes:
    """Table and columns, unambiguously: of text, whole numbers and bytes Python's own notation reads back only one way."""
    stated = [(name, value) for name in _all_columns(table)[:-1] if (value := values[name]) is not None]
    return ascii((table.name, stated)).encode()


def _word(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
