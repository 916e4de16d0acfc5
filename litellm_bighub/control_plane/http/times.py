"""Times as the contract writes them."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import overload


@overload
def iso(time: float) -> str: ...
@overload
def iso(time: None) -> None: ...
@overload
def iso(time: float | None) -> str | None: ...
def iso(time: float | None) -> str | None:
    """POSIX seconds in ISO 8601, UTC."""
    return None if time is None else datetime.fromtimestamp(time, timezone.utc).isoformat().replace("+00:00", "Z")
