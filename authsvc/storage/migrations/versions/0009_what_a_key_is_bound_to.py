"""Certificates and signing keys that an API key is bound to.

NULL for a key that is bound to nothing, whose MAC stays as it was. A program of before calls a bound key broken, and refuses it.
SQLite's trigger of 0008 names the columns that it compares, so it is made again with the new one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TRIGGER = "api_keys_forget_row_mac"


def upgrade() -> None:
    with _watched_anew(), op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.add_column(sa.Column("bindings", sa.Text(), nullable=True))


def downgrade() -> None:
    with _watched_anew(), op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.drop_column("bindings")


@contextmanager
def _watched_anew() -> Iterator[None]:
    is_watched = _has_trigger()
    if is_watched:
        op.execute(f"DROP TRIGGER {TRIGGER}")
    yield
    if is_watched:
        _watch()


def _has_trigger() -> bool:
    if op.get_bind().dialect.name != "sqlite":
        return False
    asked = sa.text("SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND name = :name")
    return op.get_bind().execute(asked, {"name": TRIGGER}).first() is not None


def _watch() -> None:
    columns = [each["name"] for each in sa.inspect(op.get_bind()).get_columns("api_keys")]
    changed = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in columns if name != "row_mac")
    op.execute(
        f"""CREATE TRIGGER {TRIGGER} AFTER UPDATE ON api_keys FOR EACH ROW
        WHEN NEW.row_mac IS OLD.row_mac AND NEW.row_mac IS NOT NULL AND ({changed})
        BEGIN UPDATE api_keys SET row_mac = NULL WHERE rowid = NEW.rowid; END"""
    )
