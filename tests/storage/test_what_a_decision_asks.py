"""What PostgreSQL is asked for a decision: planned once, by the payer's index, and kept in one row."""

import secrets
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import psycopg
import pytest

from authsvc.storage.accounts import find_payer
from authsvc.storage.database import Conflict, pyformat
from authsvc.storage.postgres import PostgresConnection, PostgresDatabase
from tests.domain.test_decision import decision

USER = """INSERT INTO users (client, user_id, status, factors, locale, verify_always, low_value_count, low_value_sum, attempts,
    created_at, standing, version) VALUES (%s, %s, 'active', '', 'en', 0, 0, 0, '{}', 1, '{}', 1)"""
DECISION = """INSERT INTO decisions (id, client, user_id, transaction_id, status, binding, body, receipt, created_at, expires_at,
    version) SELECT 'dec_' || n, %s, %s, 'pay_' || n, 'approved', 'b', %s, %s, n, n, 1 FROM generate_series(1, %s) n"""
PLANS = """SELECT custom_plans, generic_plans FROM pg_prepared_statements
    WHERE starts_with(statement, 'SELECT h.sealed')"""
ASIDE = "SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE oid = %s::regclass"

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
PAYMENT = decision().payment
OWNER = (PAYMENT.subject.client, PAYMENT.subject.user)


@pytest.fixture
def busy(migrated_postgres_url: str) -> Iterator[PostgresConnection]:
    """A connection to a database in which one payer pays all the time, with statistics."""
    with psycopg.connect(migrated_postgres_url, autocommit=True) as raw:
        raw.execute(USER, OWNER)
        raw.execute(DECISION, (*OWNER, secrets.token_hex(450), secrets.token_hex(560), 3000))
        raw.execute("ANALYZE")
    with closing(PostgresDatabase(migrated_postgres_url, 30.0).connect()) as connection:
        yield connection


def test_a_payer_is_looked_up_by_a_plan_that_is_made_once(busy: PostgresConnection) -> None:
    query = find_payer(PAYMENT, None, LONG_AGO)
    for _ in range(12):
        busy.begin([query], believing=True)
        assert busy.all(*query)[0][4:6] == OWNER
        busy.rollback()
    [(custom, generic)] = busy.all(PLANS, {})
    assert (custom, generic > 5) == (0, True)
    assert busy.all("SHOW plan_cache_mode", {}) == [("auto",)]


def test_what_else_is_asked_in_the_transaction_is_planned_as_ever(busy: PostgresConnection) -> None:
    busy.begin([find_payer(PAYMENT, None, LONG_AGO)], believing=True)
    assert busy.all("SHOW plan_cache_mode", {}) == [("auto",)]
    busy.rollback()


def test_the_hour_s_payments_are_counted_by_the_payers_index(
    busy: PostgresConnection, migrated_postgres_url: str
) -> None:
    query, params = find_payer(PAYMENT, None, LONG_AGO)
    with psycopg.connect(migrated_postgres_url) as raw:
        raw.execute("UPDATE decisions SET user_id = 'u_' || (created_at % 300)")
        raw.execute("ANALYZE decisions")
        raw.execute("SET plan_cache_mode = force_generic_plan")
        plan = "\n".join(row[0] for row in raw.execute(f"EXPLAIN {pyformat(query)}", params))  # type: ignore[arg-type]
    assert "using decisions_of_user on decisions x" in plan, plan


def test_nothing_of_a_decision_and_of_its_answer_is_put_aside(
    busy: PostgresConnection, migrated_postgres_url: str
) -> None:
    with psycopg.connect(migrated_postgres_url, autocommit=True) as raw:
        raw.execute("INSERT INTO idempotency VALUES ('shop', 'k', 'f', %s, 1)", (secrets.token_bytes(2_200),))
        assert [raw.execute(ASIDE, (table,)).fetchone() for table in ("decisions", "idempotency")] == [
            (0,),
            (0,),
        ]


def test_what_a_batch_writes_at_last_goes_out_together(busy: PostgresConnection) -> None:
    add, held = (
        "INSERT INTO webhook_removed (endpoint_id) VALUES (:id)",
        "SELECT COUNT(*) FROM webhook_removed",
    )
    rows = [{"id": "whe_a"}, {"id": "whe_b"}]
    busy.begin(believing=True)
    busy.many(add, rows, at_last=True)
    assert busy.all(held, {}) == [(0,)]
    busy.settle()
    assert busy.all(held, {}) == [(2,)]
    busy.many(add, rows, at_last=True)
    with pytest.raises(Conflict):
        busy.settle()
    busy.rollback()
    busy.begin()
    busy.many(add, rows, at_last=True)
    assert busy.all(held, {}) == [(2,)], "a batch that believes nothing writes at once"
    busy.rollback()
