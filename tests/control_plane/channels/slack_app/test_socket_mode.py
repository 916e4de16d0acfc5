"""Socket mode goes on whatever arrives, and whatever one interaction makes fail."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager

import pytest

from litellm_bighub.control_plane.channels.slack_app.slack_api import SlackApi
from litellm_bighub.control_plane.channels.slack_app.socket_mode import hear_socket
from litellm_bighub.settings import SlackSettings
from litellm_bighub.testing import SlackServer

ODD = {
    "no JSON": "{",
    "no object": "[1]",
    "bottomless": '{"type":' + "[" * 200_000 + "]" * 200_000 + "}",
    "an id of half a character": '{"type": "interactive", "envelope_id": "\\ud83d", "payload": {}}',
}

FIRST = '{"type": "interactive", "envelope_id": "e1", "payload": {"number": 1}}'


@pytest.fixture
def slack():
    with SlackServer() as server:
        yield server


async def until(slack, holds):
    await asyncio.to_thread(slack.wait_until, holds)


@asynccontextmanager
async def hearing(slack, take):
    settings = SlackSettings(
        channel=slack.channel, bot_token=slack.bot_token, app_token=slack.app_token, api_url=slack.api_url
    )
    hears = asyncio.create_task(hear_socket(SlackApi(settings), take))
    try:
        await until(slack, lambda server: server.connections)
        yield
    finally:
        hears.cancel()
        await asyncio.wait({hears})


async def nothing():
    """Nothing is left to do."""


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
async def test_after_odd_texts_the_same_connection_goes_on(slack, text):
    heard = []

    async def take(payload):
        heard.append(payload)
        return nothing

    async with hearing(slack, take):
        await asyncio.to_thread(slack.send_text, text)
        assert await asyncio.to_thread(slack.send, {"number": 2})
        assert heard[-1] == {"number": 2}
    assert slack.asked == ["apps.connections.open"]


async def test_whatever_an_interaction_makes_fail_the_others_go_on_and_the_log_names_no_content(slack, caplog):
    async def fail():
        raise LookupError("what somebody wrote")

    async def take(payload):
        if payload["number"] == 1:
            raise ValueError("what somebody wrote")
        return fail

    async with hearing(slack, take):
        with caplog.at_level(logging.WARNING, hear_socket.__module__):
            await asyncio.to_thread(slack.send_text, FIRST)
            assert await asyncio.to_thread(slack.send, {"number": 2})
            assert await asyncio.to_thread(slack.send, {"number": 3})
    assert slack.asked == ["apps.connections.open"]
    assert "could not be taken: ValueError" in caplog.text
    assert "could not be taken: LookupError" in caplog.text
    assert "what somebody wrote" not in caplog.text
