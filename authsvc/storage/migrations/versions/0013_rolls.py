"""Users and devices are listed by time."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("users_by_time", "users", ["created_at", "client", "user_id"])
    op.create_index("devices_by_time", "devices", ["created_at", "client", "user_id", "device_id"])


def downgrade() -> None:
    op.drop_index("devices_by_time", table_name="devices")
    op.drop_index("users_by_time", table_name="users")
