"""Somebody writes in the database and has no key: no row that carries authority counts unless the service wrote it so."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from alembic import command
from alembic.config import Config
from click.testing import CliRunner

from authsvc.audit.remembered import NAME
from authsvc.bootstrap.opening import Store, open_database, open_store
from authsvc.cli.main import main
from authsvc.config import Settings
from authsvc.domain.account import Account
from authsvc.errors import RecordBroken
from authsvc.keys.access import FRESH_FOR
from authsvc.keys.keyring import KeyRing
from authsvc.keys.versions import Purpose
from authsvc.operators.account import OperatorAccount
from authsvc.operators.unfreezing import RequestState
from authsvc.otp import APP
from authsvc.policy.life import Publication, State, Version
from authsvc.storage import migrations, schema
from authsvc.storage.bound import BOUND, MAC, Binder
from authsvc.storage.database import Conflict
from authsvc.storage.rows import Rows
from authsvc.storage.transaction import StoreTransaction
from authsvc.storage.upgrade import database_url, upgrade
from authsvc.subject import Subject
from tests.guarantees.people import Person, Shop, expect
from tests.support.authority import ANN, BOB, NOW, READS, TABLES, Insider, Values, fill, made, other
from tests.support.live import Answer, LiveService
from tests.support.waiting import eventually

STORES = ["embedded", "networked"]


@dataclass(frozen=True)
class Site:
    """An open store with two rows of every kind, and somebody who writes in its database."""

    settings: Settings
    store: Store
    insider: Insider

    @property
    def options(self) -> list[str]:
        url = self.settings.database_url
        return ["--data-dir", str(self.settings.data_dir), *(["--database-url", url] if url else [])]

    def read(self, table: str, row: Values) -> object:
        return self.store.ledger.transact(lambda tx: READS[table](tx, row))

    def findings(self) -> set[tuple[str, str]]:
        return {(each.table, each.fault) for each in self.store.adopting.look().findings}

    def said(self, action: str) -> list[Any]:
        """What the audit says of an action."""
        links = self.store.ledger.read(lambda tx: list(tx.audit.links()))
        return [body for link in links if (body := json.loads(link.body))["action"] == action]


def new_settings(request: pytest.FixtureRequest, folder: Path) -> Settings:
    if request.param == "embedded":
        return made(folder)
    server = request.getfixturevalue("postgres_server")
    server.ensure_running()
    return made(folder, server.url(server.create_database(request.getfixturevalue("postgres_schema"))))


@contextmanager
def opened(settings: Settings) -> Iterator[Site]:
    with closing(open_store(settings)) as store:
        yield Site(settings, store, Insider(settings))


def filled(settings: Settings) -> None:
    with opened(settings) as site:
        site.store.ledger.transact(lambda tx: fill(tx, site.store.sealer))


@pytest.fixture(scope="module", params=STORES)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """For tests that put back what they changed."""
    settings = new_settings(request, tmp_path_factory.mktemp("rows") / "data")
    filled(settings)
    with opened(settings) as shared:
        yield shared


@pytest.fixture(params=STORES)
def own(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    settings = new_settings(request, tmp_path / "data")
    filled(settings)
    with opened(settings) as one:
        yield one


@pytest.fixture(params=STORES)
def before(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """A database that a program of before has filled, and the new schema over it."""
    settings = new_settings(request, tmp_path / "data")
    filled(settings)
    migrate(settings, "0007")
    upgrade(database_url(settings))
    ring = json.loads(settings.keyring.read_text())
    del ring["rows"]
    settings.keyring.write_text(json.dumps(ring))
    # A program of before says nothing of rows in its audit.
    for table in ("audit_links", "audit_heads", "audit_checkpoints"):
        Insider(settings).do(f"DELETE FROM {table}")
    (settings.data_dir / NAME).unlink()
    with opened(settings) as one:
        yield one


def migrate(settings: Settings, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    engine = sqlalchemy.create_engine(
        database_url(settings).replace("postgresql:", "postgresql+psycopg:"), poolclass=sqlalchemy.NullPool
    )
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


# -- Which rows ----------------------------------------------------------------------------------------------------------


def test_every_column_of_a_bound_table_is_bound() -> None:
    for table in BOUND:
        stored = schema.metadata.tables[table.name]
        assert {*table.columns, MAC} == set(stored.columns.keys()), table.name
        assert table.key == tuple(column.name for column in stored.primary_key), table.name


def test_every_table_is_bound_or_left_out_for_a_reason() -> None:
    """What is left out is signed, sealed to its place, of no authority, or named in the security model as not noticed."""
    signed = {"audit_checkpoints", "audit_heads", "audit_links"}
    sealed = {"captures", "habits", "idempotency", "templates", "webhook_endpoints"}
    not_noticed = {"spent"}
    of_no_authority = {
        "consents", "events", "figure_positions", "figures", "leases", "lessons", "outcomes", "policies", "policy_backtests",
        "policy_shadow_counts", "policy_shadow_runs", "policy_shadow_samples", "readiness", "schema_facts",
        "webhook_attempts", "webhook_deliveries", "webhook_removed",
    }  # fmt: skip
    assert set(schema.metadata.tables) == {*signed, *sealed, *not_noticed, *of_no_authority, *TABLES}
    assert set(READS) == set(TABLES)


def test_rows_as_the_service_wrote_them_are_read(site: Site) -> None:
    for table in BOUND:
        row = site.insider.rows(table.name)[0]
        if table.name != "otp_secrets":
            assert site.read(table.name, row), table.name
    survey = site.store.adopting.look()
    assert not survey.findings
    assert not survey.unbound
    assert set(survey.sound) == set(TABLES)


# -- What an insider does ------------------------------------------------------------------------------------------------

EVERY_TABLE = pytest.mark.parametrize("table", TABLES)
OF_TWO = [name for name in TABLES if name != "policy_current"]


def another(table: str, column: str, value: object) -> object:
    if value is not None:
        return other(value)
    kind = str(schema.metadata.tables[table].columns[column].type)
    return {"TEXT": "x", "BIGINT": 1, "BLOB": b"x"}[kind]


def expect_broken(site: Site, table: str, row: Values) -> None:
    with pytest.raises(RecordBroken, match=f"of table `{table}` is broken"):
        site.read(table, row)


@EVERY_TABLE
def test_a_changed_column_breaks_the_row(site: Site, table: str) -> None:
    row = site.insider.rows(table)[0]
    for column in TABLES[table].columns:
        changed = {**row, column: another(table, column, row[column])}
        with site.insider.putting(table, row, changed):
            if table != "policy_current" or column != "slot":
                expect_broken(site, table, changed)
            assert (table, "wrong") in site.findings(), column
    assert not site.findings()


@pytest.mark.parametrize("table", OF_TWO)
def test_two_owners_rows_cannot_be_swapped(site: Site, table: str) -> None:
    anns, bobs = site.insider.rows(table)[:2]
    key = TABLES[table].key
    mine = {**bobs, **{name: anns[name] for name in key}}
    yours = {**anns, **{name: bobs[name] for name in key}}
    site.insider.remove(table, bobs)
    with site.insider.putting(table, anns, mine):
        expect_broken(site, table, mine)
    with site.insider.putting(table, anns, yours):
        expect_broken(site, table, yours)
    site.insider.put(table, bobs)
    assert not site.findings()


@EVERY_TABLE
def test_a_mac_of_another_table_is_none(site: Site, table: str) -> None:
    row = site.insider.rows(table)[0]
    for source in TABLES:
        if source != table:
            with site.insider.putting(table, row, {**row, MAC: site.insider.rows(source)[0][MAC]}):
                expect_broken(site, table, row)


@EVERY_TABLE
@pytest.mark.parametrize("mac", [None, b"", bytes(8), bytes(40), b"x" * 4000])
def test_a_row_that_was_put_there_without_keys_is_broken(site: Site, table: str, mac: bytes | None) -> None:
    row = site.insider.rows(table)[0]
    forged = {**row, MAC: mac}
    with site.insider.putting(table, row, forged):
        expect_broken(site, table, forged)
        assert (table, "missing" if mac is None else "wrong") in site.findings()


FOLLOWED = [table.name for table in BOUND if table.followed]


@pytest.mark.parametrize("table", FOLLOWED)
def test_a_row_that_was_removed_is_missed(site: Site, table: str) -> None:
    row = site.insider.rows(table)[0]
    site.insider.remove(table, row)
    assert site.findings() == {("audit_links", "gone")}
    site.insider.put(table, row)
    assert not site.findings()


Act = Callable[[StoreTransaction], object]

ACTS: dict[str, Act] = {
    "api_keys": lambda tx: tx.keys.revoke("key_ann", NOW),
    "users": lambda tx: tx.accounts.save(existing(tx, ANN).frozen(NOW)),
    "devices": lambda tx: [tx.accounts.save_device(each.revoked()) for each in tx.accounts.devices(ANN)],
    "credentials": lambda tx: tx.credentials.remove_of_device(ANN, "dev_ann"),
    "otp_secrets": lambda tx: tx.codes.use_step(ANN, APP, 9),
    "recovery_codes": lambda tx: tx.codes.use_recovery_code(ANN, b"ann" * 8, NOW),
    "policy_current": lambda tx: tx.life.publish(next_publication(tx), 2),
    "policy_versions": lambda tx: tx.life.save(replace(must_find(tx, "pv_ann"), state=State.VALIDATED)),
    "operators": lambda tx: tx.operators.save(replace(operator(tx), roles=frozenset())),
    "operator_keys": lambda tx: tx.operators.forget_means("op_ann"),
    "unfreeze_requests": lambda tx: tx.unfreezes.answer("ufr_ann", RequestState.REFUSED, "op_bob", NOW),
}
"""What takes something away, or lets it count once."""


def operator(tx: StoreTransaction) -> OperatorAccount:
    found = tx.operators.find("op_ann")
    assert found is not None
    return found


def next_publication(tx: StoreTransaction) -> Publication:
    last = tx.life.publication(2)
    assert last is not None
    return replace(last, number=3)


@pytest.mark.parametrize("table", ACTS)
def test_a_row_that_is_put_back_as_it_once_was_is_missed(own: Site, table: str) -> None:
    old = own.insider.rows(table)[0]
    own.store.ledger.transact(ACTS[table])
    now = own.insider.rows(table)[0]
    assert now != old
    assert not own.findings()
    own.insider.remove(table, now)
    own.insider.put(table, old)
    assert own.findings() == {(table, "put back"), ("audit_links", "gone")}


def test_lawful_acts_leave_nothing_to_be_found(own: Site) -> None:
    for act in ACTS.values():
        own.store.ledger.transact(act)
    for erased in (ANN, BOB):
        own.store.ledger.transact(partial(erase_rows, erased))
    assert not own.findings()


def erase_rows(subject: Subject, tx: StoreTransaction) -> None:
    tx.codes.forget(subject)
    tx.credentials.forget(subject)
    tx.accounts.forget_devices(subject)
    tx.accounts.save(existing(tx, subject).erased(NOW))


def existing(tx: StoreTransaction, subject: Subject) -> Account:
    found = tx.accounts.find(subject)
    assert found is not None
    return found


def must_find(tx: StoreTransaction, version_id: str) -> Version:
    found = tx.life.find(version_id)
    assert found is not None
    return found


def test_a_key_whose_device_was_removed_is_no_absent_one(site: Site) -> None:
    device = site.insider.rows("devices")[0]
    site.insider.remove("devices", device)
    with pytest.raises(RecordBroken, match="is gone"):
        site.store.ledger.read(lambda tx: tx.credentials.live(ANN))
    site.insider.put("devices", device)
    assert site.store.ledger.read(lambda tx: tx.credentials.live(ANN))


def test_a_broken_key_is_known_for_nothing_and_its_device_stands(site: Site) -> None:
    key = site.insider.rows("credentials")[0]
    with site.insider.putting("credentials", key, {**key, "attested": 1}):
        _, device = site.store.ledger.read(lambda tx: tx.accounts.find_with_device(ANN, "dev_ann"))
        assert device is not None
        assert (device.synced, device.attested, device.aaguid) == (None, False, None)
        assert not site.store.ledger.read(lambda tx: tx.credentials.sound(ANN))


def test_what_is_broken_is_told_once_with_table_and_row(own: Site) -> None:
    key = own.insider.rows("credentials")[0]
    with own.insider.putting("credentials", key, {**key, "sign_count": 0}):
        for _ in range(3):
            expect_broken(own, "credentials", key)
        own.store.tell()
        own.store.tell()
    (line,) = own.said("record.broken")
    assert (line["object"], line["result"]) == ("credentials:cred_ann", "wrong")
    ((_, event),) = own.store.ledger.read(lambda tx: tx.events.after("shop", 0, 10))
    assert (event.tag, event.subject) == ("attack:record:broken", ANN)
    assert event.data == {"table": "credentials", "fault": "wrong"}


def test_taking_away_works_on_broken_rows_too(own: Site) -> None:
    """Else an insider could keep alive what somebody wants to be rid of."""
    own.insider.do("UPDATE credentials SET sign_count = 0 WHERE id = 'cred_ann'")
    own.insider.do("UPDATE enrollments SET locale = 'x' WHERE id = 'enr_ann'")
    own.store.ledger.transact(lambda tx: tx.credentials.remove_of_device(ANN, "dev_ann"))
    own.store.ledger.transact(lambda tx: tx.tickets.cancel_of(ANN))
    assert own.insider.rows("credentials")[0]["state"] == "removed"
    assert own.insider.rows("enrollments")[0]["state"] == "cancelled"


# -- Before, adopted, required -------------------------------------------------------------------------------------------


def test_rows_of_before_are_read_and_bound_when_they_are_written(before: Site) -> None:
    assert not before.store.ring.all_bound
    for table in BOUND:
        row = before.insider.rows(table.name)[0]
        assert row[MAC] is None
        if table.name != "otp_secrets":
            assert before.read(table.name, row), table.name
    before.store.ledger.transact(lambda tx: tx.accounts.save(existing(tx, ANN).frozen(NOW)))
    assert before.insider.rows("users")[0][MAC] is not None
    expect_no_change_by_others_is_lost(before)


def expect_no_change_by_others_is_lost(site: Site) -> None:
    """A row without a MAC is compared by its columns: what another program has changed meanwhile is seen."""
    (row,) = site.store.ledger.read(lambda tx: tx.rows.read(TABLES["otp_secrets"], "user_id = 'ann'", {}))
    site.insider.do("UPDATE otp_secrets SET last_step = 7 WHERE user_id = 'ann'", as_a_program=True)
    with pytest.raises(Conflict):
        change_last_step(site, row)


def change_last_step(site: Site, row: Values) -> None:
    with closing(open_database(site.settings).connect()) as connection:
        binder = Binder(site.store.ring, lambda: False, lambda broken: None)
        Rows(connection, binder).change(TABLES["otp_secrets"], row, {"last_step": 6})


def test_a_program_of_before_changes_bound_rows_and_breaks_none(before: Site) -> None:
    before.store.adopting.bind(lambda table, row: True)
    for name, table in TABLES.items():
        column, row = table.others[-1], before.insider.rows(name)[0]
        statement = f"UPDATE {name} SET {column} = :value WHERE {table.key[0]} = :key"
        change = partial(before.insider.do, statement, as_a_program=True, key=row[table.key[0]])
        change(value=row[column])
        assert before.insider.rows(name)[0] == row
        change(value=another(name, column, row[column]))
        assert before.insider.rows(name)[0] == {
            **row, column: another(name, column, row[column]), MAC: None
        }  # fmt: skip
    # The log still knows the MACs that are gone; adopting settles that.
    assert {fault for _, fault in before.findings()} == {"gone"}
    assert adopt(before).exit_code == 0
    assert not before.findings()


def test_a_wrong_mac_is_broken_before_it_is_required(before: Site) -> None:
    before.store.adopting.bind(lambda table, row: True)
    for name, table in TABLES.items():
        row, column = before.insider.rows(name)[0], table.others[-1]
        forged = {**row, column: another(name, column, row[column])}
        with before.insider.putting(name, row, forged):
            expect_broken(before, name, forged)


def adopt(site: Site, *more: str) -> Any:
    return CliRunner().invoke(main, ["db", *(more or ("adopt",)), "--json", *site.options])


def test_adopting_binds_every_row_says_how_many_and_requires_it_from_then_on(before: Site) -> None:
    before.store.ledger.transact(lambda tx: tx.accounts.save(existing(tx, ANN).frozen(NOW)))
    done = adopt(before)
    assert done.exit_code == 0, done.output
    counts = json.loads(done.stdout)
    left = {table: len(before.insider.rows(table)) for table in TABLES}
    assert counts == {"adopted": sum(left.values()) - 1, **left, "users": 1}
    (line,) = before.said("rows.adopt")
    assert set(line["details"]["rows"]) == {f"{name}: {counts[name]}" for name in TABLES}
    assert before.store.ring.refresh()
    assert before.store.ring.all_bound
    assert not before.findings()
    assert adopt(before, "check").exit_code == 0
    for table in TABLES:
        row = before.insider.rows(table)[0]
        with before.insider.putting(table, row, {**row, MAC: None}):
            expect_broken(before, table, row)


def test_it_is_done_once(before: Site) -> None:
    assert adopt(before).exit_code == 0
    before.insider.do("UPDATE users SET row_mac = NULL WHERE user_id = 'ann'")
    again = adopt(before)
    assert again.exit_code == 1
    assert "bound already" in again.stderr
    assert before.insider.rows("users")[0][MAC] is None


def test_a_row_with_a_wrong_mac_is_never_adopted(before: Site) -> None:
    for name, table in TABLES.items():
        row = before.insider.rows(name)[0]
        with before.insider.putting(name, row, {**row, MAC: bytes(40)}):
            done = adopt(before)
            assert done.exit_code == 1
            assert name in done.stderr
            assert table.row_name(row) in done.stderr
    assert all(each[MAC] is None for name in TABLES for each in before.insider.rows(name))
    assert not before.store.ring.refresh()


@pytest.mark.parametrize(("said", "is_required"), [("written", False), ("required", True)])
def test_a_setting_says_otherwise(own: Site, said: str, is_required: bool) -> None:
    row = own.insider.rows("users")[0]
    with (
        opened(replace(own.settings, authority=said)) as told,
        own.insider.putting("users", row, {**row, MAC: None}),
    ):
        if is_required:
            expect_broken(told, "users", row)
        else:
            assert told.read("users", row)


def test_a_ring_of_before_is_read_and_keeps_what_it_says(before: Site) -> None:
    before.store.ring.rotate(Purpose.AUDIT)
    assert not KeyRing.load(before.settings.keyring).all_bound
    before.store.ring.mark_all_bound()
    before.store.ring.rotate(Purpose.AUDIT)
    assert KeyRing.load(before.settings.keyring).all_bound


# -- What an operator does -----------------------------------------------------------------------------------------------


def test_check_names_what_is_broken(own: Site) -> None:
    assert adopt(own, "check").exit_code == 0
    own.insider.do("UPDATE api_keys SET scopes = 'audit' WHERE id = 'key_ann'")
    own.insider.do("DELETE FROM recovery_codes WHERE user_id = 'bob'")
    done = adopt(own, "check")
    assert done.exit_code == 1
    found = {(each["table"], each["fault"]) for each in json.loads(done.stdout)["findings"]}
    assert found == {("api_keys", "wrong"), ("audit_links", "gone")}


def test_what_was_looked_into_is_accepted_in_words(own: Site) -> None:
    own.insider.do("UPDATE api_keys SET scopes = 'audit' WHERE id = 'key_ann'")
    own.insider.do("DELETE FROM recovery_codes WHERE user_id = 'bob'")
    done = adopt(own, "accept-rows", "--reason", "a repair by hand")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"accepted": 1, "api_keys": 1}
    assert not own.findings()
    (line,) = own.said("rows.accept")
    assert line["details"] == {"reason": "a repair by hand", "rows": ["api_keys: 1"]}


def test_rotation_binds_rows_anew_while_others_read(own: Site) -> None:
    first = own.store.ring.current_id(Purpose.HMAC)
    done = CliRunner().invoke(main, ["keyring", "rotate", "hmac", "--json", *own.options])
    assert done.exit_code == 0, done.output
    everything = sum(len(own.insider.rows(table)) for table in TABLES)
    assert json.loads(done.stdout)["bound"] == everything
    for table in TABLES:
        assert own.read(table, own.insider.rows(table)[0]) is not None
    own.store.ring.refresh()
    own.store.ring.discard(Purpose.HMAC, first)
    assert not own.findings()


def test_a_row_under_an_earlier_key_is_good_until_that_is_discarded(own: Site) -> None:
    first = own.store.ring.current_id(Purpose.HMAC)
    own.store.ring.rotate(Purpose.HMAC)
    row = own.insider.rows("users")[0]
    assert own.read("users", row)
    own.store.ring.discard(Purpose.HMAC, first)
    expect_broken(own, "users", row)


# -- Over HTTP -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def inside(service: LiveService) -> Insider:
    """Somebody in the database of a running service."""
    return Insider(Settings(data_dir=service.data_dir, database_url=service.database_url))


def broken(answer: Answer) -> bool:
    """A refusal that says so, and names no table and no row to whoever asked."""
    assert b"row" not in answer.content.lower()
    return (answer.status, answer.slug) == (503, "record-broken")


def test_a_time_step_is_not_wound_back_and_another_code_goes_on_working(shop: Shop, inside: Insider) -> None:
    ann = Person(shop)
    payment = shop.payment(ann)
    code = ann.code()
    assert shop.challenge(payment).try_code(code).status == 200
    inside.do("UPDATE otp_secrets SET last_step = 0 WHERE user_id = :user AND purpose = 'app'", user=ann.user)
    challenge = shop.challenge(shop.payment(ann))
    challenge.begin("otp")
    assert broken(challenge.put("otp", {"code": code}))
    assert shop.decision(challenge.decision_id)["status"] == "challenge_required"
    assert challenge.try_code(shop.issued_code(challenge.decision_id)).status == 200


def test_a_freeze_is_not_lifted_in_the_database(shop: Shop, inside: Insider) -> None:
    ann = Person(shop)
    expect(shop.post(f"/v1/users/{ann.user}/freeze", {"reason": "stolen"}), 200)
    assert expect(shop.decide(shop.payment(ann)), 201)["status"] == "denied"
    inside.do(
        "UPDATE users SET status = 'active', receipts_after = NULL WHERE user_id = :user", user=ann.user
    )
    assert broken(shop.decide(shop.payment(ann)))
    assert broken(shop.decide(shop.payment(ann, known_phone=False)))


def test_a_phone_is_not_made_trusted_by_somebody_elses_secret(shop: Shop, inside: Insider) -> None:
    ann, mallory = Person(shop), Person(shop)
    (stolen,) = [row for row in inside.rows("devices") if row["user_id"] == mallory.user]
    inside.do(
        "UPDATE devices SET secret_mac = :secret, row_mac = :mac WHERE user_id = :user",
        secret=stolen["secret_mac"],
        mac=stolen[MAC],
        user=ann.user,
    )
    device = {"id": ann.device["id"], "secret": mallory.device["secret"]}
    assert broken(shop.decide({**shop.payment(ann), "device": device}))
    assert shop.decide(shop.payment(ann, known_phone=False)).status == 201


def test_what_a_challenge_asks_is_not_lowered_in_the_database(shop: Shop, inside: Insider) -> None:
    ann = Person(shop)
    challenge = shop.challenge(shop.payment(ann))
    inside.do(
        "UPDATE decisions SET challenge = replace(challenge, 'otp', 'device_key') WHERE id = :id",
        id=challenge.decision_id,
    )
    assert broken(challenge.get())
    assert broken(shop.get(f"/v1/decisions/{challenge.decision_id}"))


def test_a_receipt_that_was_used_is_not_made_fresh(shop: Shop, inside: Insider) -> None:
    ann = Person(shop)
    payment = shop.payment(ann)
    challenge = shop.challenge(payment)
    assert challenge.try_code(ann.code()).status == 200
    receipt = shop.decision(challenge.decision_id)["receipt"]
    expect(shop.consume(receipt, payment), 200)
    inside.do("UPDATE decisions SET consumed_at = NULL, is_open = 1 WHERE id = :id", id=challenge.decision_id)
    assert broken(shop.consume(receipt, payment))


def test_a_key_gets_no_scope_in_the_database_and_everybody_is_told(
    service: LiveService, shop: Shop, inside: Insider
) -> None:
    made_key = CliRunner().invoke(
        main,
        ["keys", "create", "--client", "shop", "--scope", "events", "--json", *service.store_options],
    )
    key = json.loads(made_key.stdout)
    bearer = {"Authorization": f"Bearer {key['api_key']}"}
    assert service.ask("GET", "/v1/audit/events", bearer).status == 403
    time.sleep(FRESH_FOR)
    inside.do("UPDATE api_keys SET scopes = 'audit events' WHERE id = :id", id=key["id"])
    assert broken(service.ask("GET", "/v1/audit/events", bearer))
    # Told within a second, by whichever process met it.
    row = f"api_keys:{key['id']}"
    eventually(lambda: row in about_rows(service), "a line of the audit about the row")
    metrics = service.ask("GET", "/metrics").content.decode()
    assert 'authsvc_events_total{tag="attack:record:broken"}' in metrics
    assert 'authsvc_problems_total{slug="record-broken"}' in metrics
    check = CliRunner().invoke(main, ["db", "check", "--json", *service.store_options])
    assert check.exit_code == 1
    assert key["id"] in {each["row"] for each in json.loads(check.stdout)["findings"]}


def about_rows(service: LiveService) -> set[str]:
    with opened(Settings(data_dir=service.data_dir, database_url=service.database_url)) as site:
        return {line["object"] for line in site.said("record.broken")}
