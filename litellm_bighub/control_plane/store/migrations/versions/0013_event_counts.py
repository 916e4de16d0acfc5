"""How many events there are of each kind."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TEXTS = ("type", "severity", "tool", "verdict", "rule_id", "blocked_by")


def upgrade() -> None:
    """Add the table. The server counts the events that are there, a few at a time."""
    op.create_table(
        "event_counts",
        sa.Column("day", sa.BigInteger(), primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.Text(), primary_key=True) for name in _TEXTS),
        sa.Column("enforced", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        comment="How many events there are, and what they are worth together, up to the one in row 3 of head.",
    )
    op.execute("INSERT INTO head (id, seq, digest, epoch) VALUES (3, 0, '', 0)")


def downgrade() -> None:
    """Decisions and approvals are worth more than an older version."""
    raise NotImplementedError("restore a backup instead")
