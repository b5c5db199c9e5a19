"""What is usual for a payer, and the settled payments that it is learned from.

A program of before knows nothing of either, and goes on: what it decides teaches nothing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "habits",
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["client", "user_id"], ["users.client", "users.user_id"]),
        sa.PrimaryKeyConstraint("client", "user_id"),
    )
    op.create_table(
        "lessons",
        sa.Column("decision_id", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("settled_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("decision_id"),
    )
    op.create_index("lessons_of_user", "lessons", ["client", "user_id"])
    op.create_index(
        "lessons_due",
        "lessons",
        ["due_at"],
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index("lessons_settled", "lessons", ["settled_at"])


def downgrade() -> None:
    op.drop_table("lessons")
    op.drop_table("habits")
