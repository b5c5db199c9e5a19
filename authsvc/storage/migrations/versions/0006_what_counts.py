"""When receipts of an account became void, when factors and recovery codes begin to count, and what was used up for good."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("standing", sa.Text(), nullable=False, server_default="{}"))
    op.add_column("users", sa.Column("receipts_after", sa.BigInteger(), nullable=True))
    op.add_column(
        "recovery_codes", sa.Column("counts_from", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.add_column("recovery_codes", sa.Column("ends_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "spent",
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("spent_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("client", "user_id", "kind", "digest"),
    )


def downgrade() -> None:
    op.drop_table("spent")
    op.drop_column("recovery_codes", "ends_at")
    op.drop_column("recovery_codes", "counts_from")
    op.drop_column("users", "receipts_after")
    op.drop_column("users", "standing")
