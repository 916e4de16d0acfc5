"""Secrets that are made once and kept with the database, so that every process that uses it has the same."""

from __future__ import annotations

import secrets
from typing import Final

from sqlalchemy import Connection, select

from litellm_bighub.control_plane.store.schema import secrets as table

STATE_KEY: Final = "state_key"
"""Signs the stored runs of agents."""


def secret_of(connection: Connection, name: str) -> bytes:
    """The secret of this name, 32 bytes; made if there is none. To be called by the writer, so that one is made."""
    known = connection.execute(select(table.c.value).where(table.c.name == name)).scalar()
    if known is None:
        known = secrets.token_hex(32)
        connection.execute(table.insert(), {"name": name, "value": known})
    return bytes.fromhex(known)
