"""Hidden values of calls that wait, sealed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "sealed_values",
        sa.Column("approval_id", sa.Text(), primary_key=True),
        sa.Column("path", sa.Text(), primary_key=True),
        sa.Column("visible_to", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        comment="What is hidden in calls that wait, sealed with a key of the environment; gone once they no longer "
        "wait.",
    )


def downgrade() -> None:
    """Forget it."""
    op.drop_table("sealed_values")
