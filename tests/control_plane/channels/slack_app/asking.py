"""Run as a process of its own: has the control plane of a policy decide on a call, as a gateway does."""

from __future__ import annotations

import asyncio
from pathlib import Path

from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import sqlite_url
from litellm_bighub.domain.call import CallContext, ToolCall


def ask(policy: str, number: int) -> None:
    """Ask about one of many calls."""
    plane = ControlPlane.open(sqlite_url(Path(policy).parent / "bighub.db"), Path(policy))
    call = ToolCall("c", "function", "refund", {"number": number})
    asyncio.run(plane.decide(call, CallContext("agent", "shop")))
    plane.close()
