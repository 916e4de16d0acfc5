"""CPU that one decided answer costs in the guardrail's hooks, by format and by function, without the proxy around them.

`python -m benchmarks.decision_cpu chat whole` prints the functions that take the CPU of one road.
"""

from __future__ import annotations

import asyncio
import cProfile
import pstats
import statistics
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from copy import deepcopy
from pathlib import Path

import litellm
from litellm.proxy._types import UserAPIKeyAuth

from benchmarks.figure import Figure
from benchmarks.proxy import POLICY
from litellm_bighub.gateway.hooks.tool_guardrail import BighubGuardrail
from litellm_bighub.testing import ScriptedUpstream, function_call, text

ANSWERS = 200
ROUNDS = 7
SHOWN = 60
QUESTION = [{"role": "user", "content": "order"}]
ROADS = {
    "responses": ("/v1/responses", litellm.aresponses, {"input": "order"}, "aresponses"),
    "chat": ("/v1/chat/completions", litellm.acompletion, {"messages": QUESTION}, "acompletion"),
    "messages": (
        "/v1/messages",
        litellm.anthropic_messages,
        {"messages": QUESTION, "max_tokens": 99},
        "anthropic_messages",
    ),
}
LIMITS_MS = {"whole": 1.0, "streamed": 1.5}


async def replayed(events):
    for event in events:
        yield event


class Road:
    """One format, whole or streamed: what LiteLLM hands to the hooks, as the scripted model answered it."""

    def __init__(self, name, kind, guardrail):
        self.path, self._ask, self._body, self._call_type = ROADS[name]
        self._streamed = kind == "streamed"
        self._guardrail = guardrail

    async def prepare(self, upstream):
        model = {"model": "openai/gpt-4.1", "api_base": f"{upstream.base_url}", "api_key": "sk-no-key-is-needed"}
        answer = await self._ask(**model, **self._body, stream=self._streamed)
        self._answer = [event async for event in answer] if self._streamed else answer

    async def cpu(self, profile=None):
        """CPU seconds of one answer."""
        made = [(self._data(), deepcopy(self._answer)) for _ in range(ANSWERS)]
        key = UserAPIKeyAuth(api_key="sk-1", token="0" * 64, request_route=self.path)
        started = time.process_time()
        if profile:
            profile.enable()
        for data, answer in made:
            data = await self._guardrail.async_pre_call_hook(key, None, data, self._call_type)  # noqa: PLW2901 - as LiteLLM does
            if self._streamed:
                stream = self._guardrail.async_post_call_streaming_iterator_hook(key, replayed(answer), data)
                async for _ in stream:
                    pass
            else:
                await self._guardrail.async_post_call_success_hook(data, key, answer)
                await self._guardrail.async_post_call_response_headers_hook(data, key, answer)
        if profile:
            profile.disable()
        return (time.process_time() - started) / ANSWERS

    def _data(self):
        return {
            "model": "gpt-4.1",
            **deepcopy(self._body),
            "metadata": {},
            **({"stream": True} if self._streamed else {}),
        }


@asynccontextmanager
async def roads():
    with tempfile.TemporaryDirectory() as name, ScriptedUpstream() as upstream:
        upstream.script("order", [text("Looking it up."), function_call("lookup_order", {"order_id": "A-17"})])
        folder = Path(name)
        (folder / "policy.yaml").write_text(POLICY)
        guardrail = BighubGuardrail(policy=str(folder / "policy.yaml"), audit_file=str(folder / "audit.jsonl"))
        made = {(name, kind): Road(name, kind, guardrail) for name in ROADS for kind in LIMITS_MS}
        for road in made.values():
            await road.prepare(upstream)
            await road.cpu()
        yield made
        assert (folder / "audit.jsonl").stat().st_size, "nothing was decided"
        await guardrail.tool_decisions.aclose()


async def figures():
    async with roads() as made:
        rounds = [{road: await made[road].cpu() for road in made} for _ in range(ROUNDS)]
    for name, kind in made:
        took = statistics.median(each[name, kind] for each in rounds) * 1000
        limit = LIMITS_MS[kind]
        what = f"{name}, {kind}: CPU of the hooks"
        yield Figure.at_most(what, f"{took:.2f} ms", "–", "–", value=took, bound=limit, unit=" ms")


async def shares(name, kind):
    """Print by function what one road costs."""
    profile = cProfile.Profile(time.process_time)
    async with roads() as made:
        for _ in range(ROUNDS):
            await made[name, kind].cpu(profile)
    pstats.Stats(profile).sort_stats("cumulative").print_stats(SHOWN)
    pstats.Stats(profile).sort_stats("tottime").print_stats(SHOWN)


if __name__ == "__main__":
    asyncio.run(shares(*sys.argv[1:]))
