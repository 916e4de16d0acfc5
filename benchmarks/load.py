"""Fifty agents at once for a minute: streams of all formats, each with a call, of a model that takes eight seconds."""

from __future__ import annotations

import asyncio
import itertools
import math
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import httpx

from benchmarks.figure import Figure
from benchmarks.proxy import POLICY, config
from litellm_bighub.testing import (
    HostedBighub,
    Output,
    Pace,
    ScriptedUpstream,
    allow,
    function_call,
    running_proxy,
    text,
)

CLIENTS = 50
SECONDS = 60.0
TURNS = 2
SAID = "Your order was sent on Monday; I look up where it is now."
DELTAS = 20
"""Of text and arguments."""
DELAY = 0.4
"""Seconds before each. From a quicker model LiteLLM alone would use up its core, which `benchmarks.proxy` compares."""
CALL = function_call("lookup_order", {"order_id": "A-17"})
QUESTION = {"model": "gpt-4.1", "max_tokens": 99, "stream": True, "messages": [{"role": "user", "content": "go"}]}
ROADS = [
    ("/v1/responses", {"model": "gpt-4.1", "input": "go", "stream": True}),
    ("/v1/chat/completions", QUESTION),
    ("/v1/messages", QUESTION),
]


async def storm(proxy, seconds):
    """Answers a second, and the median of how many seconds an answer took."""
    roads = itertools.cycle(ROADS)
    started = time.monotonic()
    headers = {"Authorization": f"Bearer {proxy.master_key}"}
    limits = httpx.Limits(max_connections=CLIENTS)
    async with httpx.AsyncClient(base_url=proxy.base_url, headers=headers, timeout=60, limits=limits) as client:

        async def one_client():
            took = []
            while time.monotonic() < started + seconds:
                path, body = next(roads)
                asked = time.monotonic()
                answer = await client.post(path, json=body)
                answer.raise_for_status()
                if CALL["name"] not in answer.text:
                    raise AssertionError(f"{path} released no call: {answer.text}")
                took.append(time.monotonic() - asked)
            return took

        took = [each for client in await asyncio.gather(*(one_client() for _ in range(CLIENTS))) for each in client]
    return len(took) / (time.monotonic() - started), statistics.median(took)


def hosted(upstream, folder, bighub):
    service = {"base_url": bighub.url, "api_key": bighub.api_key}
    made = config(upstream, folder, governed=True)
    params = made["guardrails"][0]["litellm_params"]
    del params["policy"]
    params |= {"decider": "bighub", "service": service}
    return made


async def figures():
    with tempfile.TemporaryDirectory() as name, ExitStack() as running:
        upstream, bighub = running.enter_context(ScriptedUpstream()), running.enter_context(HostedBighub())
        characters = len(SAID) + len(CALL["arguments"])
        pace = Pace(delta_size=math.ceil(characters / DELTAS), delay_seconds=DELAY)
        upstream.script("go", Output([text(SAID), CALL], pace=pace))
        bighub.script(allow())
        folder = Path(name)
        (folder / "policy.yaml").write_text(POLICY)
        configs = {
            "no plugin": config(upstream, folder, governed=False),
            "embedded": config(upstream, folder, governed=True),
            "hosted": hosted(upstream, folder, bighub),
        }
        measured = {kind: [] for kind in configs}
        for turn in range(TURNS):
            for kind in (configs, reversed(configs))[turn % 2]:
                with running_proxy(configs[kind]) as proxy:
                    await storm(proxy, 5.0)
                    measured[kind].append(await storm(proxy, SECONDS / TURNS))
        theirs, _ = map(statistics.mean, zip(*measured["no plugin"], strict=True))
        for kind in ("embedded", "hosted"):
            ours, seconds = map(statistics.mean, zip(*measured[kind], strict=True))
            what = f"answers a second, {kind} control plane (theirs: no plugin)"
            each = (f"{ours:.1f}/s, {seconds:.2f} s each", f"{theirs:.1f}/s")
            yield Figure.at_least(what, *each, f"{ours / theirs:.3f}", value=ours / theirs, bound=0.95)
