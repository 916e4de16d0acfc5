"""Throughput of the real proxy with the plugin and without, asked in turns: no tool call, or one to decide on."""

from __future__ import annotations

import asyncio
import json
import operator
import statistics
import tempfile
import time
from pathlib import Path

import httpx

from benchmarks.figure import Figure
from litellm_bighub.testing import ScriptedUpstream, function_call, running_proxy, text

REQUESTS = 24
CONCURRENCY = 8
TURNS = 70
"""Short turns, and many: the machine's own ups and downs last longer than one, and so meet both."""
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


def figure(what, with_plugin, without, *, at_least):
    ours, theirs = statistics.median(with_plugin), statistics.median(without)
    ratio = statistics.median(map(operator.truediv, with_plugin, without))
    return Figure(what, f"{ours:.0f}/s", f"{theirs:.0f}/s", f"{ratio:.3f}", f"≥ {at_least}", ratio >= at_least)


async def figures():
    with tempfile.TemporaryDirectory() as name, ScriptedUpstream() as upstream:
        folder = Path(name)
        (folder / "policy.yaml").write_text(POLICY)
        upstream.script("hello", [text("Good morning to you.")])
        upstream.script("order", [text("Looking it up."), function_call("lookup_order", {"order_id": "A-17"})])
        with (
            running_proxy(config(upstream, folder, governed=False)) as plain,
            running_proxy(config(upstream, folder, governed=True)) as governed,
        ):
            what = "requests a second through the proxy, no tool call in the answer (theirs: no plugin)"
            yield figure(what, *await compared(plain, governed, "hello"), at_least=0.97)
            asked = len([json.loads(line) for line in (folder / "audit.jsonl").read_text().splitlines()])
            yield Figure("decisions asked for in all those requests", str(asked), "–", "–", "0", asked == 0)
            what = "the same, each answer with a call that is decided, recorded and remembered"
            yield figure(what, *await compared(plain, governed, "order"), at_least=0.95)
