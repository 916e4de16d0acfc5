"""Governed agents, beside the published `bighub-openai` 0.1.0b5 in an environment of its own."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

from benchmarks.environments import python_with
from benchmarks.figure import Figure
from litellm_bighub.testing import BlackHole, HostedBighub, ScriptedUpstream, allow, function_call, text

ROOT = Path(__file__).parent.parent
PATIENCE = float(os.environ.get("BENCH_PATIENCE_SECONDS", "20"))
"""How long a run of theirs is waited for; a black hole keeps it for minutes."""
DEADLINE_MS = 2000
CALLS = 8


class Punctual(HostedBighub):
    """Decides each call after the same time, and notes when it was asked."""

    def __init__(self, seconds):
        super().__init__(allow(delay=seconds))
        self.seconds = seconds
        self.asked = []

    def answer(self, request):
        self.asked.append(time.perf_counter())
        return super().answer(request)

    def milliseconds(self):
        """From the first question about a turn's calls to the last answer, the best; the first call warms up."""
        turns = zip(*[iter(self.asked[1:])] * CALLS, strict=False)
        best = min(turn[-1] - turn[0] for turn in turns) + self.seconds
        self.asked.clear()
        return best * 1000


class Forgetful(HostedBighub):
    """Decides at once, and swallows whatever it is to remember."""

    def answer(self, request):
        return BlackHole() if "/memory/" in request.path else super().answer(request)


def peer():
    """The Python of an environment that has the published package."""
    return os.environ.get("BIGHUB_OPENAI_PYTHON") or python_with("bighub-openai==0.1.0b5")


async def measured(python, module, scenario, upstream, bighub):
    """The best milliseconds of the scenario; `None` if its first run did not end while anyone waited."""
    worker = str(Path(__file__).with_name("agent_worker.py"))
    process = await asyncio.create_subprocess_exec(
        python, worker, module, scenario, upstream.base_url, bighub.url, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    await process.stdout.readline()  # it says when its imports are done
    try:
        told, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    except asyncio.TimeoutError:
        process.kill()
        await process.wait()
        return None
    if process.returncode:
        raise RuntimeError(f"{module} failed at {scenario}")
    return min(float(line) for line in told.split())


async def both(scenario, upstream, bighub, *, before=lambda: None):
    """Ours and theirs, one after the other, before the same servers."""
    before()
    ours = await measured(sys.executable, "litellm_bighub.compat", scenario, upstream, bighub)
    before()
    theirs = await measured(peer(), "bighub_openai", scenario, upstream, bighub)
    if ours is None:
        raise RuntimeError(f"our run of {scenario} did not end within {PATIENCE} s")
    return ours, theirs


def figure(what, ours, theirs, at_most_ms):
    if theirs is not None:
        return Figure.of_time(what, ours, theirs, at_most_ms=at_most_ms)
    cut = f"> {PATIENCE * 1000:,.0f} ms"
    return Figure.at_most(what, f"{ours:,.1f} ms", cut, "–", value=ours, bound=at_most_ms, unit=" ms")


def script(upstream):
    """The model calls 8 tools at once or one, then is done. Ours sends the conversation again, theirs the outputs."""
    upstream.script(lambda _: True, [function_call("work", {"n": 1, "value": 1.0})])
    upstream.script("parallel", [function_call("work", {"n": n, "value": 1.0}) for n in range(CALLS)])
    upstream.script(lambda r: r.body["input"][-1].get("type") == "function_call_output", [text("done")])


async def figures():
    with ScriptedUpstream() as upstream, Punctual(0.2) as bighub:
        script(upstream)
        run = await measured(sys.executable, "litellm_bighub.compat", "parallel", upstream, bighub)
        ours = bighub.milliseconds()
        theirs_run = await measured(peer(), "bighub_openai", "parallel", upstream, bighub)
        what = f"{CALLS} parallel calls, each decided in 200 ms: from the first question to the last answer"
        yield figure(what, ours, bighub.milliseconds(), 220)
        yield Figure.of_ratio(
            "the whole run, with its two turns of the model", run, theirs_run, at_most=0.2, unit="ms", scale=1
        )
    with ScriptedUpstream() as upstream, HostedBighub(allow(), BlackHole()) as bighub:
        script(upstream)
        ours, theirs = await both("policy", upstream, bighub, before=lambda: bighub.script(allow(), BlackHole()))
        yield figure("a run whose policy service never answers", ours, theirs, DEADLINE_MS + 50)
    with ScriptedUpstream() as upstream, Forgetful() as bighub:
        script(upstream)
        ours, theirs = await both("memory", upstream, bighub)
        without, _ = await both("none", upstream, bighub)
        added = None if theirs is None else theirs - without
        yield figure("what a memory that never answers adds to a run", max(ours - without, 0.0), added, 5)
    with ScriptedUpstream() as upstream, HostedBighub() as bighub:
        script(upstream)
        ours, theirs = await both("none", upstream, bighub)
        yield Figure.of_ratio("a run of two turns with one decided call", ours / 1e3, theirs / 1e3, at_most=1.0)
