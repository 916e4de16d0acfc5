"""Whose keys: the actors that they speak for, the people that they stand for, and from where and how often."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns; each key that is there stands for a person of its own. Forget answers of the old kind."""
    op.add_column("api_keys", sa.Column("lineage", sa.Text(), nullable=False, server_default=""))
    op.add_column("api_keys", sa.Column("actor", sa.Text()))
    op.add_column("api_keys", sa.Column("ip_whitelist", sa.Text(), nullable=False, server_default=""))
    op.add_column("api_keys", sa.Column("rate_limit_per_minute", sa.Integer()))
    op.add_column("approvals", sa.Column("first_person", sa.Text()))
    op.create_table(
        "api_key_minutes",
        sa.Column("key_id", sa.Text(), primary_key=True),
        sa.Column("minute", sa.BigInteger(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        comment="How often keys with a limit were used in their last minute.",
    )
    op.execute("UPDATE api_keys SET lineage = id")
    op.execute("DELETE FROM idempotency")


def downgrade() -> None:
    """Decisions and approvals are worth more than an older version."""
    raise NotImplementedError("restore a backup instead")
