"""What came back in conversations, for the labels of results."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "histories",
        sa.Column("mark", sa.Text(), primary_key=True),
        sa.Column("returned", sa.Text(), nullable=False),
        sa.Column("time", sa.Double(), nullable=False),
        comment="The tools whose results had come back, by the marks of answers, conversations, calls and callers.",
    )
    op.create_index("histories_time", "histories", ["time"])


def downgrade() -> None:
    """Forget it."""
    op.drop_table("histories")
