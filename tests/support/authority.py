"""A database with two rows of every kind that carries authority, as the stores write them, and how each kind is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from authsvc.bootstrap.opening import open_database
from authsvc.config import Settings
from authsvc.device.credential import Device, DeviceState
from authsvc.device.record import CredentialRecord, CredentialState
from authsvc.domain.account import Account
from authsvc.domain.attempts import Counter
from authsvc.domain.challenge import Challenge
from authsvc.domain.decision import Decision, PolicyRef, ReceiptRef, Status
from authsvc.domain.operator import Operator, Role
from authsvc.domain.overview import Overview
from authsvc.domain.ticket import Grounds, Ticket, TicketState
from authsvc.factor import Factor
from authsvc.keys.access import ApiKey
from authsvc.operators.account import OperatorAccount, OperatorState, key_owner
from authsvc.operators.invitation import Invitation
from authsvc.operators.session import Means, Session, SessionKind
from authsvc.operators.unfreezing import UnfreezeRequest
from authsvc.otp import APP
from authsvc.payment import Binding, Payee, Payment
from authsvc.policy.life import Publication, Publishing, Source, Version
from authsvc.storage.bound import BOUND, Bound, by_column
from authsvc.storage.sealing import Sealer
from authsvc.storage.transaction import StoreTransaction
from authsvc.subject import Subject
from tests.support.prepared import prepare

NOW = datetime.now(UTC).replace(microsecond=0)
LATER = NOW + timedelta(hours=1)
OWNERS = ("ann", "bob")
PATIENCE = timedelta(seconds=60)
"""With a database that is shared by the tests of a file: one that gave up in the middle would leave it changed for the others."""
Values = dict[str, Any]  # Any: a column's type is known by its table.
TABLES: Mapping[str, Bound] = {table.name: table for table in BOUND}


def made(folder: Path, url: str = "") -> Settings:
    """Settings with a key ring and an empty schema."""
    return prepare(Settings(data_dir=folder, database_url=url, store_timeout=PATIENCE))


def fill(tx: StoreTransaction, sealer: Sealer) -> None:
    """Everything that ann and bob can have."""
    for number, name in enumerate(OWNERS, start=1):
        subject = Subject("shop", name)
        _payer(tx, sealer, subject)
        _operator(tx, name)
        _policy(tx, name, number)
        tx.keys.add(ApiKey(f"key_{name}", "shop", name.encode() * 8, frozenset({"decisions"}), NOW))
        tx.tickets.add(_ticket(subject), NOW)
        tx.overviews.add(Overview(f"ovw_{name}", subject, "en", None, LATER), NOW)
        request = UnfreezeRequest(f"ufr_{name}", subject, "why", "op_ann", NOW, LATER)
        assert tx.unfreezes.open(request)


def _payer(tx: StoreTransaction, sealer: Sealer, subject: Subject) -> None:
    key, name = sealer.new_subject_key(subject), subject.user
    tx.accounts.add(Account(subject, NOW, sealing_key=key))
    device = Device(subject, f"dev_{name}", "phone", DeviceState.ACTIVE, name.encode() * 8, NOW, NOW, None)
    tx.accounts.add_device(device)
    assert tx.credentials.add(_credential(f"cred_{name}", subject, device.id))
    tx.codes.put_secret(subject, key, APP, b"secret of " + name.encode(), 5, NOW)
    assert tx.decisions.open(_decision(subject))
    assert tx.codes.issue(f"dec_{name}", subject, 5, 3, 5, LATER)
    tx.codes.replace_recovery_codes(subject, [name.encode() * 8], NOW, NOW, keeps=False)


def _credential(key_id: str, subject: Subject, device_id: str) -> CredentialRecord:
    return CredentialRecord(
        id=key_id,
        subject=subject,
        device_id=device_id,
        user_handle=b"handle",
        public_key=b"public " + key_id.encode(),
        sign_count=3,
        backup_eligible=False,
        backed_up=False,
        transports=("internal",),
        aaguid="0" * 32,
        format="none",
        attested=False,
        created_at=NOW,
        pays=False,
        state=CredentialState.ACTIVE,
    )


def _ticket(subject: Subject) -> Ticket:
    return Ticket(f"enr_{subject.user}", subject, TicketState.OPEN, "en", LATER, None, Grounds.RECEIPT)


def _decision(subject: Subject) -> Decision:
    name = subject.user
    payment = Payment(f"pay_{name}", "transfer", 100, "CNY", Payee("p", "payee"), subject)
    return Decision(
        id=f"dec_{name}",
        status=Status.AUTHENTICATED,
        level="otp",
        payment=payment,
        binding=Binding.of(payment),
        inputs={},
        reasons=(),
        fired=(),
        policy=PolicyRef("default", 1, "digest"),
        novelty="new",
        created_at=NOW,
        expires_at=LATER,
        device_id=f"dev_{name}",
        challenge=Challenge(f"chl_{name}", ((Factor.OTP,),), (Factor.OTP,), 3),
        receipt=ReceiptRef(f"receipt of {name}", f"jti_{name}", LATER),
    )


def _operator(tx: StoreTransaction, name: str) -> None:
    account = OperatorAccount(f"op_{name}", name, frozenset({Role.SUPPORT}), NOW, OperatorState.ACTIVE)
    assert tx.operators.add(account)
    tx.operators.put_app(account.id, b"secret", 5)
    assert tx.operators.add_key(_credential(f"opk_{name}", key_owner(account.id), account.id))
    tx.operators.invite(Invitation(f"inv_{name}", account.id, b"mac", LATER))
    operator = Operator(account.id, name, account.roles)
    tx.sessions.add(Session(f"ses_{name}", SessionKind.BROWSER, operator, Means.APP, b"mac", NOW, NOW, LATER))
    tx.sessions.save_counter(f"op_{name}:app", Counter(), Counter(1, None, (NOW,)))


def _policy(tx: StoreTransaction, name: str, number: int) -> None:
    source = Source(f"text of {name}", "toml", f"sha256:{name}")
    tx.life.add(Version(f"pv_{name}", source, f"op_{name}", "note", NOW))
    tx.life.claim_number("default", number, source.digest)
    publication = Publication(number, f"pv_{name}", source.digest, Publishing.ACTIVATED, "op_ann", NOW, None)
    assert tx.life.seed(publication) if number == 1 else tx.life.publish(publication, 1)


ANN, BOB = (Subject("shop", name) for name in OWNERS)

Read = Callable[[StoreTransaction, Values], object]

READS: Mapping[str, Read] = {
    "api_keys": lambda tx, row: tx.keys.find(row["id"]),
    "users": lambda tx, row: tx.accounts.find(_subject(row)),
    "devices": lambda tx, row: tx.accounts.devices(_subject(row)),
    "credentials": lambda tx, row: tx.credentials.find(_subject(row), row["id"]),
    "otp_secrets": lambda tx, row: tx.codes.use_step(_subject(row), row["purpose"], 2**40),
    "issued_codes": lambda tx, row: tx.codes.issued_step(row["decision_id"], NOW),
    "recovery_codes": lambda tx, row: tx.codes.find_recovery_code(_subject(row), [row["mac"]], NOW),
    "decisions": lambda tx, row: tx.decisions.find(row["id"]),
    "enrollments": lambda tx, row: tx.tickets.find(row["id"]),
    "overviews": lambda tx, row: tx.overviews.find(row["id"]),
    "policy_versions": lambda tx, row: tx.life.find(row["id"]),
    "policy_numbers": lambda tx, row: tx.life.claim_number(row["policy_id"], row["number"], "another"),
    "policy_publications": lambda tx, row: tx.life.publication(row["number"]),
    "policy_current": lambda tx, row: tx.life.mark(),
    "operators": lambda tx, row: tx.operators.find(row["id"]),
    "operator_keys": lambda tx, row: tx.operators.keys(row["operator_id"]),
    "operator_invitations": lambda tx, row: tx.operators.invitation(row["id"]),
    "operator_sessions": lambda tx, row: tx.sessions.find(row["id"]),
    "operator_attempts": lambda tx, row: tx.sessions.counter(row["scope"]),
    "unfreeze_requests": lambda tx, row: tx.unfreezes.find(row["id"]),
}
"""How the service comes upon the row with this key and this owner."""


def _subject(row: Values) -> Subject:
    return Subject(row["client"], row["user_id"])


class Insider:
    """Writes in the database and has no key."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def do(self, statement: str, *, as_a_program: bool = False, **params: object) -> None:
        """One statement; nothing but a program of before leaves constraints and triggers on."""
        self._run([(statement, params)], as_a_program=as_a_program)

    def _run(self, statements: Iterable[tuple[str, Values]], *, as_a_program: bool = False) -> None:
        database = open_database(self._settings)
        with closing(database.connect()) as connection:
            if not as_a_program:
                connection.run(_FREELY[database.dialect], {})
            connection.begin()
            for statement, params in statements:
                connection.run(statement, params)
            connection.commit()

    def rows(self, table: str) -> list[Values]:
        """Every row of a table, in the order of their keys: ann's before bob's."""
        bound = TABLES[table]
        asked = f"SELECT {bound.listed()} FROM {table} ORDER BY {', '.join(bound.key)}"
        with closing(open_database(self._settings).connect()) as connection:
            return [by_column(bound, row) for row in connection.all(asked, {})]

    def put(self, table: str, row: Values) -> None:
        self._run([_inserted(table, row)])

    def remove(self, table: str, row: Values) -> None:
        self._run([_deleted(table, row)])

    @contextmanager
    def putting(self, table: str, before: Values, after: Values) -> Iterator[None]:
        """While one row stands in the place of another."""
        self._run([_deleted(table, before), _inserted(table, after)])
        try:
            yield
        finally:
            self._run([_deleted(table, after), _inserted(table, before)])


def _inserted(table: str, row: Values) -> tuple[str, Values]:
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})", row


def _deleted(table: str, row: Values) -> tuple[str, Values]:
    key = TABLES[table].key
    return f"DELETE FROM {table} WHERE {' AND '.join(f'{name} = :{name}' for name in key)}", {
        name: row[name] for name in key
    }


_FREELY = {"sqlite": "PRAGMA foreign_keys = OFF", "postgresql": "SET session_replication_role = replica"}


def other(value: object) -> object:
    """Another value of the same type."""
    if value is None:
        return None
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1]) if value else b"\x01"
    return value + 1000 if isinstance(value, int) else f"{value}x"
