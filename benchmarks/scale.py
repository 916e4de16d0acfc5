"""What a control plane with many stored events costs beside one with 10,000: CPU and SQLite's own steps.

The events are those of 90 days, by 20 tools and 50 agents, counted as a process that serves has counted them; 20 calls
wait for a person. `BIGHUB_SCALE_EVENTS=10000000` fills in ten million, which takes twelve gigabytes of disk for the
time of the run. Steps are those of SQLite's virtual machine, in thousands: how busy the machine is does not matter.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sqlite3
import statistics
import tempfile
import time
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import httpx
from sqlalchemy import event

from benchmarks.figure import NONE, Figure
from litellm_bighub.control_plane.decisions.policy_source import PolicySource
from litellm_bighub.control_plane.http.api_keys import make_key
from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.people.roles import SCOPES
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import open_database, sqlite_url
from litellm_bighub.control_plane.store.tables import events, retention
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.redaction import Redactor
from litellm_bighub.policy.policy_text import PolicyText

FEW = 10_000
MANY = int(os.environ.get("BIGHUB_SCALE_EVENTS", "1000000"))
TURNS = 30
DAY = 86_400
DAYS = 90
WAITING = 20
STEP = 100
"""SQLite tells of its steps so many at a time."""
RETAINED = 40
"""Rounds of retention."""
PAUSE_MS = 10
CONTEXT = CallContext(actor="agent_7", domain="payments")
CALL = ToolCall("call", "function", "tool_7", {"amount": 30}, value=30)
HELD = {"name": "held", "tool": "held", "effect": "require_approval"}
POLICY = PolicyText.model_validate({"version": 1, "rules": [HELD, {"name": "all", "tool": "tool_*", "max_value": 100}]})
FILL = f"""
INSERT INTO events
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :number)
SELECT i, :now - {DAYS * DAY}.0 * (:number - i) / :number, 'decision_event.created', 'info', 'dec_' || i,
 'agent_' || (i % 50), 'payments', 'tool_' || (i % 20), CASE i % 10 WHEN 0 THEN 'blocked' ELSE 'allowed' END, 'all',
 :body, '', hex(randomblob(32)) FROM n
"""
COUNTED = """
INSERT INTO event_counts
SELECT CAST(time / 86400 AS INTEGER), type, severity, tool, verdict, rule_id, '', 1, count(*), count(*)
FROM events GROUP BY 1, 2, 3, 4, 5, 6
"""
HEADS = """UPDATE head SET seq = :number, digest = CASE id WHEN 1 THEN (SELECT digest FROM events WHERE seq = :number)
ELSE digest END WHERE id IN (1, 2, 3)"""
PAGES = {
    "the inbox": "/inbox",
    "the decisions page": "/inbox/decisions",
    "the decisions page of a tool": "/inbox/decisions?tool=tool_7",
    "the page of one decision": "/inbox/decisions/dec_{number}",
    "`stats` of the events": "/events/stats",
    "`stats` of the decisions": "/actions/observer/stats",
}


class Filled:
    """A control plane with so many events."""

    def __init__(self, path, number, body):
        self.number = number
        open_database(sqlite_url(path)).dispose()
        fill(path, number, body)
        self.engine = open_database(sqlite_url(path))
        self.engine.dispose()
        self.steps = 0
        event.listen(self.engine, "connect", self._count_steps)
        self.plane = ControlPlane(self.engine, PolicySource(POLICY), redact=Redactor().redact)

    def _count_steps(self, connection, _record):
        def more():
            self.steps += STEP

        connection.set_progress_handler(more, STEP)

    async def open(self):
        for number in range(WAITING):
            await self.plane.decide(ToolCall("call", "function", "held", {"number": number}), CONTEXT)
        with self.engine.connect() as connection:
            self.end = (self.number, events.digest_of(connection, self.number))
        _, key = await make_key(self.plane, "ann", frozenset(SCOPES), by="bench")
        transport = httpx.ASGITransport(app=create_app(self.plane))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://bench", follow_redirects=True)
        self.client.headers["x-api-key"] = key
        page = await self.client.post("/inbox/login", data={"key": key})
        assert re.search(r'name="csrf"', page.text), page.text

    async def decide(self):
        await self.plane.decide(CALL, CONTEXT)

    async def verify(self):
        found = await self.plane.read(lambda connection: events.verify(connection, self.end))
        assert isinstance(found, events.Verified), found

    async def get(self, path):
        answer = await self.client.get(path)
        answer.raise_for_status()

    def work(self):
        yield "a decision", self.decide
        for what, path in PAGES.items():
            yield what, partial(self.get, path.format(number=self.number))
        yield "`verify --since`", self.verify


def fill(path, number, body):
    """Without a log, which would take the database's own size once more."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -500000"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(FILL, {"number": number, "now": time.time(), "body": body})
        connection.execute(COUNTED)
        connection.execute(HEADS, {"number": number})


async def body_of_a_decision(path):
    plane = ControlPlane(open_database(sqlite_url(path)), PolicySource(POLICY), redact=Redactor().redact)
    decided = await plane.decide(CALL, CONTEXT)
    event = await plane.read(lambda connection: events.decision(connection, decided.decision_id))
    await plane.aclose()
    return json.dumps(event["body"])


async def cost(filled, work):
    """Seconds of CPU, and SQLite's steps."""
    steps = filled.steps
    return await cpu_of(work()), filled.steps - steps


async def waits(plane):
    """The seconds that each decision waits until it is cancelled."""
    took = []
    with suppress(asyncio.CancelledError):
        while True:
            started = time.perf_counter()
            await plane.decide(CALL, CONTEXT)
            took.append(time.perf_counter() - started)
            await asyncio.sleep(0)
    return took


async def retained(filled):
    """What removing old events costs, and how long decisions wait meanwhile."""
    plane = filled.plane
    rounds = [await cpu_of(remove(plane)) * 1000 for _ in range(RETAINED)]
    first, longest = rounds[0], max(rounds[1:])
    yield Figure.at_most(
        f"CPU of removing {retention.AT_ONCE} old events at once, {MANY:,} stored: the longest of {RETAINED} rounds",
        f"{longest:.1f} ms, median {statistics.median(rounds):.1f} ms; the first, which prepares, {first:.1f} ms",
        *(NONE, NONE),
        value=longest,
        bound=PAUSE_MS,
        unit=" ms",
    )
    longest = []
    for is_removed in (False, True):
        deciding = asyncio.create_task(waits(plane))
        for _ in range(RETAINED):
            await asyncio.sleep(0.02)
            if is_removed:
                await remove(plane)
        deciding.cancel()
        longest.append(max(await deciding) * 1000)
    what = "the longest wait of a decision while events are removed (theirs: while none are)"
    yield Figure.of_time(what, *reversed(longest), at_most_ms=PAUSE_MS)


async def cpu_of(work):
    started = time.process_time()
    await work
    return time.process_time() - started


async def remove(plane):
    now = time.time()
    removed = await plane.write(lambda transaction: retention.retain(transaction, before=now - DAYS * DAY / 2, now=now))
    assert removed == retention.AT_ONCE


async def figures():
    with tempfile.TemporaryDirectory(prefix="bighub-scale-") as folder:
        body = await body_of_a_decision(Path(folder) / "one.db")
        few, many = (Filled(Path(folder) / f"{number}.db", number, body) for number in (FEW, MANY))
        for filled in (few, many):
            await filled.open()
        for (what, small), (_, large) in zip(few.work(), many.work(), strict=True):
            costs = {few: [], many: []}
            for turn in range(TURNS + 1):
                for filled, work in ((few, small), (many, large))[:: 1 if turn % 2 else -1]:
                    measured = await cost(filled, work)
                    if turn:  # the first warms up
                        costs[filled].append(measured)
            less, more = (tuple(map(statistics.median, zip(*costs[filled], strict=True))) for filled in (few, many))
            yield Figure.at_most(
                f"{what}, {MANY:,} events stored (theirs: {FEW:,})",
                *(f"{cpu * 1000:.2f} ms CPU; {steps / 1000:,.1f}k steps" for cpu, steps in (more, less)),
                f"{more[0] / less[0]:.2f}",
                value=more[0] / less[0],
                bound=1.2,
            )
        async for figure in retained(many):
            yield figure
        for filled in (few, many):
            await filled.client.aclose()
            await filled.plane.aclose()
