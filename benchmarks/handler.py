"""CPU of checking a request or response, and the time of slow checks: our handler and LiteLLM's."""

from __future__ import annotations

import time

from litellm.llms.openai.responses.guardrail_translation.handler import OpenAIResponsesHandler as BuiltIn
from litellm.types.llms.openai import ResponsesAPIResponse

from benchmarks.figure import Figure
from benchmarks.guardrails import Noop, Slow, Structured
from litellm_bighub.gateway.hooks.translation.responses_handler import OpenAIResponsesHandler

ROUNDS = 7


def a_request(texts):
    items = [{"role": "user", "content": f"text number {number} with a few words"} for number in range(texts)]
    return {"model": "gpt-4.1", "input": items, "litellm_metadata": {}}


def a_response(texts):
    part = {"type": "output_text", "text": "a text with a few words", "annotations": []}
    message = {"type": "message", "role": "assistant", "status": "completed", "content": [part]}
    return ResponsesAPIResponse.model_validate(
        {
            "id": "resp_1",
            "created_at": 1,
            "model": "gpt-4.1",
            "object": "response",
            "output": [{**message, "id": f"msg_{number}"} for number in range(texts)],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
        }
    )


async def cpu(handler, guardrail, side, texts):
    """CPU seconds of one payload: the best of several rounds, so that other work on the machine counts least."""
    repeats = max(3, 600 // texts)
    best = float("inf")
    for _ in range(ROUNDS):
        if side == "request":
            payloads = [a_request(texts) for _ in range(repeats)]
            started = time.process_time()
            for payload in payloads:
                await handler().process_input_messages(payload, guardrail)
        else:
            payloads = [a_response(texts) for _ in range(repeats)]
            requests = [{"litellm_metadata": {}} for _ in range(repeats)]
            started = time.process_time()
            for payload, request in zip(payloads, requests, strict=True):
                await handler().process_output_response(payload, guardrail, request_data=request)
        best = min(best, (time.process_time() - started) / repeats)
    return best


async def figures():
    for side in ("request", "response"):
        for texts in (1, 100, 1000):
            theirs = await cpu(BuiltIn, Noop(), side, texts)
            ours = await cpu(OpenAIResponsesHandler, Noop(), side, texts)
            yield Figure.of_ratio(f"CPU of a {side} of {texts:,} texts", ours, theirs, at_most=0.5)
    for texts in (1, 100, 1000):
        theirs = await cpu(BuiltIn, Structured(), "request", texts)
        ours = await cpu(OpenAIResponsesHandler, Structured(), "request", texts)
        what = f"CPU of a request of {texts:,} texts, guardrail takes `structured_messages`"
        yield Figure.of_ratio(what, ours, theirs, at_most=1)
    theirs = await wall(BuiltIn())
    ours = await wall(OpenAIResponsesHandler())
    yield Figure.of_time("32 texts, each checked in 50 ms", ours, theirs, at_most_ms=60)


async def wall(handler):
    started = time.perf_counter()
    await handler.process_input_messages(a_request(32), Slow())
    return (time.perf_counter() - started) * 1000
