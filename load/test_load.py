"""Fifty clients at once while the control plane is quick, slow, broken, talks nonsense or is silent.

BIGHUB_LOAD_SECONDS says for how long each; CI takes a few seconds, a real soak a minute or more.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import time

import httpx
import pytest

from litellm_bighub.testing import (
    BlackHole,
    Hangup,
    HostedBighub,
    Output,
    Pace,
    ScriptedUpstream,
    allow,
    block,
    function_call,
    running_proxy,
    text,
)
from litellm_bighub.testing.hosted_answers import error, garbage

SECONDS = float(os.environ.get("BIGHUB_LOAD_SECONDS", "6"))
CLIENTS = 50
DEADLINE = 2.0
PATIENCE = 45.0
"""Seconds after which an answer hangs: the deadline, and the queue of fifty on a busy machine of two cores."""
CANARY = "trace-0815"
QUESTION = {"model": "gpt-4.1", "max_tokens": 99, "messages": [{"role": "user", "content": "go"}]}
ROADS = [
    ("/v1/responses", {"model": "gpt-4.1", "input": "go"}),
    ("/v1/chat/completions", QUESTION),
    ("/v1/messages", QUESTION),
]
ANSWERS = {
    "quick": allow(),
    "quick, a no": block(),
    "slow": allow(delay=1.0),
    "too slow": allow(delay=DEADLINE * 2),
    "errors": error(500),
    "refuses": error(403),
    "garbage": garbage(),
    "hangs up": Hangup(),
    "silent": BlackHole(),
}


@pytest.fixture(scope="module")
def bighub():
    with HostedBighub() as bighub:
        yield bighub


@pytest.fixture(scope="module")
def proxy(bighub):
    with ScriptedUpstream() as upstream:
        items = [text("Here it comes."), function_call("refund", {"order": CANARY})]
        upstream.script("go", Output(items, pace=Pace(delta_size=100)))  # no delta cuts what is looked for
        service = {"base_url": bighub.url, "api_key": bighub.api_key, "deadline_seconds": DEADLINE}
        ours = {"guardrail": "litellm_bighub.BighubGuardrail", "mode": ["pre_call", "post_call"], "default_on": True}
        model = {"model": "openai/gpt-4.1", "api_base": upstream.base_url, "api_key": "sk-no-key-is-needed"}
        config = {
            "model_list": [{"model_name": "gpt-4.1", "litellm_params": model}],
            "guardrails": [
                {"guardrail_name": "bighub", "litellm_params": {**ours, "decider": "bighub", "service": service}}
            ],
            "litellm_settings": {"telemetry": False},
        }
        with running_proxy(config) as proxy:
            yield proxy


async def storm(proxy):
    """Ask on all roads, whole and streamed, until the time is over.

    Returns:
        Of each answer its status, its text and how many seconds it took.
    """
    questions = itertools.cycle(
        [(path, {**body, "stream": stream}) for path, body in ROADS for stream in (False, True)]
    )
    ends = time.monotonic() + SECONDS
    headers = {"Authorization": f"Bearer {proxy.master_key}"}
    limits = httpx.Limits(max_connections=CLIENTS)
    async with httpx.AsyncClient(base_url=proxy.base_url, headers=headers, timeout=PATIENCE, limits=limits) as client:

        async def one_client():
            answers = []
            while time.monotonic() < ends:
                path, body = next(questions)
                started = time.monotonic()
                answer = await client.post(path, json=body)
                answers.append((answer.status_code, answer.text, time.monotonic() - started))
            return answers

        return [answer for each in await asyncio.gather(*(one_client() for _ in range(CLIENTS))) for answer in each]


@pytest.mark.parametrize("name", ANSWERS)
async def test_no_call_is_released_undecided_and_nobody_hangs(proxy, bighub, name):
    bighub.script(ANSWERS[name])

    answers = await storm(proxy)  # httpx raises where an answer takes longer than PATIENCE

    assert len(answers) >= CLIENTS
    assert {status for status, _, _ in answers} == {200}
    assert all("Here it comes." in told for _, told, _ in answers)
    released = sum(CANARY in told for _, told, _ in answers)
    match name:
        case "quick":
            assert released > 0
        case "slow":  # on a busy machine, slow may be too slow
            pass
        case _:
            assert released == 0
