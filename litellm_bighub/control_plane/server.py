"""Serving the control plane until stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import uvicorn

from litellm_bighub.control_plane.decisions.embedded_decider import DATABASE
from litellm_bighub.control_plane.http.api_keys import first_key
from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import sqlite_url
from litellm_bighub.domain.redaction import Redact
from litellm_bighub.wording import WordingSource, read_wording


def serve_forever(
    policy: Path,
    database_url: str,
    *,
    host: str,
    port: int,
    redact: Redact,
    keep_days: float | None,
    wording: WordingSource,
    trust_proxies: Sequence[str] = (),
    say: Callable[[str], None],
) -> None:
    """Open the control plane and serve it.

    Args:
        policy: the policy file.
        database_url: empty for `bighub.db` beside the policy.
        host: the address to listen on.
        port: the port to listen on, 0 for a free one.
        redact: hides secrets in arguments before anything is stored.
        keep_days: how long the audit is kept, in place of what the policy says.
        wording: what Slack and the inbox say, as the guardrail's setting has it.
        trust_proxies: addresses whose `X-Forwarded-For` and `-Proto` are taken for the caller's address and scheme.
        say: prints the inbox's address for people.

    Raises:
        ConfigurationError: policy or database cannot be used.
    """
    plane = ControlPlane.open(
        database_url or sqlite_url(policy.parent / DATABASE),
        policy,
        redact=redact,
        keep_days=keep_days,
        wording=read_wording(wording),
    )
    try:
        secret = asyncio.run(first_key(plane))
        if secret is not None:
            say(f"The key for the inbox, shown this once: {secret}")
        config = uvicorn.Config(
            create_app(plane),
            host=host,
            port=port,
            log_level="warning",
            proxy_headers=bool(trust_proxies),
            forwarded_allow_ips=list(trust_proxies),
        )
        server = uvicorn.Server(config)
        with server.config.bind_socket() as listening:
            say(f"The inbox: http://{host}:{listening.getsockname()[1]}/inbox")
            server.run(sockets=[listening])
    finally:
        plane.close()
