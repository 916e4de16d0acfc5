"""The inbox of the demo's own control plane, served beside the proxy."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from litellm_bighub.control_plane.decisions.embedded_decider import DATABASE
from litellm_bighub.control_plane.http.api_keys import first_key
from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import sqlite_url


@dataclass(frozen=True, slots=True)
class OpenInbox:
    """An inbox that answers.

    Attributes:
        url: for a browser.
        key: to log in with.
    """

    url: str
    key: str


@contextmanager
def open_inbox(policy: Path) -> Generator[OpenInbox, None, None]:
    """Serve the inbox on a free loopback port, on the state that the gateway keeps beside the policy."""
    plane = ControlPlane.open(sqlite_url(policy.parent / DATABASE), policy)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(create_app(plane), log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        try:
            key = asyncio.run(first_key(plane))
            thread.start()
            yield OpenInbox(f"http://127.0.0.1:{listener.getsockname()[1]}/inbox", key or "")
        finally:
            server.should_exit = True
            if thread.ident is not None:
                thread.join(timeout=10)
            plane.close()
