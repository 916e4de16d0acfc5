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


def listed(connection: Connection, limit: int) -> list[tuple[str, float, str]]:
    """Versions, when each was first used, and their content; the newest first."""
    query = select(policies.c.version, policies.c.first_seen_at, policies.c.body)
    rows = connection.execute(query.order_by(policies.c.first_seen_at.desc(), policies.c.version).limit(limit))
    return [(version, at, body) for version, at, body in rows]


def get(connection: Connection, version: str) -> tuple[float, str] | None:
    """When a version was first used, and its content."""
    query = select(policies.c.first_seen_at, policies.c.body).where(policies.c.version == version)
    row = connection.execute(query).one_or_none()
    return None if row is None else (row.first_seen_at, row.body)


def before(connection: Connection, at: float) -> str | None:
    """The content of the version that was first used before a time, most lately."""
    query = select(policies.c.body).where(policies.c.first_seen_at < at)
    return connection.execute(query.order_by(policies.c.first_seen_at.desc()).limit(1)).scalar()
