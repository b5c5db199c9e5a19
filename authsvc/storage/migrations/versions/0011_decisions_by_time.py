"""Decisions are listed by time."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("decisions_by_time", "decisions", ["created_at", "id"])


def downgrade() -> None:
    op.drop_index("decisions_by_time", table_name="decisions")
