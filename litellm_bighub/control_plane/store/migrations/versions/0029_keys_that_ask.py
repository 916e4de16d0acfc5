"""Which key asked about a call that waits, also after it was rotated."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns. A key that is there holds itself; of approvals that are there nobody knows who asked."""
    op.add_column("api_keys", sa.Column("holder", sa.Text(), nullable=False, server_default=""))
    op.add_column("approvals", sa.Column("asked_by", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("approvals", "asked_by")
    op.drop_column("api_keys", "holder")
