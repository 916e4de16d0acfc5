"""CPU of checking whole requests and answers of chat completions and Messages: our handlers and LiteLLM's, in turns."""

from __future__ import annotations

import gc
import time

from litellm.llms.anthropic.chat.guardrail_translation.handler import AnthropicMessagesHandler
from litellm.llms.openai.chat.guardrail_translation.handler import OpenAIChatCompletionsHandler
from litellm.types.utils import ModelResponse

from benchmarks.figure import Figure
from benchmarks.guardrails import Noop, Rewriting
from litellm_bighub.formats.registry import known_format
from litellm_bighub.gateway.hooks.registration import handler_of

TURNS = 15
"""Rounds of each side, one after the other: what else the machine does meets both."""
TEXTS = (1, 100, 1000)
USAGE = {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20}


def a_request(texts):
    roles = ("user", "assistant")
    said = [{"role": roles[number % 2], "content": f"text number {number} with a few words"} for number in range(texts)]
    return {"model": "a-model", "max_tokens": 1000, "messages": said, "litellm_metadata": {}}


def a_completion(texts):
    message = {"role": "assistant", "content": "a text with a few words"}
    choices = [{"index": number, "finish_reason": "stop", "message": message} for number in range(texts)]
    return ModelResponse(id="chatcmpl_1", created=1, model="a-model", choices=choices, usage=USAGE)


def a_message(texts):
    blocks = [{"type": "text", "text": f"text number {number} with a few words"} for number in range(texts)]
    usage = {"input_tokens": 10, "output_tokens": 10}
    known = {"id": "msg_1", "type": "message", "role": "assistant", "model": "a-model", "stop_reason": "end_turn"}
    return {**known, "stop_sequence": None, "content": blocks, "usage": usage}


FORMATS = {
    "chat": (OpenAIChatCompletionsHandler, a_completion),
    "messages": (AnthropicMessagesHandler, a_message),
}


async def cpu(handler, guardrail, make, repeats):
    """CPU seconds of one payload."""
    payloads = [make() for _ in range(repeats)]
    requests = [{"litellm_metadata": {}} for _ in range(repeats)]
    gc.collect()
    started = time.process_time()
    if make.__name__ == "request":
        for payload in payloads:
            await handler.process_input_messages(payload, guardrail)
    else:
        for payload, request in zip(payloads, requests, strict=True):
            await handler.process_output_response(payload, guardrail, request_data=request)
    return (time.process_time() - started) / repeats


async def compared(ours, theirs, guardrail, make, texts):
    """CPU seconds of one payload of each, in turns.

    A turn is so long that its first payloads, for which code and memory are cold, do not decide: a gateway under load
    does not begin anew with each request.
    """
    repeats = min(300, max(10, 10_000 // texts))
    taken = {ours: [], theirs: []}
    for turn in range(-1, TURNS):
        for handler in (ours, theirs) if turn % 2 else (theirs, ours):
            seconds = await cpu(handler, guardrail, make, repeats)
            if turn >= 0:  # the first one warms up
                taken[handler].append(seconds)
    return taken[ours], taken[theirs]


async def figures():
    gc.collect()
    gc.freeze()  # the imported modules: to look through them anew before each turn takes longer than all turns
    for name, (built_in, answer) in FORMATS.items():
        ours, theirs = handler_of(known_format(name)), built_in()
        for side, of in (("request", a_request), ("answer", answer)):
            for guardrail in (Noop(), Rewriting()):
                for texts in TEXTS:

                    def make(of=of, texts=texts):
                        return of(texts)

                    make.__name__ = side
                    what = f"{name}: CPU of {'an' if side == 'answer' else 'a'} {side} of {texts:,} texts"
                    taken = await compared(ours, theirs, guardrail, make, texts)
                    yield Figure.of_turns(f"{what}, {guardrail.does}", *taken, at_most=0.5)
