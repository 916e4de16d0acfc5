"""Random ids, too long to guess."""

from __future__ import annotations

import secrets


def random_id() -> str:
    """32 hexadecimal digits."""
    return secrets.token_hex(16)
