"""Letting go of a stream that somebody else made: an asynchronous iterator need not be one that can be closed."""

from __future__ import annotations


async def close(events: object) -> None:
    """Close a stream, if it can be closed."""
    closing = getattr(events, "aclose", None)
    if closing is not None:
        await closing()
