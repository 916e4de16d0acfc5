"""Secrets that all processes on one database share. The first that needs one makes it."""

from __future__ import annotations

import secrets
from typing import Final

from sqlalchemy import Connection, select

from litellm_bighub.control_plane.store.schema import secrets as table

STATE_KEY: Final = "state_key"
"""Signs the stored runs of agents."""


def secret_of(connection: Connection, name: str) -> bytes:
    """The secret of this name, 32 bytes; made if there is none. Only the writer calls it, so that only one is made."""
    known = connection.execute(select(table.c.value).where(table.c.name == name)).scalar()
    if known is None:
        known = secrets.token_hex(32)
        connection.execute(table.insert(), {"name": name, "value": known})
    return bytes.fromhex(known)
