"""The life of a policy: versions, publications, shadow runs, backtests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_INDEXES = (
    ("policy_versions", "policy_versions_newest", ["created_at", "id"]),
    ("policy_shadow_runs", "policy_shadow_runs_of_version", ["version_id", "started_at"]),
    ("policy_backtests", "policy_backtests_of_version", ["version_id", "created_at"]),
    ("policy_backtests", "policy_backtests_by_state", ["state", "created_at"]),
)


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=null)


def _number(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=null)


def upgrade() -> None:
    op.create_table(
        "policy_versions",
        _text("id"),
        _text("text"),
        _text("form"),
        _text("digest"),
        _text("author"),
        _text("note"),
        _number("created_at"),
        _text("state"),
        _text("policy_id", null=True),
        _number("number", null=True),
        _text("examined", null=True),
        _text("approval", null=True),
        _number("revision"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "policy_numbers",
        _text("policy_id"),
        _number("number"),
        _text("digest"),
        sa.PrimaryKeyConstraint("policy_id", "number"),
    )
    op.create_table(
        "policy_publications",
        _number("number"),
        _text("version_id"),
        _text("digest"),
        _text("how"),
        _text("by"),
        _number("at"),
        _number("back_to", null=True),
        _text("note"),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "policy_current",
        _number("slot"),
        _number("publication"),
        _text("shadow", null=True),
        sa.PrimaryKeyConstraint("slot"),
    )
    _create_trials()
    for table, name, columns in _INDEXES:
        op.create_index(name, table, columns)


def _create_trials() -> None:
    op.create_table(
        "policy_shadow_runs",
        _text("id"),
        _text("version_id"),
        _text("digest"),
        _text("against"),
        _text("by"),
        _number("started_at"),
        _number("stopped_at", null=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "policy_shadow_counts",
        _text("run_id"),
        _text("before"),
        _text("after"),
        _number("times"),
        sa.PrimaryKeyConstraint("run_id", "before", "after"),
    )
    op.create_table(
        "policy_shadow_samples",
        _text("run_id"),
        _text("decision_id"),
        _text("before"),
        _text("after"),
        sa.PrimaryKeyConstraint("run_id", "decision_id"),
    )
    op.create_table(
        "policy_backtests",
        _text("id"),
        _text("version_id"),
        _text("by"),
        _number("created_at"),
        _number("since"),
        _number("until"),
        _text("state"),
        _number("total", null=True),
        _number("read"),
        _text("cursor"),
        _text("tally", null=True),
        _text("report", null=True),
        _text("error", null=True),
        _text("owner", null=True),
        _number("lease_until", null=True),
        _number("finished_at", null=True),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    for table, name, _ in reversed(_INDEXES):
        op.drop_index(name, table)
    for table in (
        "policy_backtests",
        "policy_shadow_samples",
        "policy_shadow_counts",
        "policy_shadow_runs",
        "policy_current",
        "policy_publications",
        "policy_numbers",
        "policy_versions",
    ):
        op.drop_table(table)
