"""A thousand streams that wait for their decisions at the same time."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc

import pytest

from litellm_bighub.formats.registry import format_named
from litellm_bighub.formats.stream.gate_protocol import Pass
from litellm_bighub.gateway.pipeline.gated_stream import gated_events

STREAMS = 1000
WORDS = [*["x" * 50_000] * 4, "!"]
"""What has passed of each stream, 200 kB, is gone but for the last event."""
ARGUMENTS = 2_000


def responses():
    place = {"output_index": 0, "item_id": "msg", "content_index": 0}
    for word in WORDS:
        yield {"type": "response.output_text.delta", "delta": word, **place}
    call = {"type": "function_call", "id": "fc", "call_id": "call", "name": "refund"}
    arguments = f'{{"note": "{"y" * ARGUMENTS}"}}'
    yield {"type": "response.output_item.added", "output_index": 1, "item": {**call, "arguments": ""}}
    yield {
        "type": "response.function_call_arguments.delta",
        "output_index": 1,
        "item_id": "fc",
        "delta": arguments,
    }
    yield {"type": "response.output_item.done", "output_index": 1, "item": {**call, "arguments": arguments}}


def chat():
    def chunk(delta, finish_reason=None):
        return {"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}

    for word in WORDS:
        yield chunk({"content": word})
    arguments = f'{{"note": "{"y" * ARGUMENTS}"}}'
    function = {"name": "refund", "arguments": arguments}
    yield chunk({"tool_calls": [{"index": 0, "id": "call", "type": "function", "function": function}]})
    yield chunk({}, "tool_calls")


def messages():
    def event(kind, **fields):
        return {"type": kind, **fields}

    yield event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    for word in WORDS:
        yield event("content_block_delta", index=0, delta={"type": "text_delta", "text": word})
    yield event("content_block_stop", index=0)
    call = {"type": "tool_use", "id": "call", "name": "refund", "input": {}}
    yield event("content_block_start", index=1, content_block=call)
    arguments = f'{{"note": "{"y" * ARGUMENTS}"}}'
    yield event("content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": arguments})
    yield event("content_block_stop", index=1)
    yield event("message_delta", delta={"stop_reason": "tool_use"}, usage={"output_tokens": 1})


MADE = {"responses": responses, "chat": chat, "messages": messages}


@pytest.mark.parametrize("name", MADE)
async def test_a_held_stream_keeps_no_more_than_its_undecided_call(name):
    made, gate = MADE[name], format_named(name).gate
    answered, asked = asyncio.Event(), asyncio.Semaphore(0)

    async def decide(calls):
        asked.release()
        await answered.wait()
        return [Pass() for _ in calls]

    async def upstream():
        for event in made():
            yield event

    async def consume():
        passed = 0
        async for event in gated_events(upstream(), gate({}, lambda: "notice"), decide):
            passed += 1
            del event  # or the last one that passed would be kept here
        return passed

    gc.collect()
    tracemalloc.start()
    try:
        consumers = [asyncio.ensure_future(consume()) for _ in range(STREAMS)]
        for _ in range(STREAMS):
            await asyncio.wait_for(asked.acquire(), 60)
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    answered.set()

    assert set(await asyncio.gather(*consumers)) == {len(list(made()))}
    assert held / STREAMS < 10 * ARGUMENTS  # the call, a few times over, and the machinery around it
