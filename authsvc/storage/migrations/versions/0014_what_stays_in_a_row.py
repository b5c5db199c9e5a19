"""Decisions and answers stay in their rows, and nonces are forgotten by their time.

Both are a little over the two kilobytes from which PostgreSQL puts columns aside, each in two more rows with an index of their
own. They are read and written whole, so that was paid for and never used.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_WHOLE = ("decisions", "idempotency")
_A_PAGE = 8160


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in _WHOLE:
            op.execute(f"ALTER TABLE {table} SET (toast_tuple_target = {_A_PAGE})")
    op.create_index(
        "spent_nonces",
        "spent",
        ["spent_at"],
        sqlite_where=sa.text("kind = 'nonce'"),
        postgresql_where=sa.text("kind = 'nonce'"),
    )


def downgrade() -> None:
    op.drop_index("spent_nonces", table_name="spent")
    if op.get_bind().dialect.name == "postgresql":
        for table in _WHOLE:
            op.execute(f"ALTER TABLE {table} RESET (toast_tuple_target)")
