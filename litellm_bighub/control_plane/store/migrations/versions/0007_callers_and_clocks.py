"""Approvals and decided calls are bound to key and user; limits and retention bear clocks that make steps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_WHY = "void since an upgrade: approvals are bound to the key and the user as well; ask anew"


def upgrade() -> None:
    """Add columns and a table, and end the time of approvals that no call could use any more.

    Their expiry is recorded in the chain by whoever looks after expiries, as every other is.
    """
    for name in ("key", "user"):
        op.add_column("decided_calls", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    for name in ("day_before", "hour_before"):
        op.add_column("usage", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "retention",
        sa.Column("what", sa.Text(), primary_key=True),
        sa.Column("looked_at", sa.Double(), nullable=False),
        sa.Column("doubted_at", sa.Double()),
        sa.Column("sure_at", sa.Double()),
        comment="Looks at the clock before what is too old is removed.",
    )
    approvals = sa.table("approvals", *map(sa.column, ("state", "expires_at", "created_at", "comment")))
    waiting = approvals.c.state.in_(("pending", "awaiting_second", "approved"))
    still = waiting & (approvals.c.expires_at > approvals.c.created_at)
    op.execute(approvals.update().where(still).values(expires_at=approvals.c.created_at, comment=_WHY))


def downgrade() -> None:
    """Decisions and approvals are worth more than an older version."""
    raise NotImplementedError("restore a backup instead")
