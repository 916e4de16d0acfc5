"""Sends the toy format through the gateway and the doctor, and prints as JSON what came of it.

Run in a process of its own, with a copy of the package in which the format is registered.
"""

from __future__ import annotations

import asyncio
import copy
import json
import sys
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

from litellm.proxy._types import UserAPIKeyAuth

from litellm_bighub import BighubGuardrail
from litellm_bighub.doctor.canary import ARGUMENTS, PROMPT, TOOL
from litellm_bighub.doctor.probes import Probe, ProbedGateway, Received
from litellm_bighub.doctor.proof import prove
from litellm_bighub.domain.decision import Allow, Block
from litellm_bighub.errors import UnreadableAnswerError
from litellm_bighub.formats.registry import FORMATS, format_named, format_of_answer, format_of_call
from litellm_bighub.gateway.routes.route_formats import format_of_route, whole_formats
from litellm_bighub.gateway.sdk import sender

TOY = format_named("toy")
KEY = UserAPIKeyAuth(request_route="/v1/toy")
ANSWER = {
    "turns": [{"say": "I pay."}, {"act": "pay", "id": "a1", "with": {"amount": 7123}}, {"say": "Done."}],
    "shadow": {"name": "pay", "arguments": {"amount": 7123}},
}
EVENTS = [{"turn": turn} for turn in ANSWER["turns"]] + [{"end": "now", "shadow": ANSWER["shadow"]}]


class Decider:
    name = "toy"

    def __init__(self, decision: Allow | Block) -> None:
        self.decision = decision

    async def decide(self, call: Any, context: Any) -> Allow | Block:
        del call, context
        return self.decision

    async def aclose(self) -> None: ...


async def events_of(events: list[Any]) -> AsyncIterator[Any]:
    for event in copy.deepcopy(events):
        yield event


def guardrail(decision: Allow | Block, **settings: Any) -> BighubGuardrail:
    return BighubGuardrail(guardrail_name="toy", decider_instance=Decider(decision), **settings)


async def whole(decision: Allow | Block, answer: Any = ANSWER, **settings: Any) -> Any:
    data = {"talk": ["pay"]}
    made = guardrail(decision, **settings)
    return await made.async_post_call_success_hook(data, KEY, copy.deepcopy(answer))


async def streamed(decision: Allow | Block, events: list[Any] = EVENTS, **settings: Any) -> list[Any]:
    data = {"talk": ["pay"], "stream": True}
    made = guardrail(decision, default_on=False, event_hook=["pre_call", "post_call"], **settings)
    data["guardrails"] = ["toy"]
    return [event async for event in made.async_post_call_streaming_iterator_hook(KEY, events_of(events), data)]


async def refused(**arguments: Any) -> str:
    try:
        await whole(Allow("fine"), **arguments)
    except UnreadableAnswerError as error:
        return error.problem
    return ""


async def brought_back() -> list[str]:
    made = guardrail(Allow("fine"), on_unapproved_result="refuse")
    try:
        cache: Any = None
        call_type: Any = "atoy"
        await made.async_pre_call_hook(KEY, cache, {"talk": [{"did": "a9", "with": "done"}]}, call_type)
    except Exception as error:  # noqa: BLE001 - its class is what is asked for
        return [type(error).__name__, str(getattr(error, "results", [SimpleNamespace(path="")])[0].path)]
    return []


class Upstream:
    """A model for the doctor that was asked what the probe asks."""

    def __init__(self) -> None:
        self.requests: list[Any] = []

    def reset(self) -> None:
        self.requests.clear()

    def script(self, *_: Any) -> None: ...


def proven(decision: Allow | Block) -> list[str]:
    """The verdicts of the doctor's probes, whose roads are the hooks."""
    upstream = Upstream()
    canary = {"turns": [{"act": TOOL, "id": "c", "with": dict(ARGUMENTS)}]}

    def send_whole(_: ProbedGateway) -> Received:
        upstream.requests.append(SimpleNamespace(raw=PROMPT))
        return Received(200, json.dumps(asyncio.run(whole(decision, canary))).encode())

    def send_streamed(_: ProbedGateway) -> Received:
        upstream.requests.append(SimpleNamespace(raw=PROMPT))
        events = [{"turn": canary["turns"][0]}, {"end": "now"}]
        return Received(200, json.dumps(asyncio.run(streamed(decision, events))).encode())

    probes = [Probe("/v1/toy", "whole", "other", send_whole), Probe("/v1/toy", "streamed", "other", send_streamed)]
    gate: Any = None
    model: Any = upstream
    return [row.call.name for row in prove(gate, model, (), probes).rows]


class Router:
    """The model's next answer."""

    async def atoy(self, **request: Any) -> Any:
        return {"turns": [{"say": f"I heard: {len(request['talk'])} things."}]}


def main() -> None:
    import litellm.proxy.proxy_server as proxy  # noqa: PLC0415 - slow to import

    proxy.llm_router = Router()
    told = {
        "recognised": [
            format_of_answer(ANSWER) is TOY,
            format_of_call("atoy") is TOY,
            format_of_route(KEY) is TOY,
            whole_formats(KEY) == {TOY},
            sender.send_function(TOY, proxy.llm_router).__name__ == "atoy",
        ],
        "formats": [known.name for known in FORMATS],
        "whole allowed": asyncio.run(whole(Allow("fine"))),
        "whole blocked": asyncio.run(whole(Block("no"))),
        "whole continued": asyncio.run(whole(Block("no"), on_block="continue")),
        "stream allowed": asyncio.run(streamed(Allow("fine"))),
        "stream blocked": asyncio.run(streamed(Block("no"))),
        "stream continued": asyncio.run(streamed(Block("no"), on_block="continue")),
        "stream unended": asyncio.run(streamed(Block("no"), EVENTS[:2])),
        "refused": asyncio.run(refused(answer={"turns": 7})),
        "brought back": asyncio.run(brought_back()),
        "proof blocked": proven(Block("no")),
        "proof allowed": proven(Allow("fine")),
    }
    json.dump(told, sys.stdout)


main()
