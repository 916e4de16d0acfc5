"""When an identity provider last let a user in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column. Whoever has logged in before does so once more before they answer outside of the inbox."""
    op.add_column("users", sa.Column("login_at", sa.Double()))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("users", "login_at")
