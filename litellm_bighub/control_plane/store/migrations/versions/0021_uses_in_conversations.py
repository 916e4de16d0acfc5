"""What rules have allowed in conversations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "conversation_uses",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.Text(), nullable=False),
        sa.Column("time", sa.Double(), nullable=False),
        comment="The calls that rules have allowed, by the marks of their conversations and of their callers.",
    )
    op.create_index("conversation_uses_mark", "conversation_uses", ["rule_id", "mark", "time"])
    op.create_index("conversation_uses_time", "conversation_uses", ["time"])


def downgrade() -> None:
    """Forget it."""
    op.drop_table("conversation_uses")
