"""Fewer pages for a decision to write: indexes of what most calls have not, and a key of its own beside SQLite's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make indexes anew, and on SQLite the table of events."""
    op.drop_index("decided_calls_time", "decided_calls")
    for column, name in (("conversation", "decided_calls_conversation"), ("notice_id", "decided_calls_notice")):
        named = sa.text(f"{column} <> ''")
        op.drop_index(name, "decided_calls")
        op.create_index(name, "decided_calls", [column], sqlite_where=named, postgresql_where=named)
    if op.get_bind().dialect.name == "sqlite":  # where only an INTEGER key is the row's own number
        with op.batch_alter_table("events") as events:
            events.alter_column("seq", existing_type=sa.BigInteger(), type_=sa.Integer(), existing_nullable=False)


def downgrade() -> None:
    """Decisions and approvals are worth more than an older version."""
    raise NotImplementedError("restore a backup instead")
