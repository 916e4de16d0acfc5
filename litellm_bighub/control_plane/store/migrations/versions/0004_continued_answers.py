"""Which answer stands behind another in one stream."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column to the calls of first answers."""
    op.add_column("decided_calls", sa.Column("continued_by", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("decided_calls", "continued_by")
