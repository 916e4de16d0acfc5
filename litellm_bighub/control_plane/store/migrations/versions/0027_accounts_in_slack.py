"""The accounts that people have in Slack."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("users", sa.Column("slack", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Forget them: nobody answers in Slack."""
    op.drop_column("users", "slack")
