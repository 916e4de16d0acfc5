"""The embedded control plane: judging by 100 rules beside Cedar, and deciding with a durable record."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cedarpy

from benchmarks.figure import Figure
from litellm_bighub.control_plane.approvals.resolution import Resolution
from litellm_bighub.control_plane.decisions.policy_source import PolicySource
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import open_database, sqlite_url
from litellm_bighub.control_plane.store.tables import switches
from litellm_bighub.control_plane.store.tables.switches import Switch
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.redaction import Redactor
from litellm_bighub.policy.evaluation import evaluate
from litellm_bighub.policy.policy_text import PolicyText, RuleText, build
from tests.control_plane import postgres

RULES = 100
ROWS = 1_000_000
TOLD = 20
CHANGES = 10
VERDICTS = {"allow": "allowed", "block": "blocked"}
CALL = ToolCall("call", "function", "payment", {"currency": "EUR", "amount": 30}, value=30)
CONTEXT = CallContext(actor="agent", domain="payments")
TEXT = PolicyText(
    version=1,
    rules=[
        *(
            RuleText(name=f"r{number}", tool=f"tool_{number}_*", domain="p*", max_value=10)
            for number in range(RULES - 2)
        ),
        RuleText(name="held", tool="held", effect="require_approval"),
        RuleText(name="last", tool="pay*", when="currency == 'EUR'", max_value=100),
    ],
)
CEDAR = "\n".join(
    [
        *(
            f'permit(principal, action == Action::"tool_{number}", resource) when {{ context.amount <= 10 }};'
            for number in range(RULES - 1)
        ),
        'permit(principal, action == Action::"pay", resource) when { context.currency == "EUR" && context.amount<9 };',
    ]
)
REQUEST = {
    "principal": 'Agent::"agent"',
    "action": 'Action::"pay"',
    "resource": 'Domain::"payments"',
    "context": {"currency": "EUR", "amount": 3},
}
FILL = f"""
INSERT INTO events
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
SELECT 1000000 + i, i, 'decision_event.created', 'info', 'dec_' || i, 'agent', 'payments', 'payment', 'allowed', 'last',
 '{{"latency_ms":1,"value":1,"blocked_by":""}}', '', hex(randomblob(32)) FROM n
"""


async def figures():
    policy = build(TEXT)
    cedar = cedarpy.PolicySet.from_str(CEDAR)
    ours = median(lambda: evaluate(policy, CALL, CONTEXT, now=1.0))
    theirs = median(lambda: cedarpy.is_authorized(REQUEST, cedar, []))
    yield Figure.at_most(
        f"judging a call, {RULES} rules (theirs: Cedar, policies parsed before)",
        *(f"{ours * 1e6:,.0f} µs", f"{theirs * 1e6:,.0f} µs", f"{ours / theirs:.2f}"),
        value=ours * 1e6,
        bound=50,
        unit=" µs",
    )
    with tempfile.TemporaryDirectory() as directory:
        url = sqlite_url(Path(directory) / "bighub.db")
        plane = opened(url)
        async for figure in told(plane, url, "SQLite"):
            yield figure
        empty = await decided(plane)
        yield Figure.of_time("a decision with a durable record, SQLite", empty * 1000, None, at_most_ms=0.5)
        yield rate("SQLite", await throughput(plane, 3000), 1000)
        await plane.write(lambda transaction: transaction.connection.exec_driver_sql(FILL))
        full = await decided(plane)
        yield Figure.of_ratio(f"the same with {ROWS:,} events stored (theirs: empty)", full, empty, at_most=1.5)
        await plane.aclose()
        changed = await obeyed(Path(directory))
        yield Figure.of_time("a changed policy file is obeyed, p95", p95(changed) * 1000, None, at_most_ms=2000)
    if (found := postgres.binaries()) is not None:
        with postgres.cluster(found) as socket:
            url = f"postgresql://postgres@/postgres?host={socket}"
            plane = opened(url)
            async for figure in told(plane, url, "PostgreSQL"):
                yield figure
            yield rate("PostgreSQL", await throughput(plane, 6000), 2000)
            await plane.aclose()


async def told(plane, url, where):
    """How soon another process acts on what this one did; from before the call here until its effect there."""
    command = [sys.executable, "-m", "benchmarks.waking", url]
    with subprocess.Popen(  # noqa: ASYNC220 - started once, before anything is measured
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        woken, stopped = [], []
        for number in range(TOLD):
            held = ToolCall("call", "function", "held", {"number": number})
            approval = (await plane.decide(held, CONTEXT)).approval
            resolution = Resolution(approval.id, "approve", "ann")
            woken.append(await until_told(other, approval.id, lambda answer=resolution: plane.resolve(answer)))
            switch = Switch(f"sw_{number}", "global", "", "", "", "ann", time.time())
            stopped.append(await until_told(other, "switch", lambda on=switch: switched(plane, on)))
            await switched(plane, switch, on=False)
        other.stdin.close()
    yield Figure.of_time(f"an approval wakes another process, {where}, p95", p95(woken) * 1000, None, at_most_ms=250)
    yield Figure.of_time(
        f"a kill switch holds in another process, {where}, p95", p95(stopped) * 1000, None, at_most_ms=1000
    )


async def obeyed(directory):
    """How soon decisions follow a change of the policy file."""
    path = directory / "bighub_policy.yaml"
    path.write_text("version: 1\n")
    plane = ControlPlane.open(sqlite_url(directory / "changing.db"), path)
    took = []
    for default in ("allow", "block") * (CHANGES // 2):
        await asyncio.sleep(0.1)
        started = time.monotonic()
        path.write_text(f"version: 1\ndefault: {default}\n")
        while (await plane.decide(CALL, CONTEXT, dry_run=True)).judgement.verdict != VERDICTS[default]:
            pass
        took.append(time.monotonic() - started)
    await plane.aclose()
    return took


async def until_told(other, line, act):
    other.stdin.write(f"{line}\n")
    other.stdin.flush()
    await asyncio.to_thread(other.stdout.readline)
    await asyncio.sleep(0.05)  # it waits by now, as it would for a person
    started = time.monotonic()
    await act()
    return float(await asyncio.to_thread(other.stdout.readline)) - started


async def switched(plane, switch, *, on=True):
    def job(transaction):
        if on:
            switches.activate(transaction.connection, switch)
        else:
            switches.deactivate(transaction.connection, switch.id, by="ann", now=time.time())
        transaction.reconfigure()

    await plane.write(job)


def p95(times):
    return statistics.quantiles(times, n=20)[-1]


def median(function):
    function()
    times = []
    for _ in range(2000):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def opened(url):
    return ControlPlane(open_database(url), PolicySource(TEXT), redact=Redactor().redact)


async def decided(plane):
    times = []
    for _ in range(500):
        started = time.perf_counter()
        await plane.decide(CALL, CONTEXT)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


async def throughput(plane, number):
    await plane.decide(CALL, CONTEXT)
    started = time.perf_counter()
    outcomes = await asyncio.gather(*(plane.decide(CALL, CONTEXT) for _ in range(number)))
    assert len({outcome.decision_id for outcome in outcomes}) == number
    return number / (time.perf_counter() - started)


def rate(where, measured, wanted):
    what = f"decisions a second, {where}, all recorded"
    return Figure.at_least(what, f"{measured:,.0f}", "–", "–", value=measured, bound=wanted)
