"""CPU that commands, sums, sequences and labels add: to judging by 100 rules, and to a decision with a durable record.

Both sides of a row take turns in one run, and only the process's own CPU counts. Each command is another one, so that
none is remembered. Sequences and labels of a recorded decision are those of a conversation that has used fifty tools.
A request that replays a thousand tool turns passes the real hooks of the guardrail, up to its decided answer.
"""

from __future__ import annotations

import gc
import json
import shutil
import sqlite3
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import cedarpy

from benchmarks.control_plane import CALL, CEDAR, CONTEXT, FILL, REQUEST, ROWS, RULES
from benchmarks.figure import Figure
from litellm_bighub import BighubGuardrail
from litellm_bighub.control_plane.decisions.policy_source import PolicySource
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import open_database, sqlite_url
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.conversation.fact import RELEASED, RETURNED, text_of
from litellm_bighub.domain.redaction import Redactor
from litellm_bighub.policy.evaluation import evaluate
from litellm_bighub.policy.policy_text import PolicyText, RuleText, build
from tests.gateway.tool_turns import ROUTES, ToolTurns

CALLS = 50
TURNS = 120
FEW = 10_000
MOST_MORE_US = 30
OTHERS = [
    RuleText(name=f"r{number}", tool=f"tool_{number}_*", domain="p*", max_value=10) for number in range(RULES - 1)
]
SHELL = {
    "block": ["rm -r *", "git push * --force *"],
    "require_approval": ["git push *"],
    "allow": ["git status *", "git log *", "ls *"],
}
PAYMENT = {"name": "payments", "tool": "pay*", "when": "currency == 'EUR'", "max_value": 100}
OUTPUTS = "\n".join(f"tool_{turn % 50}" for turn in range(50))
FACTS = {f"{kind}tool_{number}": float(number) for number in range(50) for kind in (RETURNED, RELEASED)}
FOLLOWED = CallContext(actor="agent", domain="payments", history=text_of(FACTS))
TOLD = CallContext(actor="agent", domain="payments", outputs=OUTPUTS)
TOOLS = {
    "payment": {"value": "amount", "currency": "currency"},
    "tool_49": {"output": "untrusted"},
    "vault": {"output": "secret"},
}
SUMMED = {**PAYMENT, "max_total_per_day": 10**12, "total_by": ["actor", "currency"]}
AFTER = {"after": {"tool": "tool_49"}}
TAINTED = {"name": "tainted", "tool": "pay*", "taint": "secret", "effect": "block"}
DECISIONS = {
    "without": ([PAYMENT], CONTEXT),
    "a sum": ([SUMMED], CONTEXT),
    "a sequence": ([{**PAYMENT, **AFTER}], FOLLOWED),
    "labels": ([TAINTED, PAYMENT], TOLD),
    "a sum, a sequence and labels": ([TAINTED, {**SUMMED, **AFTER}], replace(FOLLOWED, outputs=OUTPUTS)),
}


def shell_policy():
    shell = RuleText.model_validate({"name": "shell", "tool": "pay*", "command": SHELL})
    tools = {"payment": {"command": "command"}}
    return build(
        PolicyText.model_validate({"version": 1, "workspace": "/repo", "tools": tools, "rules": [*OTHERS, shell]})
    )


def cpu_each(function, number):
    started = time.process_time()
    for at in range(number):
        function(at)
    return (time.process_time() - started) / number


def judged():
    """A parsed command beside none, and Cedar, which parses none."""
    plain, shell = build(PolicyText(version=1, rules=[*OTHERS, RuleText.model_validate(PAYMENT)])), shell_policy()
    cedar = cedarpy.PolicySet.from_str(CEDAR)
    took = {"none": [], "command": [], "cedar": []}
    for turn in range(TURNS):
        calls = [
            ToolCall("c", "function", "payment", {"command": f"git log -{turn * CALLS + at}"}) for at in range(CALLS)
        ]
        took["none"].append(cpu_each(lambda _: evaluate(plain, CALL, CONTEXT, now=1.0), CALLS))
        took["command"].append(cpu_each(lambda at, of=calls: evaluate(shell, of[at], CONTEXT, now=1.0), CALLS))
        took["cedar"].append(cpu_each(lambda _: cedarpy.is_authorized(REQUEST, cedar, []), CALLS))
    none, command, theirs = (statistics.median(each) for each in took.values())
    yield Figure.at_most(
        f"judging a call by {RULES} rules (theirs: Cedar)",
        *(f"{none * 1e6:,.0f} µs", f"{theirs * 1e6:,.0f} µs", f"{none / theirs:.2f}"),
        value=none * 1e6,
        bound=50,
        unit=" µs",
    )
    more = statistics.median(b - a for a, b in zip(took["none"], took["command"], strict=True)) * 1e6
    yield Figure.at_most(
        f"the same with a parsed command, {RULES} rules (theirs: without a command)",
        *(f"{command * 1e6:,.0f} µs", f"{none * 1e6:,.0f} µs", f"{more:+.0f} µs"),
        value=more,
        bound=MOST_MORE_US,
        unit=" µs",
        sign="+",
    )


async def filled(directory, rows):
    """A control plane for each decision, with so many calls recorded; the same file for all."""
    first = directory / "first.db"
    made = plane_of(first, [])
    fill = FILL.replace(f"i < {ROWS}", f"i < {rows}")
    await made.write(lambda transaction: transaction.connection.exec_driver_sql(fill))
    await made.aclose()
    with sqlite3.connect(first) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    for at, (name, (rules, _)) in enumerate(DECISIONS.items()):
        yield name, plane_of(shutil.copy(first, directory / f"{at}.db"), rules)


def plane_of(path, rules):
    policy = PolicyText.model_validate({"version": 1, "tools": TOOLS, "rules": rules})
    return ControlPlane(open_database(sqlite_url(path)), PolicySource(policy), redact=Redactor().redact)


REPLAYED = 1_000
FEW_REPLAYED = 100
REPLAYS = 7
READING = {"name": "reading", "tool": "tool_*"}
FOLLOWING = [{**TAINTED, "tool": "send"}, {**SUMMED, **AFTER}, READING]
PAID = ("payment", {"currency": "EUR", "amount": 30})
RULES_OF = {"with": FOLLOWING, "without": [PAYMENT, READING]}


async def replayed():
    """Requests that replay tool turns, with rules that sum up, ask for earlier calls and labels, and with none."""
    for wire in ROUTES:
        took = {}
        for turns in (FEW_REPLAYED, REPLAYED):
            with tempfile.TemporaryDirectory() as directory:
                clients = {name: await client_of(wire, turns, Path(directory) / name) for name in RULES_OF}
                took[turns] = await answered(clients, ToolTurns.body)
                if wire == "responses" and turns == REPLAYED:
                    going_on = await answered(clients, ToolTurns.going_on)
                for client in clients.values():
                    await client.guardrail.tool_decisions.aclose()
        with_, without = took[REPLAYED]["with"], took[REPLAYED]["without"]
        what = f"{wire}: a request of {REPLAYED:,} tool turns and its decision, with all three (theirs: without)"
        yield Figure.of_turns(what, with_, without, at_most=1.3)
        few, many = (statistics.median(took[turns]["with"]) / turns for turns in (FEW_REPLAYED, REPLAYED))
        yield Figure.of_ratio(f"{wire}: each of {REPLAYED:,} turns (theirs: of {FEW_REPLAYED})", many, few, at_most=1.3)
    what = f"responses: a request that names the last of {REPLAYED:,} turns, with all three (theirs: without)"
    yield Figure.of_turns(what, going_on["with"], going_on["without"], at_most=1.3)


async def client_of(wire, turns, folder):
    """A client that has made so many turns, under the rules of the folder's name."""
    folder.mkdir()
    policy = {"version": 1, "tools": TOOLS, "rules": RULES_OF[folder.name]}
    (folder / "policy.json").write_text(json.dumps(policy))
    url = sqlite_url(folder / "bighub.db")
    client = ToolTurns(wire, BighubGuardrail(policy=str(folder / "policy.json"), database_url=url))
    await client.turns(("tool_49", {}))
    for at in range(1, turns):
        await client.turns((f"tool_{at % 49}", {"number": at}))
    return client


async def answered(clients, body_of):
    """Seconds of CPU of a request and its answer, by turns."""
    took = {name: [] for name in clients}
    for turn in range(REPLAYS + 1):
        for name in (list(clients), list(reversed(clients)))[turn % 2]:
            body = body_of(clients[name])
            started = time.process_time()
            assert await clients[name].passes(*PAID, body)
            if turn:  # the first warms up
                took[name].append(time.process_time() - started)
    return took


async def decided(planes):
    """Seconds of CPU of a decision, by turns."""
    took = {name: [] for name in planes}
    for turn in range(TURNS + 1):
        for name in (list(planes), list(reversed(planes)))[turn % 2]:
            started = time.process_time()
            for _ in range(CALLS):
                await planes[name].decide(CALL, DECISIONS[name][1])
            if turn:  # the first warms up
                took[name].append((time.process_time() - started) / CALLS)
    return took


async def figures():
    for figure in judged():
        yield figure
    gc.collect()
    gc.freeze()  # the imported modules: to look through them anew takes longer than to read a thousand turns
    async for figure in replayed():
        yield figure
    measured = {}
    for rows in (FEW, ROWS):
        with tempfile.TemporaryDirectory() as directory:
            planes = {name: plane async for name, plane in filled(Path(directory), rows)}
            measured[rows] = await decided(planes)
            for plane in planes.values():
                await plane.aclose()
        for name in list(DECISIONS)[1:]:
            what = f"a durable decision with {name}, {rows:,} calls recorded (theirs: without)"
            yield Figure.of_turns(what, measured[rows][name], measured[rows]["without"], at_most=1.3)
    for name in DECISIONS:
        few, many = (statistics.median(measured[rows][name]) for rows in (FEW, ROWS))
        yield Figure.of_ratio(f"{ROWS:,} calls recorded (theirs: {FEW:,}), {name}", many, few, at_most=1.5)
