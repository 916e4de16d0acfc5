"""The driver of streams drives the gates of all formats alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from litellm_bighub.domain.call import ToolCall
from litellm_bighub.formats.stream.gate_protocol import Outcome, Pass, Withhold
from litellm_bighub.gateway.pipeline.gated_stream import gated_events
from tests.formats.absent import of_format

chat = of_format("tests.formats.chat.streams")
messages = of_format("tests.formats.messages.streams")
ChatGate = of_format("litellm_bighub.formats.chat.gate").ChatGate
MessagesGate = of_format("litellm_bighub.formats.messages.gate").MessagesGate
CHAT = [chat.role(), *chat.said("hi"), *chat.call(0), chat.end(), chat.USAGE]
MESSAGES = messages.stream(messages.said(0, "hi"), messages.call(1))
FORMATS = [
    pytest.param(ChatGate, CHAT, 2, id="chat"),
    pytest.param(MessagesGate, MESSAGES, 4, id="messages"),
    pytest.param(MessagesGate, [messages.sse(event) for event in MESSAGES], 4, id="messages-bytes"),
]


async def each(events: Sequence[object]) -> AsyncIterator[object]:
    for event in events:
        yield event


@pytest.mark.lesson("a withheld call withholds the text before it as well", row="messages")
@pytest.mark.lesson("a withheld call withholds the text before it as well", row="chat")
@pytest.mark.parametrize(("gate", "events", "before"), FORMATS)
async def test_text_flows_while_a_call_is_decided(gate, events, before):
    decided = asyncio.Event()
    asked: list[ToolCall] = []

    async def decide(calls: Sequence[ToolCall]) -> Sequence[Outcome]:
        asked.extend(calls)
        await decided.wait()
        return [Pass() for _ in calls]

    released: list[object] = []
    async for event in gated_events(each(events), gate(), decide):
        released.append(event)
        if len(released) == before:
            decided.set()
    assert released == events
    assert len(asked) == 1


@pytest.mark.parametrize(("gate", "events", "before"), FORMATS)
async def test_a_withheld_call_never_leaves(gate, events, before):
    async def decide(calls: Sequence[ToolCall]) -> Sequence[Outcome]:
        return [Withhold("not now") for _ in calls]

    released = [event async for event in gated_events(each(events), gate(), decide)]
    assert released[:before] == events[:before]
    assert "name_t" not in repr(released)
    assert "not now" in repr(released)
