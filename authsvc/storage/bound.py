"""Which rows carry authority, and the MAC that binds each of them to its table, its key and all of its columns.

Whoever writes in the database without the key ring can change, copy and insert such rows, and none of them counts: a row is
checked where it is read, and one that does not add up is broken, never absent.

    row_mac    key id 8 · HMAC-SHA-256 32
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from authsvc.errors import RecordBroken
from authsvc.keys.macs import NamedMacs
from authsvc.subject import Subject

_FAULTS = {
    "missing": "its MAC is missing",
    "wrong": "its MAC is not that of its columns",
    "gone": "it is gone, and another row names it",
    "sealed": "what is sealed in it does not open",
}

LABEL = "rows-of-authority"
MAC = "row_mac"
KEY_ID_SIZE = 8

Values = dict[str, Any]  # Any: a column's type is known by its table, not by the driver.
"""A row by column, its MAC among them."""


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """A table of such rows. `place` is a row's key, `stated` what its MAC covers, under a key of the table's own.

    Rows of a `followed` table have each change of their MAC in the audit, so that one which was removed, or put back as it
    once was, is missed by `db check`; the others live for a working day at most.
    """

    name: str
    key: tuple[str, ...]
    others: tuple[str, ...]
    followed: bool = True
    # Made once, since every row that is read or written needs them.
    columns: tuple[str, ...] = field(init=False)
    stored: tuple[str, ...] = field(init=False)
    label: str = field(init=False)
    place: Callable[[Values], object] = field(init=False)
    stated: Callable[[Values], tuple[Any, ...]] = field(init=False)

    def __post_init__(self) -> None:
        made = {
            "columns": self.key + self.others,
            "stored": (*self.key, *self.others, MAC),
            "label": f"{LABEL}:{self.name}",
            "place": itemgetter(*self.key),
            "stated": itemgetter(*self.key, *self.others),
        }
        for name, value in made.items():
            object.__setattr__(self, name, value)

    def listed(self, alias: str = "") -> str:
        """Every column and then the MAC, for a SELECT."""
        before = f"{alias}." if alias else ""
        return ", ".join(before + name for name in self.stored)

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


def _bound(name: str, key: str, others: str, *, followed: bool = True) -> Bound:
    return Bound(name, tuple(key.split()), tuple(others.split()), followed)


API_KEYS = _bound("api_keys", "id", "client mac scopes created_at expires_at revoked_at bindings")
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
    "issued_codes",
    "decision_id",
    "client user_id time_step tries_left times_issued expires_at used_at",
    followed=False,
)
RECOVERY_CODES = _bound("recovery_codes", "client user_id mac", "created_at used_at counts_from ends_at")
DECISIONS = _bound(
    "decisions",
    "id",
    """client user_id transaction_id status is_open binding body challenge receipt receipt_jti receipt_expires_at consumed_at
    created_at expires_at version""",
    followed=False,
)
ENROLLMENTS = _bound(
    "enrollments",
    "id",
    "client user_id state locale return_url grounds recovery expires_at created_at display_name",
    followed=False,
)
OVERVIEWS = _bound(
    "overviews", "id", "client user_id locale return_url expires_at created_at", followed=False
)
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
OPERATOR_INVITATIONS = _bound(
    "operator_invitations", "id", "operator_id mac expires_at used_at", followed=False
)
OPERATOR_SESSIONS = _bound(
    "operator_sessions",
    "id",
    "operator_id kind means mac created_at seen_at expires_at ended_at",
    followed=False,
)
OPERATOR_ATTEMPTS = _bound("operator_attempts", "scope", "counter", followed=False)
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
    DECISIONS,
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
        self.is_required = is_required
        self._noticed = noticed

    def mac(self, table: Bound, values: Values) -> bytes:
        key_id, mac = self._macs.named_mac(table.label, _covered(table.stated(values)))
        return bytes.fromhex(key_id) + mac

    def checked(self, table: Bound, row: Sequence[Any]) -> Values:
        """The row by column, in the order of `listed`; raises RecordBroken."""
        values = by_column(table, row)
        if not self._is_right(table, row[-1], row[:-1]):
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

    def notice(self, table: str, subject: Subject, fault: str) -> None:
        """For a row of no authority that does not add up, with which whoever met it goes on by the riskier value."""
        self._noticed(Broken(table, f"{subject.client}/{subject.user}", fault, subject.client, subject.user))

    def is_current(self, values: Values) -> bool:
        """Whether a row has a MAC under the key of this moment."""
        mac = values[MAC]
        return mac is not None and bytes(mac)[:KEY_ID_SIZE].hex() == self._macs.named_mac(LABEL, b"")[0]

    def fault_of(self, table: Bound, values: Values) -> str | None:
        """What is wrong with a row, None for a sound one."""
        if values[MAC] is None:
            return "missing" if self.is_required() else None
        return None if self._is_right(table, values[MAC], table.stated(values)) else "wrong"

    def _is_right(self, table: Bound, stored: object, columns: Sequence[Any]) -> bool:
        if not isinstance(stored, bytes):
            return False
        expected = self._macs.mac_under(stored[:KEY_ID_SIZE].hex(), table.label, _covered(columns))
        return expected is not None and hmac.compare_digest(expected, stored[KEY_ID_SIZE:])

    def _broken(self, table: Bound, values: Values, fault: str) -> RecordBroken:
        row = table.row_name(values)
        owner = (values.get("client"), values.get("user_id"))
        client, user = (each if isinstance(each, str) else None for each in owner)
        self._noticed(Broken(table.name, row, fault, client, user))
        return RecordBroken(f"row `{row}` of table `{table.name}` is broken: {_FAULTS[fault]}")


def by_column(table: Bound, row: Sequence[Any]) -> Values:
    """A row in the order of `listed`, unchecked."""
    return dict(zip(table.stored, row, strict=True))


def _covered(columns: Sequence[Any]) -> bytes:
    """Text, bytes and whole numbers in Python's own notation, in ASCII: there are no two readings of it, and no quicker writing.

    NULLs at the end are left out, so that a column that is added there later leaves the MACs of rows without it as they are.
    """
    while columns and columns[-1] is None:
        columns = columns[:-1]
    return ascii(tuple(columns)).encode()


def _word(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
