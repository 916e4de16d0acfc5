"""Sends the toy format through the gateway and the doctor, and prints as JSON what came of it.

Run in a process of its own, with a copy of the package in which the format is registered.
"""

from __future__ import annotations

import asyncio
import copy
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from litellm.proxy._types import UserAPIKeyAuth

from litellm_bighub import BighubGuardrail, TextGuardrail
from litellm_bighub.doctor.canary import ARGUMENTS, PROMPT, SECRETS, TOOL
from litellm_bighub.doctor.probes import Probe, ProbedGateway, Received
from litellm_bighub.doctor.proof import prove
from litellm_bighub.doctor.proxy_config import ProxyConfig
from litellm_bighub.doctor.text_coverage import covers, text_formats
from litellm_bighub.domain.decision import Allow, Block
from litellm_bighub.errors import UnreadableAnswerError
from litellm_bighub.formats.registry import FORMATS, format_named, format_of_answer, format_of_call
from litellm_bighub.gateway.pipeline.next_answer import send_function
from litellm_bighub.gateway.routes.route_formats import format_of_route, whole_formats

TOY = format_named("toy")
SECRET = SECRETS["an e-mail address"]
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


class Masking:
    """Masks the doctor's secrets."""

    guardrail_name = "masking"

    async def apply_guardrail(self, inputs: Any, request_data: Any, input_type: str, logging_obj: Any = None) -> Any:
        del request_data, input_type, logging_obj
        texts = inputs["texts"]
        for secret in SECRETS.values():
            texts = [text.replace(secret, "[mask]") for text in texts]
        return {**inputs, "texts": texts}


def texts_guardrail(check: Masking) -> TextGuardrail:
    events = ["pre_call", "post_call"]
    return TextGuardrail(guardrail_name="texts", event_hook=events, default_on=True, guardrails=[check])


async def checked_request(check: Masking, talk: list[Any]) -> Any:
    cache: Any = None
    return await texts_guardrail(check).async_pre_call_hook(KEY, cache, {"talk": talk}, "atoy")


async def checked_whole(check: Masking, answer: Any) -> Any:
    return await texts_guardrail(check).async_post_call_success_hook({"talk": []}, KEY, copy.deepcopy(answer))


async def checked_stream(check: Masking, events: list[Any]) -> list[Any]:
    made = texts_guardrail(check).async_post_call_streaming_iterator_hook(KEY, events_of(events), {"talk": []})
    return [event async for event in made]


def texts_proven(check: Masking, covered: Any) -> list[str]:
    """The verdicts on secrets; the model says what the doctor has scripted."""
    upstream = SaysWhatItIsTold()

    def send_whole(_: ProbedGateway) -> Received:
        return Received(200, json.dumps(asyncio.run(checked_whole(check, {"turns": [upstream.turn()]}))).encode())

    def send_streamed(_: ProbedGateway) -> Received:
        events = [{"turn": upstream.turn()}, {"end": "now"}]
        return Received(200, json.dumps(asyncio.run(checked_stream(check, events))).encode())

    probes = [Probe("/v1/toy", "whole", "toy", send_whole), Probe("/v1/toy", "streamed", "toy", send_streamed)]
    gate: Any = None
    model: Any = upstream
    return [row.secret.name for row in prove(gate, model, covered, probes).rows]


class SaysWhatItIsTold(Upstream):
    """A model for the doctor that says the texts which the doctor scripts."""

    said = ""

    def script(self, _: Any, output: Any) -> None:
        self.said = output.items[0]["content"][0]["text"]

    def turn(self) -> dict[str, str]:
        self.requests.append(SimpleNamespace(raw=PROMPT))
        return {"say": self.said}


CONFIG = ProxyConfig(
    Path("config.yaml"),
    {
        "guardrails": [
            {
                "guardrail_name": "texts",
                "litellm_params": {
                    "guardrail": "litellm_bighub.TextGuardrail",
                    "mode": ["pre_call", "post_call"],
                    "default_on": True,
                },
            }
        ]
    },
)


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
            send_function(TOY, proxy.llm_router).__name__ == "atoy",
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
        "texts request": asyncio.run(checked_request(Masking(), [f"my {SECRET}", {"did": "a1", "with": 7}])),
        "texts whole": asyncio.run(checked_whole(Masking(), {"turns": [{"say": f"my {SECRET}"}]})),
        "texts stream": asyncio.run(checked_stream(Masking(), [{"turn": {"say": f"my {SECRET}"}}, {"end": "now"}])),
        "texts covered": sorted(form for form, mode in text_formats(CONFIG) if mode == "streamed"),
        "texts examined": [cover.route for cover in covers(CONFIG) if cover.texts],
        "texts masked": texts_proven(Masking(), text_formats(CONFIG)),
    }
    json.dump(told, sys.stdout)


main()
