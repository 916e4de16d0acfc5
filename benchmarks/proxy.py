"""Throughput of the real proxy with the plugin and without, asked in turns: no tool call, or one to decide on."""

from __future__ import annotations

import asyncio
import operator
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import httpx

from benchmarks.figure import Figure
from litellm_bighub.testing import ScriptedUpstream, function_call, running_proxy, text

REQUESTS = 24
CONCURRENCY = 8
TURNS = 18
"""Short turns, and many: the machine's own ups and downs last longer than one, and so meet both."""
PAIRS = 4
"""Processes of both kinds: two that do the very same differ by up to 5 %, by the luck of their memory's layout."""
POLICY = "version: 1\ndefault: block\nrules:\n  - {name: lookups, tool: 'lookup_*', effect: allow}\n"


def config(upstream, folder, *, governed):
    model = {"model": "openai/gpt-4.1", "api_base": upstream.base_url, "api_key": "sk-no-key-is-needed"}
    guardrail = {
        "guardrail": "litellm_bighub.BighubGuardrail",
        "mode": ["pre_call", "post_call"],
        "default_on": True,
        "policy": str(folder / "policy.yaml"),
        "audit_file": str(folder / "audit.jsonl"),
    }
    return {
        "model_list": [{"model_name": "gpt-4.1", "litellm_params": model}],
        "guardrails": [{"guardrail_name": "bighub", "litellm_params": guardrail}] if governed else [],
        "litellm_settings": {"telemetry": False},
    }


async def burst(proxy, prompt):
    limit = asyncio.Semaphore(CONCURRENCY)
    headers = {"Authorization": f"Bearer {proxy.master_key}"}
    async with httpx.AsyncClient(base_url=proxy.base_url, headers=headers, timeout=60) as client:

        async def one():
            async with limit:
                answer = await client.post("/v1/responses", json={"model": "gpt-4.1", "input": prompt})
                answer.raise_for_status()

        started = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(REQUESTS)))
        return REQUESTS / (time.perf_counter() - started)


async def compared(plain, governed, prompt):
    """Requests a second with the plugin and without it, in turns."""
    await burst(plain, prompt)
    await burst(governed, prompt)
    without, with_plugin = [], []
    for turn in range(TURNS):  # whoever comes second finds a warmer machine, so they take turns in that too
        for proxy in (plain, governed) if turn % 2 else (governed, plain):
            (without if proxy is plain else with_plugin).append(await burst(proxy, prompt))
    return with_plugin, without


def figure(what, pairs, *, at_least):
    ours = statistics.mean(statistics.median(with_plugin) for with_plugin, _ in pairs)
    theirs = statistics.mean(statistics.median(without) for _, without in pairs)
    ratios = [statistics.median(map(operator.truediv, with_plugin, without)) for with_plugin, without in pairs]
    ratio = statistics.mean(ratios)
    spread = f"{ratio:.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
    return Figure.at_least(what, f"{ours:.0f}/s", f"{theirs:.0f}/s", spread, value=ratio, bound=at_least)


async def pair(folder, upstream, *, governed_first):
    """What one process of each kind does: both prompts' requests a second, and the decisions asked for by the first."""
    folder.mkdir()
    (folder / "policy.yaml").write_text(POLICY)
    with ExitStack() as running:
        first, second = (
            running.enter_context(running_proxy(config(upstream, folder, governed=governed)))
            for governed in (governed_first, not governed_first)
        )
        plain, governed = (second, first) if governed_first else (first, second)
        no_call = await compared(plain, governed, "hello")
        asked = len((folder / "audit.jsonl").read_text().splitlines())
        return no_call, asked, await compared(plain, governed, "order")


async def figures():
    with tempfile.TemporaryDirectory() as name, ScriptedUpstream() as upstream:
        upstream.script("hello", [text("Good morning to you.")])
        upstream.script("order", [text("Looking it up."), function_call("lookup_order", {"order_id": "A-17"})])
        pairs = [
            await pair(Path(name) / str(index), upstream, governed_first=bool(index % 2)) for index in range(PAIRS)
        ]
        no_call, asked, with_call = zip(*pairs, strict=True)
        what = "requests a second through the proxy, no tool call in the answer (theirs: no plugin)"
        yield figure(what, no_call, at_least=0.97)
        what, decided = "decisions asked for in all those requests", sum(asked)
        yield Figure.at_most(what, str(decided), "–", "–", value=decided, bound=0)
        what = "the same, each answer with a call that is decided, recorded and remembered"
        yield figure(what, with_call, at_least=0.95)
