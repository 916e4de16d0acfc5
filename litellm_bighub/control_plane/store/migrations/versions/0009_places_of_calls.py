"""By what a withheld call is known where neither it nor its notice comes back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_COLUMNS = ("reasoning_id", "reasoning_digest", "turn")


def upgrade() -> None:
    """Add the columns. Calls of older versions have none of these marks."""
    for name in _COLUMNS:
        op.add_column("decided_calls", sa.Column(name, sa.Text(), nullable=False, server_default=""))
        named = sa.text(f"{name} <> ''")
        op.create_index(f"decided_calls_{name}", "decided_calls", [name], sqlite_where=named, postgresql_where=named)


def downgrade() -> None:
    """Decisions and approvals are worth more than an older version."""
    raise NotImplementedError("restore a backup instead")
