"""Judging a call by 100 rules of which the last one fits: our rules and other policy engines, policies parsed before.

CPU of the process that judges: ours and Cedar in this one, AGT's `PolicyEngine` of agent-governance-toolkit-core 5.0.0
in an environment of its own. OPA is asked over a Unix socket, where `opa` is installed: what counts there is the time
until its answer, as its process is another one.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import cedarpy
import httpx

from benchmarks.control_plane import CALL, CEDAR, CONTEXT, REQUEST, RULES
from benchmarks.environments import python_with
from benchmarks.figure import NONE, Figure
from benchmarks.policy_costs import OTHERS, PAYMENT, cpu_each
from litellm_bighub.policy.evaluation import evaluate
from litellm_bighub.policy.policy_text import PolicyText, RuleText, build

TURNS = 40
CALLS = 100
AGT = "agent-governance-toolkit-core==5.0.0"
OPA = "OPA over a socket"
WORKER = Path(__file__).with_name("agt_worker.py")
REGO = "\n".join(
    [
        "package bench",
        *(f'allow if {{ input.tool == "tool_{number}"; input.amount <= 10 }}' for number in range(RULES - 1)),
        'allow if { input.tool == "payment"; input.currency == "EUR"; input.amount < 100 }',
    ]
)


def agt():
    """Seconds of CPU a call, by turns."""
    told = subprocess.run(
        [python_with(AGT), WORKER, *map(str, (RULES, TURNS, CALLS))], check=True, stdout=subprocess.PIPE, text=True
    )
    return list(map(float, told.stdout.split()))


@contextmanager
def opa(binary):
    """A client of an OPA that has the rules."""
    with tempfile.TemporaryDirectory() as folder:
        socket = f"{folder}/opa.sock"
        command = [binary, "run", "--server", "--addr", f"unix://{socket}", "--log-level", "error"]
        with subprocess.Popen(command) as server:
            try:
                while not Path(socket).exists() and server.poll() is None:
                    time.sleep(0.05)
                with httpx.Client(base_url="http://opa", transport=httpx.HTTPTransport(uds=socket)) as client:
                    client.put("/v1/policies/bench", content=REGO).raise_for_status()
                    yield client
            finally:
                server.terminate()


def asked(client):
    """Seconds until OPA's answer, by turns."""
    question = {"input": {"tool": "payment", **CALL.arguments}}
    took = []
    for _ in range(TURNS):
        started = time.perf_counter()
        for _ in range(CALLS):
            answer = client.post("/v1/data/bench/allow", json=question)
        took.append((time.perf_counter() - started) / CALLS)
        if answer.json() != {"result": True}:
            raise AssertionError(f"OPA decided otherwise: {answer.text}")
    return took


async def figures():
    policy = build(PolicyText(version=1, rules=[*OTHERS, RuleText.model_validate(PAYMENT)]))
    cedar = cedarpy.PolicySet.from_str(CEDAR)
    ours, theirs = [], []
    for _ in range(TURNS):
        ours.append(cpu_each(lambda _: evaluate(policy, CALL, CONTEXT, now=1.0), CALLS))
        theirs.append(cpu_each(lambda _: cedarpy.is_authorized(REQUEST, cedar, []), CALLS))
    yield compared("Cedar, by cedarpy", ours, theirs)
    yield compared("AGT's PolicyEngine", ours, agt())
    if (binary := shutil.which("opa")) is None:
        why = "not measured: there is no `opa` here"
        yield Figure(what_of(OPA), NONE, why, NONE, NONE, None, 0)
        return
    with opa(binary) as client:
        yield compared(OPA, ours, asked(client))


def what_of(engine):
    return f"a call by {RULES} rules (theirs: {engine})"


def compared(engine, ours, theirs):
    mine, others = statistics.median(ours), statistics.median(theirs)
    times = (f"{each * 1e6:,.0f} µs" for each in (mine, others))
    return Figure.at_most(what_of(engine), *times, f"{mine / others:.2f}", value=mine * 1e6, bound=50, unit=" µs")
