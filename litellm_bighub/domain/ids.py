"""Random ids, too long to guess."""

from __future__ import annotations

import os
from typing import Final

APPROVAL: Final = "apr_"
"""How ids of the embedded control plane's approvals begin."""


def random_id() -> str:
    """32 hexadecimal digits."""
    return os.urandom(16).hex()
