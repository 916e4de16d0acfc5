"""The ledger of decided calls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "decided_calls",
        sa.Column("id", sa.Integer(), primary_key=True),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("response_id", "conversation", "call_id", "item_id", "notice_id", "notice", "type", "tool")
        ),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("released", sa.Integer(), nullable=False),
        sa.Column("edited", sa.Integer(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("time", sa.Double(), nullable=False),
        comment="What became of the calls of answers, for the requests that follow. Arguments are redacted.",
    )
    op.create_index("decided_calls_response", "decided_calls", ["response_id"])
    op.create_index("decided_calls_conversation", "decided_calls", ["conversation"])
    op.create_index("decided_calls_call", "decided_calls", ["call_id", "actor"])
    op.create_index("decided_calls_notice", "decided_calls", ["notice_id"])
    op.create_index("decided_calls_time", "decided_calls", ["time"])


def downgrade() -> None:
    """Forget what was decided."""
    op.drop_table("decided_calls")
