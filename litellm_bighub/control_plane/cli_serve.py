"""`litellm-bighub serve`: the control plane over HTTP, with the inbox."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from litellm_bighub.control_plane.cli_options import DatabaseUrl, failing_plainly
from litellm_bighub.control_plane.decider import DATABASE
from litellm_bighub.control_plane.http.api_keys import first_key
from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import sqlite_url


def serve(
    policy: Annotated[Path, typer.Option(help="the policy file")] = Path("bighub_policy.yaml"),
    database_url: DatabaseUrl = "",
    host: Annotated[str, typer.Option(help="the address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="the port to listen on", min=0, max=65535)] = 8765,
) -> None:
    """Serve until stopped. The first start makes a key for the inbox and prints it once."""
    with failing_plainly():
        plane = ControlPlane.open(database_url or sqlite_url(policy.parent / DATABASE), policy)
        try:
            secret = asyncio.run(first_key(plane))
            if secret is not None:
                typer.echo(f"The key for the inbox, shown this once: {secret}")
            typer.echo(f"The inbox: http://{host}:{port}/inbox")
            uvicorn.run(create_app(plane), host=host, port=port, log_level="warning")
        finally:
            plane.close()
