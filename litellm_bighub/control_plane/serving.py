"""Serving the control plane until stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import uvicorn

from litellm_bighub.control_plane.decider import DATABASE
from litellm_bighub.control_plane.http.api_keys import first_key
from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import sqlite_url


def serve_forever(
    policy: Path, database_url: str, *, host: str, port: int, say: Callable[[str], None], keep_days: float | None = None
) -> None:
    """Open the control plane and serve it.

    Args:
        policy: the policy file.
        database_url: empty for `bighub.db` beside the policy.
        host: the address to listen on.
        port: the port to listen on.
        keep_days: how long the audit is kept, in place of what the policy says.
        say: tells people where the inbox is.

    Raises:
        ConfigurationError: policy or database cannot be used.
    """
    plane = ControlPlane.open(database_url or sqlite_url(policy.parent / DATABASE), policy, keep_days=keep_days)
    try:
        secret = asyncio.run(first_key(plane))
        if secret is not None:
            say(f"The key for the inbox, shown this once: {secret}")
        say(f"The inbox: http://{host}:{port}/inbox")
        uvicorn.run(create_app(plane), host=host, port=port, log_level="warning")
    finally:
        plane.close()
