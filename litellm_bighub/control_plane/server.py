"""Serving the control plane until stopped."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import uvicorn

from litellm_bighub.control_plane.approvals.sealed_arguments import require_keys
from litellm_bighub.control_plane.channels.channel import Channel
from litellm_bighub.control_plane.channels.mail import Mail
from litellm_bighub.control_plane.decisions.embedded_decider import DATABASE
from litellm_bighub.control_plane.http.api_keys import first_key
from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.people.oidc.provider import Provider
from litellm_bighub.control_plane.people.second_factor import SecondFactor
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import sqlite_url
from litellm_bighub.control_plane.store.sealing import Sealing
from litellm_bighub.domain.redaction import Redact
from litellm_bighub.settings import OidcSettings, SmtpSettings
from litellm_bighub.wording import WordingSource, read_wording

_GRACE_SECONDS = 5
"""How long requests may go on once the server is told to stop: streams, and those who wait for people, come back."""


class _ListeningServer(uvicorn.Server):
    """A server that calls back once it listens."""

    def __init__(self, config: uvicorn.Config, on_listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_listening()


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
    public_url: str = "",
    oidc: OidcSettings | None = None,
    require_totp: bool = False,
    smtp: SmtpSettings | None = None,
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
        public_url: where people reach it; with https their sessions are sent over TLS alone.
        oidc: how people log in at an identity provider.
        require_totp: whether users with a password must have a second factor.
        smtp: by which server mail tells of calls that wait.
        say: prints the inbox's address for people, once it answers.

    Raises:
        ConfigurationError: policy or database cannot be used, or there is no usable key to seal what the policy lets
            people look at.
    """
    sealing = Sealing.from_environment()
    plane = ControlPlane.open(
        database_url or sqlite_url(policy.parent / DATABASE),
        policy,
        redact=redact,
        keep_days=keep_days,
        wording=read_wording(wording),
        sealing=sealing,
        check=partial(require_keys, sealing),
    )
    try:
        second_factor = SecondFactor(sealing, required=require_totp)
        asyncio.run(plane.read(second_factor.check))
        secret = asyncio.run(first_key(plane))
        if secret is not None:
            say(f"The key for the inbox, shown this once: {secret}")
        channels: Sequence[Channel] = () if smtp is None else (Mail(smtp, plane, public_url),)
        for channel in channels:
            say(asyncio.run(channel.start()))
        provider = None if oidc is None else Provider(oidc, public_url, clock=plane.clock)
        config = uvicorn.Config(
            create_app(
                plane,
                behind_tls=public_url.startswith("https:"),
                provider=provider,
                second_factor=second_factor,
                channels=channels,
            ),
            host=host,
            port=port,
            log_level="warning",
            timeout_graceful_shutdown=_GRACE_SECONDS,
            proxy_headers=bool(trust_proxies),
            forwarded_allow_ips=list(trust_proxies),
        )
        with config.bind_socket() as listening:
            address = f"{public_url or f'http://{host}:{listening.getsockname()[1]}'}/inbox"
            _ListeningServer(config, lambda: say(f"The inbox: {address}")).run(sockets=[listening])
    finally:
        plane.close()
