"""Value, currency and target of a call as a person has edited it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns. Of calls that were edited before nobody knows them."""
    op.add_column("approvals", sa.Column("edited_value", sa.Double()))
    op.add_column("approvals", sa.Column("edited_currency", sa.Text(), nullable=False, server_default=""))
    op.add_column("approvals", sa.Column("edited_target", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Forget them."""
    for name in ("edited_target", "edited_currency", "edited_value"):
        op.drop_column("approvals", name)
