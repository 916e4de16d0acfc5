"""People with a login of their own, and where each login came from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table and the columns."""
    op.create_table(
        "users",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False, unique=True),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("groups", sa.Text(), nullable=False),
        sa.Column("litellm_user", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("disabled_at", sa.Double()),
        comment="People with a login of their own; of a password, its argon2 hash.",
    )
    for name in ("user_id", "address", "client"):
        op.add_column("sessions", sa.Column(name, sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Forget them. Users are logged out."""
    op.execute("DELETE FROM sessions WHERE user_id <> ''")
    for name in ("client", "address", "user_id"):
        op.drop_column("sessions", name)
    op.drop_table("users")
