"""Who waits for the model's next answer in a stream, for how long, and what ends it."""

from __future__ import annotations

import asyncio
import importlib
from contextlib import aclosing

import litellm
import pytest
from hypothesis import given, settings, strategies as st
from litellm.proxy import proxy_server
from litellm.proxy._types import UserAPIKeyAuth

from litellm_bighub import BighubGuardrail
from litellm_bighub.deciders.ledger.ledger import MemoryLedger
from litellm_bighub.domain.decision import Allow, Block, RequireApproval
from litellm_bighub.errors import DecisionUnavailable
from litellm_bighub.formats.answers.found_call import Replacements
from litellm_bighub.formats.responses.format import RESPONSES
from litellm_bighub.formats.responses.stream.gate import ResponsesGate
from litellm_bighub.formats.responses.stream.joined_stream import ResponsesJoinedStream
from litellm_bighub.formats.stream.gate_protocol import Pass, Withhold
from litellm_bighub.gateway.pipeline.enforcement import EnforcedCall
from litellm_bighub.gateway.pipeline.feedback_loop import FeedbackStream, feedback_request
from litellm_bighub.gateway.pipeline.gated_stream import gated_events
from litellm_bighub.testing import ScriptedDecider, function_call, text
from tests.formats.absent import of_format
from tests.formats.responses import streams as s
from tests.gateway.pipeline.test_gated_stream import Upstream, into, left_over

FORMATS = "litellm_bighub.formats"
chat = of_format("tests.formats.chat.streams")
messages = of_format("tests.formats.messages.streams")
NEXT = {
    **s.envelope("", [{"id": "next", "status": "completed", **text("I will look instead.")}])["response"],
    "id": "resp_2",
}
BLOCKED = Block("no"), Withhold("was blocked")
ALLOWED = Allow(), Pass()
ASKS = RequireApproval("ask", "apr_1"), Withhold("needs a person")
UNRECORDED = Allow(), Withhold("was blocked")


class Stage:
    """A stream whose n-th call gets the n-th verdict, and a model that is asked for its next answer."""

    def __init__(self, *verdicts, answer=NEXT, delays=(), error=None) -> None:
        self.verdicts = list(verdicts)
        self.delays = list(delays)
        self.answer = answer
        self.error = error
        self.told = []
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.cleaned_up = False

    async def next_answer(self, answer, enforced):
        self.told.append([each.outcome.notice for each in enforced])
        self.asked.set()
        try:
            await self.may_answer.wait()
        finally:
            self.cleaned_up = True
        if self.error is not None:
            raise self.error
        return self.answer

    async def judge(self, calls):
        for _ in range(self.delays.pop(0) if self.delays else 0):
            await asyncio.sleep(0)
        return [EnforcedCall(call, *self.verdicts[int(call.name.removeprefix("name_t"))]) for call in calls]

    def run(self, upstream, **more):
        continuing = FeedbackStream(ResponsesJoinedStream(), self.next_answer)

        async def decide(calls):
            return await continuing.settled(self.judge(calls))

        numbers = iter(range(1000))
        gate = ResponsesGate(new_item_id=lambda: f"notice_{next(numbers)}")
        return continuing.joined(gated_events(continuing.within(upstream), gate, decide, **more))


def stream(kinds):
    calls = iter(range(len(kinds)))
    return s.stream(
        *(
            s.message(at, f"text{at}") if kind == "t" else s.call(at, tag=f"t{next(calls)}")
            for at, kind in enumerate(kinds)
        )
    )


async def sent(stage, kinds, **more):
    upstream = Upstream(stream(kinds), **more)
    events = [event async for event in stage.run(upstream)]
    assert upstream.closed
    assert left_over() == []
    return events


async def test_the_next_answer_follows_the_first():
    stage = Stage(BLOCKED, BLOCKED)
    events = await sent(stage, "tcc")
    assert stage.told == [["was blocked", "was blocked"]]
    assert [item["id"] for item in events[-1]["response"]["output"]] == ["msg_0", "next"]
    assert "was blocked" not in str(events)
    s.accept(events)


@pytest.mark.parametrize("verdicts", [(BLOCKED, ALLOWED), (ALLOWED, BLOCKED), (BLOCKED, ASKS), (BLOCKED, UNRECORDED)])
async def test_calls_that_are_not_all_blocked_are_the_callers(verdicts):
    stage = Stage(*verdicts)
    events = await sent(stage, "cc")
    assert stage.told == []
    assert "was blocked" in str(events)
    assert [item["id"] for item in events[-1]["response"]["output"]] != ["next"]


async def test_an_allowed_call_settles_it_before_the_upstream_has_ended():
    stage = Stage(BLOCKED, ALLOWED)
    upstream = Upstream(stream("cct"), pauses=[0] * 12 + [10**9])
    async with aclosing(stage.run(upstream)) as events:
        types = [(await anext(events))["type"] for _ in range(9)]
    assert "response.function_call_arguments.delta" in types
    assert left_over() == []


@pytest.mark.parametrize(
    ("stage", "events"),
    [
        pytest.param({"answer": None}, stream("tc"), id="no next answer"),
        pytest.param({}, stream("tc")[:-1], id="cut off"),
        pytest.param({}, [*stream("tc")[:-1], {**stream("tc")[-1], "type": "response.incomplete"}], id="incomplete"),
    ],
)
async def test_if_there_is_nothing_to_go_on_with_the_notice_stands_there(stage, events):
    released = [event async for event in Stage(BLOCKED, **stage).run(Upstream(events))]
    assert "was blocked" in str(released)
    assert "name_t0" not in str(released)


async def test_a_stream_without_calls_is_left_alone():
    stage = Stage()
    assert await sent(stage, "tt") == stream("tt")
    assert stage.told == []


async def test_while_the_model_is_told_the_stream_says_that_it_lives():
    stage = Stage(BLOCKED)
    stage.may_answer.clear()
    events = []
    async with aclosing(stage.run(Upstream(stream("tc")), keep_alive_seconds=0.01)) as running:
        async for event in running:
            events.append(event)
            if event["type"] == "response.in_progress":
                stage.may_answer.set()
    assert "response.in_progress" in [event["type"] for event in events]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert events[-1]["response"]["output"][-1]["id"] == "next"


async def test_a_client_that_leaves_ends_the_work():
    stage = Stage(BLOCKED)
    stage.may_answer.clear()
    upstream = Upstream(stream("c"))

    async def consume():
        async with aclosing(stage.run(upstream)) as events:
            return [event async for event in events]

    consumer = asyncio.ensure_future(consume())
    await stage.asked.wait()
    consumer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await consumer
    assert stage.cleaned_up
    assert upstream.closed
    assert left_over() == []


async def test_an_error_of_the_next_answer_goes_out_and_releases_nothing():
    seen = []
    stage = Stage(BLOCKED, BLOCKED, error=LookupError("a bug"))
    with pytest.raises(LookupError):
        await into(seen, stage.run(Upstream(stream("cc"))))
    assert [event["type"] for event in seen] == ["response.created"]
    assert left_over() == []


@settings(max_examples=100)
@given(
    kinds=st.text("tc", max_size=6),
    verdicts=st.lists(st.sampled_from([BLOCKED, BLOCKED, BLOCKED, ALLOWED]), min_size=6, max_size=6),
    delays=st.lists(st.integers(0, 12), min_size=6, max_size=6),
    pauses=st.lists(st.integers(0, 3), max_size=30),
    length=st.floats(0, 1),
    answer=st.sampled_from([NEXT, None]),
)
def test_whatever_arrives_when_nothing_blocked_leaves(kinds, verdicts, delays, pauses, length, answer):
    asyncio.run(_any_order(kinds, verdicts, delays, pauses, length, answer))


async def _any_order(kinds, verdicts, delays, pauses, length, answer):
    whole = stream(kinds)
    cut = whole[: round(len(whole) * length)]
    stage = Stage(*verdicts, answer=answer, delays=delays)
    released = [event async for event in stage.run(Upstream(cut, pauses=pauses))]

    told = str(released)
    given = verdicts[: kinds.count("c")]
    for number, verdict in enumerate(given):
        assert verdict is ALLOWED or f"t{number}'" not in told.replace(f"text{number}'", "")
    continues = cut == whole and BLOCKED in given and ALLOWED not in given
    assert bool(stage.told) == continues
    assert ("I will look instead." in told) == (continues and answer is not None)
    numbers = [event["sequence_number"] for event in released]
    assert numbers == list(range(len(numbers)))
    if released:
        s.accept(released)
    for at, kind in enumerate(kinds):
        if kind == "t" and any(event.get("item_id") == f"msg_{at}" and "done" in event["type"] for event in cut):
            assert f"text{at}" in told


@pytest.fixture
def _proxy():
    """A process in which a proxy may start, and has no router yet."""
    importlib.import_module("litellm.proxy.proxy_server")


TOOLS = [
    {"type": "mcp", "server_label": "crm", "require_approval": "never"},
    {"type": "function", "name": "name_t0", "parameters": {}},
]


@pytest.mark.usefixtures("_proxy")
@pytest.mark.parametrize(
    ("request_data", "route", "on_block"),
    [
        pytest.param({"input": "go"}, "/v1/responses", "replace", id="not wanted"),
        pytest.param({"input": "go", "tools": TOOLS}, "/v1/responses", "continue", id="LiteLLM makes calls itself"),
        pytest.param({}, "/v1/responses/resp_1", "continue", id="of an earlier request"),
    ],
)
async def test_where_nothing_is_to_be_continued_the_notice_does_not_wait_for_the_end(request_data, route, on_block):
    guardrail = BighubGuardrail(
        guardrail_name="g", decider_instance=ScriptedDecider(otherwise=BLOCKED[0]), on_block=on_block
    )
    upstream = Upstream(stream("ct"), pauses=[0] * 6 + [10**9])
    key = UserAPIKeyAuth(request_route=route)
    async with aclosing(guardrail.pipeline.stream(guardrail.request(request_data, key), upstream)) as events:
        types = [(await anext(events)).type for _ in range(7)]
    assert types[-1] == "response.output_item.done"
    assert left_over() == []


@pytest.mark.usefixtures("_proxy")
async def test_of_a_call_in_code_the_notice_stands_there():
    guardrail = BighubGuardrail(
        guardrail_name="g", decider_instance=ScriptedDecider(otherwise=BLOCKED[0]), on_block="continue"
    )
    events = guardrail.pipeline.stream(guardrail.request({"input": "go"}), Upstream(stream("ct")))
    assert "was blocked" in str([event async for event in events])


@pytest.mark.usefixtures("_proxy")
@pytest.mark.parametrize(
    ("wire_format", "events"),
    [
        (RESPONSES, stream("tc")),
        (of_format(f"{FORMATS}.chat.format").CHAT, [chat.role(), *chat.call(0), chat.end()]),
        (of_format(f"{FORMATS}.messages.format").MESSAGES, [messages.sse(*messages.stream(messages.call(0)))]),
    ],
)
async def test_without_a_router_the_notice_stands_there(wire_format, events):
    guardrail = BighubGuardrail(
        guardrail_name="g", decider_instance=ScriptedDecider(otherwise=BLOCKED[0]), on_block="continue"
    )
    key = UserAPIKeyAuth(request_route="/v1/any")
    asked = {"input": "go", "messages": []}
    told = str(
        [
            event
            async for event in guardrail.pipeline.stream(guardrail.request(asked, key, wire_format), Upstream(events))
        ]
    )
    assert "was blocked" in told
    assert "call_t" not in told
    assert "toolu_t" not in told


class Forgetful(MemoryLedger):
    """Knows calls, and never what an answer went on with."""

    async def joined(self, response_id, continued_by):
        raise DecisionUnavailable("disk full")


class Foreign(MemoryLedger):
    """Has forgotten the calls of the first answer already."""

    async def write(self, calls):
        await super().write([call for call in calls if call.response_id != "resp_1"])


CALL = function_call("look_up", {"id": 2}, call_id="call_look")


@pytest.mark.parametrize(
    ("ledger", "items", "joined"),
    [
        pytest.param(MemoryLedger, [CALL], True, id="a call"),
        pytest.param(Forgetful, [CALL], False, id="a call, not remembered"),
        pytest.param(Foreign, [CALL], False, id="a call behind nothing known"),
        pytest.param(Forgetful, [text("So be it.")], True, id="a text, not remembered"),
        pytest.param(Forgetful, [function_call("name_t1", {}, call_id="call_n")], True, id="a notice, not remembered"),
    ],
)
async def test_a_call_follows_only_if_who_goes_on_gets_to_know_it(upstream, monkeypatch, ledger, items, joined):
    deployment = {"model": "openai/gpt-4.1", "api_base": upstream.base_url, "api_key": "sk-x"}
    router = litellm.Router([{"model_name": "gpt", "litellm_params": deployment}])
    monkeypatch.setattr(proxy_server, "llm_router", router)
    upstream.script("was blocked", items)
    decider = ScriptedDecider({"name_t0": BLOCKED[0], "name_t1": BLOCKED[0]})
    guardrail = BighubGuardrail(guardrail_name="g", decider_instance=decider, on_block="continue", continue_rounds=1)
    guardrail.tool_decisions.ledger = ledger()
    key, asked = UserAPIKeyAuth(request_route="/v1/responses"), {"model": "gpt", "input": "go"}

    events = [event async for event in guardrail.pipeline.stream(guardrail.request(asked, key), Upstream(stream("c")))]

    [*_, end] = events
    told = str(events)
    assert end.response["id"] == "resp_1"
    assert ('The tool call "name_t0" was blocked' not in told) == joined
    assert ("call_look" in told) == (joined and items == [CALL])
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("left", ["response", "responses", "responses_so_far", "guardrail_to_apply"])
def test_what_guardrails_left_in_the_request_is_not_sent_to_the_provider(left):
    """LiteLLM puts the answer into the request for guardrails: left there, it would be a parameter of the next one."""
    call = function_call("name_t0", {})
    answer = {**s.envelope("", [call])["response"], "id": "resp_1"}
    (found,) = RESPONSES.find_calls(answer, Replacements(str, False, lambda item: item))
    enforced = EnforcedCall(found.call, *BLOCKED)

    asked = feedback_request({"model": "m", "input": "go", left: answer}, answer, [enforced])

    assert asked is not None
    assert left not in asked
