"""Slack's socket mode: interactions arrive over a connection that this side opens, and each is acknowledged.

The connection is opened anew, with a new address, whenever it ends. slack-sdk's own client of socket mode keeps trying
an address that counts only once, so only its Web API is used.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeAlias

import aiohttp
import anyio

from litellm_bighub.control_plane.channels.channel import ChannelAway
from litellm_bighub.control_plane.channels.slack_app.slack_api import SlackApi
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.errors import BighubError

logger = logging.getLogger(__name__)
FollowUp: TypeAlias = Callable[[], Awaitable[None]]
Take: TypeAlias = Callable[[object], Awaitable[FollowUp]]
"""Carries out an interaction, and returns what is left to do once Slack knows that it has arrived."""
_HEARTBEAT_SECONDS: Final = 10.0
_SOON_SECONDS: Final = 10.0
_LONGEST_PAUSE: Final = 60.0
_MOST_BYTES: Final = 2_000_000


async def hear_socket(api: SlackApi, take: Take) -> None:
    """Take interactions until cancelled. A connection that fails is opened again after growing pauses."""
    pause = 1.0
    while True:
        opened = time.monotonic()
        try:
            await _one_connection(await api.socket_address(), take)
        except (ChannelAway, aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
            logger.warning("slack's socket mode is away, tried again in %.0f seconds: %s", pause, _told(error))
        else:
            if time.monotonic() - opened > _SOON_SECONDS:
                pause = 1.0
                continue
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


async def _one_connection(address: str, take: Take) -> None:
    async with (
        aiohttp.ClientSession(trust_env=True) as session,
        session.ws_connect(address, heartbeat=_HEARTBEAT_SECONDS, max_msg_size=_MOST_BYTES) as socket,
        anyio.create_task_group() as tasks,
    ):
        async for message in socket:
            envelope = _object(message.data) if message.type == aiohttp.WSMsgType.TEXT else {}
            if envelope.get("type") == "disconnect":  # Slack wants another connection in place of this one
                return
            if envelope.get("type") == "interactive" and isinstance(envelope.get("envelope_id"), str):
                tasks.start_soon(_taken, socket.send_str, envelope, take)


async def _taken(acknowledge: Callable[[str], Awaitable[None]], envelope: JsonObject, take: Take) -> None:
    """Carry out one interaction. Whatever fails about it, the connection and the other interactions go on."""
    try:
        follow_up = await take(envelope.get("payload"))  # if it fails, Slack tells the person that nothing came of it
        with suppress(aiohttp.ClientError, ConnectionError):
            await acknowledge(json.dumps({"envelope_id": envelope["envelope_id"]}))
        await follow_up()
    except Exception as error:  # noqa: BLE001 - one that leaves this task ends the connection
        logger.warning("an answer from Slack could not be taken: %s", _told(error))


def _object(text: str) -> JsonObject:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _told(error: Exception) -> str:
    """Only our own messages are sure to hold nothing of what somebody has sent."""
    return str(error) if isinstance(error, ChannelAway | BighubError) else type(error).__name__
