"""Sums of the values of calls, and what each call has added to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "totals",
        sa.Column("rule_id", sa.Text(), primary_key=True),
        sa.Column("account", sa.Text(), primary_key=True),
        sa.Column("period", sa.Text(), primary_key=True),
        sa.Column("window", sa.Text(), nullable=False),
        sa.Column("used", sa.Text(), nullable=False),
        sa.Column("reserved", sa.Text(), nullable=False),
        sa.Column("window_before", sa.Text(), nullable=False),
        sa.Column("used_before", sa.Text(), nullable=False),
        sa.Column("reserved_before", sa.Text(), nullable=False),
        comment="What the values of a rule's calls sum up to, exactly.",
    )
    op.create_table(
        "reservations",
        sa.Column("decision_id", sa.Text(), primary_key=True),
        sa.Column("rule_id", sa.Text(), primary_key=True),
        sa.Column("approval_id", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("amount", sa.Text(), nullable=False),
        sa.Column("windows", sa.Text(), nullable=False),
        sa.Column("reserved", sa.Integer(), nullable=False),
        sa.Column("time", sa.Double(), nullable=False),
        comment="What each call has added to totals, until it is taken back.",
    )
    is_filled = sa.text("approval_id <> ''")
    op.create_index(
        "reservations_approval",
        "reservations",
        ["approval_id"],
        sqlite_where=is_filled,
        postgresql_where=is_filled,
    )


def downgrade() -> None:
    """Forget them."""
    op.drop_table("reservations")
    op.drop_table("totals")
