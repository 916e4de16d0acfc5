"""Messages about calls that wait, in channels."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "told_messages",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("approval_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("escalates_at", sa.Double()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("is_over", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.UniqueConstraint("approval_id", "channel", "place", name="told_messages_place"),
        comment="What channels were told of calls that wait, and how each message is found there.",
    )
    op.create_index("told_messages_due", "told_messages", ["channel", "is_over", "due_at"])


def downgrade() -> None:
    """Forget them. Each call that waits is told once more at the next upgrade."""
    op.drop_table("told_messages")
