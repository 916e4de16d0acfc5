"""Under which rules of its key and team a call was decided on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("decided_calls", sa.Column("caller_rules", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("decided_calls", "caller_rules")
