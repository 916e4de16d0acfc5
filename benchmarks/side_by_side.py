"""Decided answers through the real proxy: no plugin, LiteLLM's `tool_permission`, and ours with SQLite and PostgreSQL.

All proxies run at the same time and are asked in turns. CPU is that of the proxy's process and its children, from
`/proc`; latencies are those of the client, at one request at a time. `tool_permission` records and remembers nothing.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import httpx

from benchmarks.figure import Figure
from benchmarks.proxy import POLICY, config
from litellm_bighub.testing import ScriptedUpstream, function_call, running_proxy, text
from tests.control_plane import postgres

REQUESTS = 20
"""Of a turn."""
TURNS = 6
TICK = os.sysconf("SC_CLK_TCK")
QUESTION = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "order"}]}
ROADS = {
    "chat": ("/v1/chat/completions", QUESTION),
    "Responses": ("/v1/responses", {"model": "gpt-4.1", "input": "order"}),
    "Messages": ("/v1/messages", {**QUESTION, "max_tokens": 99}),
}
AT_MOST_MS = {"whole": 1.0, "streamed": 1.5}
PERMISSION = {
    "guardrail": "tool_permission",
    "mode": "post_call",
    "default_on": True,
    "rules": [{"id": "lookups", "tool_name": "lookup_.*", "decision": "allow"}],
    "default_action": "deny",
}


def configs(upstream, folder, socket):
    plain = config(upstream, folder, governed=False)
    permission = {**plain, "guardrails": [{"guardrail_name": "permission", "litellm_params": PERMISSION}]}
    made = {"no plugin": plain, "tool_permission": permission, "ours, SQLite": config(upstream, folder, governed=True)}
    if socket is not None:
        ours = config(upstream, folder, governed=True)
        url = f"postgresql://postgres@/postgres?host={socket}"
        ours["guardrails"][0]["litellm_params"] |= {"database_url": url, "audit_file": str(folder / "second.jsonl")}
        made["ours, PostgreSQL"] = ours
    return made


def process_of(proxy):
    """The ids of the processes of a proxy, by its port."""
    port = proxy.base_url.rpartition(":")[2]
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (each / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it has ended meanwhile
            continue
        if port.encode() in arguments and b"--port" in arguments:
            found.append(each / "stat")
    return found


def cpu_of(processes):
    """Seconds of CPU that they have used."""
    fields = [stat.read_text().rpartition(") ")[2].split() for stat in processes]
    return sum(int(ticks) for each in fields for ticks in each[11:15]) / TICK


async def turn(client, processes, path, body):
    """Seconds of CPU a request, the seconds that each took, and how many answers came whole."""
    took, whole = [], 0
    before = cpu_of(processes)
    for _ in range(REQUESTS):
        started = time.perf_counter()
        try:
            answer = await client.post(path, json=body)
            whole += answer.is_success and "lookup_order" in answer.text
        except httpx.HTTPError:  # as of a stream that is cut off
            pass
        took.append(time.perf_counter() - started)
    return (cpu_of(processes) - before) / REQUESTS, took, whole


def shown(turns):
    took = sorted(each for _, times, _ in turns for each in times)
    p50, p95, p99 = (statistics.quantiles(took, n=100)[at - 1] * 1000 for at in (50, 95, 99))
    cpu = statistics.median(cpu for cpu, _, _ in turns) * 1000
    lost = len(took) - sum(whole for _, _, whole in turns)
    told = f"{cpu:.1f} ms CPU; {p50:.0f}, {p95:.0f}, {p99:.0f} ms"
    return f"{told}; {lost} of {len(took)} without the call" if lost else told


async def figures():
    with tempfile.TemporaryDirectory() as name, ExitStack() as running:
        upstream = running.enter_context(ScriptedUpstream())
        upstream.script("order", [text("Looking it up."), function_call("lookup_order", {"order_id": "A-17"})])
        folder = Path(name)
        (folder / "policy.yaml").write_text(POLICY)
        found = postgres.binaries()
        socket = None if found is None else running.enter_context(postgres.cluster(found))
        proxies = {
            kind: running.enter_context(running_proxy(made)) for kind, made in configs(upstream, folder, socket).items()
        }
        processes = {kind: process_of(proxy) for kind, proxy in proxies.items()}
        clients = {
            kind: httpx.AsyncClient(
                base_url=proxy.base_url, headers={"Authorization": f"Bearer {proxy.master_key}"}, timeout=60
            )
            for kind, proxy in proxies.items()
        }
        for road, (path, question) in ROADS.items():
            for how, at_most in AT_MOST_MS.items():
                body = {**question, "stream": True} if how == "streamed" else question
                turns = {kind: [] for kind in proxies}
                for number in range(TURNS + 1):
                    for kind in (proxies, reversed(proxies))[number % 2]:
                        measured = await turn(clients[kind], processes[kind], path, body)
                        if number:  # the first warms up
                            turns[kind].append(measured)
                for kind in list(proxies)[1:]:
                    more = [ours[0] - plain[0] for ours, plain in zip(turns[kind], turns["no plugin"], strict=True)]
                    low, added, high = (each * 1000 for each in statistics.quantiles(more, n=4))
                    yield Figure(
                        f"{road}, {how}: {kind} (theirs: no plugin)",
                        shown(turns[kind]),
                        shown(turns["no plugin"]),
                        f"{added:+.1f} ms CPU ({low:+.1f} to {high:+.1f})",
                        f"≤ +{at_most} ms CPU",
                        added <= at_most,
                    )
        await asyncio.gather(*(client.aclose() for client in clients.values()))
