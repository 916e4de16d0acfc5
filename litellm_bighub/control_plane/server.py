"""Serving the control plane until stopped."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path

import uvicorn

from litellm_bighub.control_plane.approvals.sealed_arguments import require_keys
from litellm_bighub.control_plane.channels.configured import configured_channels
from litellm_bighub.control_plane.decisions.embedded_decider import DATABASE
from litellm_bighub.control_plane.http.api_keys import first_key
from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.people.oidc.provider import Provider
from litellm_bighub.control_plane.people.oidc.provider_user import rule_names
from litellm_bighub.control_plane.people.rule_names import NONE_DECLARED
from litellm_bighub.control_plane.people.second_factor import SecondFactor
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import sqlite_url
from litellm_bighub.control_plane.store.seal import Sealing
from litellm_bighub.domain.redaction import Redact
from litellm_bighub.settings import ServeSettings
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
    settings: ServeSettings,
    redact: Redact,
    wording: WordingSource,
    say: Callable[[str], None],
) -> None:
    """Open the control plane and serve it.

    Args:
        policy: the policy file.
        database_url: empty for `bighub.db` beside the policy.
        settings: with what options say.
        redact: hides secrets in arguments before anything is stored.
        wording: what channels and the inbox say, as the guardrail's setting has it.
        say: prints which channels are on, and the inbox's address for people once it answers.

    Raises:
        ConfigurationError: policy, database or a channel cannot be used, or there is no usable key to seal what the
            policy lets people look at.
    """
    sealing, oidc = Sealing.from_environment(), settings.oidc
    plane = ControlPlane.open(
        database_url or sqlite_url(policy.parent / DATABASE),
        policy,
        redact=redact,
        keep_days=settings.keep_days,
        wording=read_wording(wording),
        sealing=sealing,
        check=partial(require_keys, sealing),
        rule_names=NONE_DECLARED if oidc is None else rule_names(oidc),
    )
    try:
        second_factor = SecondFactor(sealing, required=settings.require_totp)
        asyncio.run(plane.read(second_factor.check))
        secret = asyncio.run(first_key(plane))
        if secret is not None:
            say(f"The key for the inbox, shown this once: {secret}")
        channels = configured_channels(settings, plane)
        for channel in channels:
            say(asyncio.run(channel.start()))
        public_url = settings.public_url
        provider = None if oidc is None else Provider(oidc, public_url, clock=plane.clock)
        config = uvicorn.Config(
            create_app(
                plane,
                behind_tls=public_url.startswith("https:"),
                provider=provider,
                second_factor=second_factor,
                channels=channels,
            ),
            host=settings.host,
            port=settings.port,
            log_level="warning",
            timeout_graceful_shutdown=_GRACE_SECONDS,
            proxy_headers=bool(settings.trust_proxy),
            forwarded_allow_ips=settings.trust_proxy,
        )
        with config.bind_socket() as listening:
            here = f"http://{settings.host}:{listening.getsockname()[1]}"
            told = f"The inbox: {public_url}/inbox, served on {here}" if public_url else f"The inbox: {here}/inbox"
            _ListeningServer(config, lambda: say(told)).run(sockets=[listening])
    finally:
        plane.close()
