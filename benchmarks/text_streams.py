"""Streams of chat completions and Messages: CPU of a scan, ours and LiteLLM's, and what governing adds to a delta."""

from __future__ import annotations

import asyncio
import json
import statistics
import time

from litellm.proxy._types import UserAPIKeyAuth
from litellm.proxy.guardrails.guardrail_hooks.unified_guardrail.unified_guardrail import UnifiedLLMGuardrails
from litellm.types.utils import ModelResponseStream

from benchmarks import guardrails
from benchmarks.figure import Figure
from benchmarks.latency import DELTAS as PACED, PACE, Unasked
from benchmarks.stream import DELTAS, Noop
from litellm_bighub import TextGuardrail
from litellm_bighub.formats.registry import known_format
from litellm_bighub.gateway.hooks.tool_guardrail import BighubGuardrail

ROUTES = {"chat": "/v1/chat/completions", "messages": "/v1/messages"}
ROUNDS = 3


def words(deltas):
    return [f"word {number} " for number in range(deltas)]


def chunk(delta, reason=None):
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return ModelResponseStream(id="chatcmpl_1", created=1, model="gpt-4.1", choices=[choice])


def chat(deltas):
    told = [chunk({"role": "assistant", "content": word}) for word in words(deltas)]
    return [*told, chunk({}, "stop")]


def frame(kind, **fields):
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def messages(deltas):
    known = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": []}
    usage = {"input_tokens": 10, "output_tokens": 10}
    told = [frame("content_block_delta", index=0, delta={"type": "text_delta", "text": word}) for word in words(deltas)]
    return [
        frame("message_start", message={**known, "stop_reason": None, "stop_sequence": None, "usage": usage}),
        frame("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        *told,
        frame("content_block_stop", index=0),
        frame("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage=usage),
        frame("message_stop"),
    ]


FORMATS = {"chat": chat, "messages": messages}


async def upstream(events):
    for event in events:
        yield event


async def cpu(make, deltas, govern):
    """CPU seconds of one stream."""
    stream = govern(upstream(make(deltas)))
    started = time.process_time()
    async for _ in stream:
        pass
    return time.process_time() - started


def built_in(name):
    """LiteLLM's unified path, with its own handler of the format."""
    hook, caller = UnifiedLLMGuardrails(), UserAPIKeyAuth(request_route=ROUTES[name])
    guardrail = Noop(guardrail_name="noop", event_hook="post_call", default_on=True)

    def govern(events):
        return hook.async_post_call_streaming_iterator_hook(
            caller, events, {"litellm_metadata": {}}, guardrail_to_apply=guardrail
        )

    return govern


def ours(name):
    """`TextGuardrail`, which holds text back as far as a rewrite could reach."""
    texts = TextGuardrail(guardrails=[guardrails.Noop()])
    return lambda events: texts.checked(events, {}, known_format(name))


def governed(name):
    """The tool guardrail, in a stream without calls."""
    guardrail = BighubGuardrail(decider_instance=Unasked())
    request = guardrail.request({}, wire_format=known_format(name))
    return lambda events: guardrail.pipeline.stream(request, events)


async def delay(make, govern):
    """Seconds from a delta's leaving the model to its arrival, the median."""
    sent = []

    async def paced():
        for event in make(PACED):
            await asyncio.sleep(PACE)
            sent.append(time.perf_counter())
            yield event

    came = [time.perf_counter() async for _ in govern(paced())]
    return statistics.median(after - before for before, after in zip(sent, came, strict=False))


async def figures():
    for name, make in FORMATS.items():
        await cpu(make, 50, built_in(name))
        theirs = await cpu(make, DELTAS, built_in(name))
        await cpu(make, 50, ours(name))
        taken = min([await cpu(make, DELTAS, ours(name)) for _ in range(ROUNDS)])
        twice = min([await cpu(make, 2 * DELTAS, ours(name)) for _ in range(ROUNDS)])
        what = f"{name}: CPU of a stream of {DELTAS:,} deltas, guardrail does nothing"
        yield Figure.of_ratio(what, taken, theirs, at_most=0.01, unit="ms", scale=1e3)
        what = f"{name}: the same with {2 * DELTAS:,} deltas, over {DELTAS:,} (linear: 2)"
        grown = twice / taken
        yield Figure.at_most(what, f"{grown:.2f}", "–", f"{grown:.2f}", value=grown, bound=2.5)
        theirs = await delay(make, lambda events: events)
        added = await delay(make, governed(name)) - theirs
        what = f"{name}: added to a text delta of a governed stream, p50 (theirs: no plugin)"
        yield Figure.of_time(what, added * 1000, theirs * 1000, at_most_ms=0.5)
