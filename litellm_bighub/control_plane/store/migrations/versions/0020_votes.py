"""Who must approve a call, who has so far, and when others may as well."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    for name in ("requirements", "votes"):
        op.add_column("approvals", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column("approvals", sa.Column("escalates_at", sa.Double()))


def downgrade() -> None:
    """Forget them."""
    for name in ("escalates_at", "votes", "requirements"):
        op.drop_column("approvals", name)
