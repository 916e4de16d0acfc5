"""Ids that nobody can guess."""

from __future__ import annotations

import uuid


def random_id() -> str:
    """32 hexadecimal digits."""
    return uuid.uuid4().hex
