"""How long the calls of one response wait for their decisions."""

from __future__ import annotations

import asyncio
import statistics
import time

from benchmarks.figure import Figure
from litellm_bighub import Allow, CallContext, ToolCall, ToolDecisions

CALLS = 8
DELAY = 0.2


class Slow:
    """Allows everything after a while."""

    name = "slow"

    async def decide(self, call, context):
        await asyncio.sleep(DELAY)
        return Allow()

    async def aclose(self):
        pass


async def took(calls, context):
    """Milliseconds."""
    started = time.perf_counter()
    await ToolDecisions(Slow()).decide(calls, context)
    return (time.perf_counter() - started) * 1000


async def figures():
    calls = [ToolCall(id=f"call_{number}", type="function", name="refund") for number in range(CALLS)]
    context = CallContext()
    started = time.perf_counter()
    for call in calls:
        await Slow().decide(call, context)
    serial = (time.perf_counter() - started) * 1000
    ours = statistics.median([await took(calls, context) for _ in range(5)])
    yield Figure.of_time(f"{CALLS} calls, each decided in 200 ms (theirs: one by one)", ours, serial, at_most_ms=220)
