"""Every version of the policy that a decision was made under."""

from __future__ import annotations

from sqlalchemy import Connection, select, text

from litellm_bighub.control_plane.store.schema import policies

_REMEMBER = text(
    "INSERT INTO policies (version, body, first_seen_at) VALUES (:version, :body, :now)"
    " ON CONFLICT (version) DO NOTHING"
)


def remember(connection: Connection, version: str, body: str, now: float) -> bool:
    """Keep a version; false if it is known."""
    return connection.execute(_REMEMBER, {"version": version, "body": body, "now": now}).rowcount == 1


def listed(connection: Connection, limit: int = 100) -> list[tuple[str, float]]:
    """Versions and when they were first used, the newest first."""
    query = select(policies.c.version, policies.c.first_seen_at).order_by(policies.c.first_seen_at.desc()).limit(limit)
    return [(version, at) for version, at in connection.execute(query)]


def body(connection: Connection, version: str) -> str | None:
    """The content of a version."""
    return connection.execute(select(policies.c.body).where(policies.c.version == version)).scalar()
