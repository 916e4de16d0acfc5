"""Decided answers through the real proxy, beside what one would use instead.

All proxies run at the same time and are asked in turns, one request at a time; each answer has one call, which all
allow. CPU is that of the proxy's process, from `/proc`: the median of the turns and the middle half of them. Latencies
are those of the client, of all turns together: p50, p95 and p99, each with the middle half of what resampling makes of
it. What `tool_permission` and Reeflex decide is not remembered, and only Reeflex writes it down, in a file. Reeflex
runs in an environment of its own, with the same packages. Its decision service and the hosted BIGHUB are fakes that
answer at once. Where a forbidden call passes, the CPU beside it is no price of deciding.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import re
import statistics
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.figure import Bar, Figure
from benchmarks.products import ReeflexCore, products
from benchmarks.proxy import POLICY
from litellm_bighub.testing import HostedBighub, ScriptedUpstream, allow, block, function_call, text
from tests.control_plane import postgres

REQUESTS = 20
"""Of a turn."""
TURNS = 10
RESAMPLED = 200
CALL = "lookup_order"
FORBIDDEN = "drop_orders"
FORMATS = {"chat": "/v1/chat/completions", "Responses": "/v1/responses", "Messages": "/v1/messages"}
AT_MOST_MS = {"whole": 1.0, "streamed": 1.5}


@dataclass(frozen=True)
class Turn:
    """Seconds of CPU a request, the seconds that each took, and how many answers came without the call."""

    cpu: float
    took: list
    lost: int


class Running:
    """A proxy that answers."""

    def __init__(self, product, proxy):
        self.product = product
        self.tasks = tasks_of(proxy)
        headers = {"Authorization": f"Bearer {proxy.master_key}"}
        self.client = httpx.AsyncClient(base_url=proxy.base_url, headers=headers, timeout=60)

    async def has(self, path, body, call):
        """Whether the answer comes whole and has this call; a notice that names it is none."""
        try:
            answer = await self.client.post(path, json=body)
        except httpx.HTTPError:  # as of a stream that is cut off
            return False
        return answer.is_success and re.search(rf'"name": ?"{call}"', answer.text) is not None

    async def turn(self, path, body):
        took, lost = [], 0
        before = cpu_of(self.tasks)
        for _ in range(REQUESTS):
            started = time.perf_counter()
            lost += not await self.has(path, body, CALL)
            took.append(time.perf_counter() - started)
        return Turn((cpu_of(self.tasks) - before) / REQUESTS, took, lost)


def question(path, prompt, how):
    said = {"input": prompt} if path.endswith("responses") else {"messages": [{"role": "user", "content": prompt}]}
    return {"model": "gpt-4.1", "max_tokens": 99, "stream": how == "streamed", **said}


def tasks_of(proxy):
    """The folders of the processes of a proxy, by its port."""
    port = proxy.base_url.rpartition(":")[2].encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it has ended meanwhile
            continue
        if port in arguments and b"--port" in arguments:
            found.append(process / "task")
    return found


def cpu_of(tasks):
    """Seconds of CPU that all threads of these processes have used."""
    return sum(int((each / "schedstat").read_text().split()[0]) for folder in tasks for each in folder.iterdir()) / 1e9


def quantiles(took):
    return [statistics.quantiles(took, n=100)[at - 1] * 1000 for at in (50, 95, 99)]


def latency(turns):
    took = [each for turn in turns for each in turn.took]
    chance = random.Random(1)
    drawn = zip(*(quantiles(chance.choices(took, k=len(took))) for _ in range(RESAMPLED)), strict=True)
    spreads = [statistics.quantiles(each, n=4) for each in drawn]
    shown = [f"{at:.0f} ({low:.0f} to {high:.0f})" for at, (low, _, high) in zip(quantiles(took), spreads, strict=True)]
    return ", ".join(shown) + " ms"


def shown(turns):
    told = f"{statistics.median(turn.cpu for turn in turns) * 1000:.1f} ms CPU; {latency(turns)}"
    lost, asked = sum(turn.lost for turn in turns), sum(len(turn.took) for turn in turns)
    return f"{told}; {lost} of {asked} without the call" if lost else told


def figure(product, road, turns, plain, *, passes):
    more = [(turn.cpu - without.cpu) * 1000 for turn, without in zip(turns, plain, strict=True)]
    low, added, high = statistics.quantiles(more, n=4)
    is_broken = all(turn.lost == len(turn.took) for turn in turns)
    remark = "breaks the answer" if is_broken else "does not decide" if passes else ""
    columns = (
        f"{road}: {product.name} (theirs: no plugin)",
        shown(turns) + ("; **a forbidden call passes**" if passes else ""),
        shown(plain),
        f"{added:+.1f} ms CPU ({low:+.1f} to {high:+.1f})",
    )
    bound = AT_MOST_MS[road.rpartition(", ")[2]] if product.is_ours else None
    bar = Bar(road, product.name, low, high, bound, remark)
    if bound is not None:
        return Figure.at_most(*columns, value=added, bound=bound, unit=" ms CPU", sign="+", bar=bar)
    return Figure(*columns, "–", None, added, bar)


def judged(request):
    return block("a benchmark") if request.body["action"] == FORBIDDEN else allow()


async def figures():
    with tempfile.TemporaryDirectory() as name, ExitStack() as running:
        upstream, core = running.enter_context(ScriptedUpstream()), running.enter_context(ReeflexCore(FORBIDDEN))
        bighub = running.enter_context(HostedBighub(judged))
        for prompt, call in (("order", CALL), ("drop", FORBIDDEN)):
            upstream.script(prompt, [text("Looking it up."), function_call(call, {"order_id": "A-17"})])
        folder = Path(name)
        (folder / "policy.yaml").write_text(POLICY)
        found = postgres.binaries()
        socket = None if found is None else running.enter_context(postgres.cluster(found))
        proxies = [
            Running(product, running.enter_context(product.running()))
            for product in products(upstream, bighub, core, folder, socket)
        ]
        for (road, path), how in itertools.product(FORMATS.items(), AT_MOST_MS):
            turns = {proxy: [] for proxy in proxies}
            for number in range(TURNS + 1):
                for proxy in (proxies, reversed(proxies))[number % 2]:
                    measured = await proxy.turn(path, question(path, "order", how))
                    if number:  # the first warms up
                        turns[proxy].append(measured)
            plain, *others = proxies
            for proxy in others:
                passes = await proxy.has(path, question(path, "drop", how), FORBIDDEN)
                yield figure(proxy.product, f"{road}, {how}", turns[proxy], turns[plain], passes=passes)
        await asyncio.gather(*(proxy.client.aclose() for proxy in proxies))
