"""Live sessions; edited calls that are asked about again; what was decided, kept beside what came of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_DECISION = (
    " FROM events AS e WHERE e.type = 'decision_event.created' AND e.subject = COALESCE("
    "(SELECT a.decision_id FROM approvals AS a WHERE a.id = outcomes.request_id),"
    " NULLIF(outcomes.validation_id, ''), outcomes.request_id)"
)
"""Of a report: it names the decision, or the approval that the decision asked for."""


def upgrade() -> None:
    """Add a table and columns, and fill those of the reports that are there."""
    op.create_table(
        "live_sessions",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("connected_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        comment="Programs that said that they are there, until they stop saying so.",
    )
    op.create_index("live_sessions_key", "live_sessions", ["key_id", "expires_at"])
    op.add_column("approvals", sa.Column("edited_digest", sa.Text()))
    op.create_index("approvals_edited", "approvals", ["edited_digest"])
    for name in ("actor", "domain", "tool", "verdict"):
        op.add_column("outcomes", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column("outcomes", sa.Column("decided_at", sa.Double()))
    op.create_index("outcomes_domain", "outcomes", ["domain", "reported_at"])
    op.execute(
        f"UPDATE outcomes SET (actor, domain, tool, verdict, decided_at) ="  # noqa: S608 - constants
        f" (SELECT e.actor, e.domain, e.tool, e.verdict, e.time{_DECISION} LIMIT 1) WHERE EXISTS (SELECT 1{_DECISION})"
    )


def downgrade() -> None:
    """Decisions and approvals are worth more than an older version."""
    raise NotImplementedError("restore a backup instead")
