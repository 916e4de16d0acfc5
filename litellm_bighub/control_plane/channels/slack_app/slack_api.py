"""Slack's Web API, with its failures as a channel tells them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any, Final, cast

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from litellm_bighub.control_plane.channels.channel import ChannelAway, MessageRefused
from litellm_bighub.domain.payload import JsonMapping
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.settings import SlackSettings

_TIMEOUT_SECONDS: Final = 10
_TOKEN_REFUSED: Final = frozenset(
    {
        "access_denied",
        "account_inactive",
        "invalid_auth",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "org_login_required",
        "token_expired",
        "token_revoked",
    }
)
_AWAY: Final = frozenset(
    {"fatal_error", "internal_error", "ratelimited", "rate_limited", "request_timeout", "service_unavailable"}
)
_TOO_MANY: Final = 429
_BROKEN: Final = 500
_ODD: Final = re.compile(r"\W", re.ASCII)


class TokenRefused(ChannelAway):
    """Slack knows the app's token no longer, or lets it do less. An operator mends it, so the same is tried again."""


class SlackApi:
    """Calls of the methods that the channel needs. Nothing is retried here: a message would be sent twice.

    Args:
        settings: the tokens.
    """

    def __init__(self, settings: SlackSettings) -> None:
        self._url = settings.api_url
        self._bot = _client(settings, settings.bot_token.get_secret_value())
        self._app = None if settings.app_token is None else _client(settings, settings.app_token.get_secret_value())

    async def call(self, method: str, body: JsonMapping) -> JsonMapping:
        """Call a method as the bot.

        Raises:
            ChannelAway: Slack does not answer, or not now.
            MessageRefused: it refuses this.
        """
        return await _called(self._bot, method, body)

    async def socket_address(self) -> str:
        """Where socket mode answers this time.

        Raises:
            ChannelAway: Slack does not answer, or not now.
        """
        if self._app is None:
            raise RuntimeError("there is no app token")
        try:
            address = str((await _called(self._app, "apps.connections.open", {}))["url"])
        except (MessageRefused, KeyError) as error:
            raise ChannelAway(f"socket mode: {error}") from error
        if not address.startswith("wss:") and self._url.startswith("https:"):
            raise ChannelAway("socket mode: its address is not encrypted")
        return address

    async def identity(self) -> JsonMapping:
        """Who the bot is, and in which workspace.

        Raises:
            ChannelAway: Slack does not answer, or not now.
        """
        try:
            return await self.call("auth.test", {})
        except MessageRefused as refused:
            raise TokenRefused(str(refused)) from refused

    async def check(self) -> JsonMapping:
        """Who the bot is, once both tokens were tried.

        Raises:
            ChannelAway: Slack does not answer, or not now.
            ConfigurationError: it refuses a token.
        """
        try:
            found = await self.identity()
        except TokenRefused as refused:
            raise ConfigurationError("serve.slack.bot_token", f"is refused by Slack: {refused}") from refused
        try:
            if self._app is not None:
                await self.socket_address()
        except TokenRefused as refused:
            raise ConfigurationError("serve.slack.app_token", f"is refused by Slack: {refused}") from refused
        return found


def _client(settings: SlackSettings, token: str) -> AsyncWebClient:
    return AsyncWebClient(token, base_url=settings.api_url, timeout=_TIMEOUT_SECONDS, retry_handlers=[])


async def _called(client: AsyncWebClient, method: str, body: JsonMapping) -> JsonMapping:
    try:
        response = await client.api_call(method, json=dict(body))
    except SlackApiError as error:
        raise _failure(method, error.response) from error
    except (SlackClientError, aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
        raise ChannelAway(f"{method}: {type(error).__name__}") from error
    return cast("JsonMapping", response.data) if isinstance(response.data, Mapping) else {}


def _failure(method: str, response: Any) -> Exception:
    status = getattr(response, "status_code", getattr(response, "status", _BROKEN))
    data: Any = getattr(response, "data", None)
    code = _ODD.sub("_", str(data.get("error", "")) if isinstance(data, Mapping) else "")[:60]
    if code in _TOKEN_REFUSED:
        return TokenRefused(code)
    if status == _TOO_MANY or status >= _BROKEN or code in _AWAY or not code:
        wait = str(getattr(response, "headers", {}).get("Retry-After", ""))
        return ChannelAway(f"{method}: {code or status}", retry_after=float(wait) if wait.isdecimal() else None)
    return MessageRefused(f"{method}: {code}")
