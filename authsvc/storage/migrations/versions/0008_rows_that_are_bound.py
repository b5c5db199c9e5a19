"""A MAC over every row that carries authority.

A program of before goes on working on this schema and knows nothing of MACs: where it changes a row, a trigger takes the MAC
away, so that the row reads as one that was not bound yet, and not as one that somebody forged. The triggers give nothing to
anybody: once `db adopt` was run, a row without a MAC is broken as well. A database without users and keys needs none.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = (
    "api_keys",
    "users",
    "devices",
    "credentials",
    "otp_secrets",
    "issued_codes",
    "recovery_codes",
    "decisions",
    "enrollments",
    "overviews",
    "policy_versions",
    "policy_numbers",
    "policy_publications",
    "policy_current",
    "operators",
    "operator_keys",
    "operator_invitations",
    "operator_sessions",
    "operator_attempts",
    "unfreeze_requests",
)


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("row_mac", sa.LargeBinary(), nullable=True))
    if _is_in_use():
        {"postgresql": _watch_postgres, "sqlite": _watch_sqlite}[op.get_bind().dialect.name]()


def downgrade() -> None:
    for table in TABLES:
        op.execute(_drop(table))
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("row_mac")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION IF EXISTS forget_row_mac()")


def _is_in_use() -> bool:
    asked = (f"SELECT 1 FROM {table} LIMIT 1" for table in ("api_keys", "users", "operators"))
    return any(op.get_bind().execute(sa.text(each)).first() is not None for each in asked)


def _watch_postgres() -> None:
    op.execute(
        """CREATE FUNCTION forget_row_mac() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.row_mac := NULL; RETURN NEW; END $$"""
    )
    for table in TABLES:
        op.execute(
            f"""CREATE TRIGGER {table}_forget_row_mac BEFORE UPDATE ON {table} FOR EACH ROW
            WHEN (NEW.row_mac IS NOT DISTINCT FROM OLD.row_mac AND NEW IS DISTINCT FROM OLD)
            EXECUTE FUNCTION forget_row_mac()"""
        )


def _watch_sqlite() -> None:
    for table in TABLES:
        columns = [each["name"] for each in sa.inspect(op.get_bind()).get_columns(table)]
        changed = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in columns if name != "row_mac")
        op.execute(
            f"""CREATE TRIGGER {table}_forget_row_mac AFTER UPDATE ON {table} FOR EACH ROW
            WHEN NEW.row_mac IS OLD.row_mac AND NEW.row_mac IS NOT NULL AND ({changed})
            BEGIN UPDATE {table} SET row_mac = NULL WHERE rowid = NEW.rowid; END"""
        )


def _drop(table: str) -> str:
    on = f" ON {table}" if op.get_bind().dialect.name == "postgresql" else ""
    return f"DROP TRIGGER IF EXISTS {table}_forget_row_mac{on}"
