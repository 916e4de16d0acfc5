"""Chat completions and Messages in code: each call of an answer is decided on once, whole and streamed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import litellm
import pytest

import litellm_bighub
from litellm_bighub import BighubGuardrail, EmbeddedDecider, ToolDecisions
from litellm_bighub.deciders.approvals.waiting_decider import AnsweredApproval
from litellm_bighub.domain.decision import Allow, Block, RequireApproval
from litellm_bighub.gateway.conversation.request_history import UnapprovedToolResult
from litellm_bighub.gateway.pipeline.enforcement_modes import ToolCallWithheld, Withholding
from litellm_bighub.testing import ScriptedDecider, Verbatim, function_call
from tests.deciders.fakes import Kept
from tests.formats.absent import of_format
from tests.gateway.sdk.sdk_calls import (
    ANSWER,
    CANARY,
    CHAT,
    TURN,
    chat_and_messages,
    each_api,
    litellms_types,
    told,
    whole_and_streamed,
)

pytestmark = litellms_types
streams = of_format("tests.formats.messages.streams")


@pytest.fixture
def kept():
    return Kept()


@pytest.fixture
def decisions(kept):
    return ToolDecisions(
        ScriptedDecider({"wipe": Block("not within policy"), "refund": RequireApproval("l", "req_9")}), sinks=[kept]
    )


async def answered(api, upstream, *, streamed, **more):
    """All that was given back, and the answer that it comes to."""
    answer = await api.awaited(**api.arguments(upstream, **more), **({"stream": True} if streamed else {}))
    if not streamed:
        return [answer], answer
    events = [event async for event in answer]
    return events, api.joined(events)


@each_api
@whole_and_streamed
async def test_each_call_is_decided_on_once(upstream, decisions, kept, api, streamed):
    upstream.script("go", ANSWER)
    events, answer = await answered(api, upstream, streamed=streamed, tool_decisions=decisions)

    assert api.calls(answer) == ["lookup"]
    assert CANARY not in repr(events)
    assert "blocked by policy" in repr(answer)
    assert told(kept) == [("lookup", "allowed"), ("wipe", "blocked")]


@each_api
@whole_and_streamed
async def test_without_decision_all_would_come_through(upstream, api, streamed):
    """Otherwise the tests here would prove nothing."""
    upstream.script("go", ANSWER)
    events, answer = await answered(api, upstream, streamed=streamed, tool_decisions=ToolDecisions(ScriptedDecider()))

    assert api.calls(answer) == ["lookup", "wipe"]
    assert CANARY in repr(events)


@each_api
@whole_and_streamed
async def test_a_call_waits_for_a_person(upstream, tmp_path, api, streamed):
    (tmp_path / "policy.yaml").write_text(
        "version: 1\nrules:\n- {name: large, tool: refund, effect: require_approval}\n"
    )
    decider = EmbeddedDecider.from_policy_file(tmp_path / "policy.yaml")
    decisions = ToolDecisions(decider)
    upstream.script("go", [function_call("refund", {"a": CANARY})])

    events, answer = await answered(api, upstream, streamed=streamed, tool_decisions=decisions)

    assert api.calls(answer) == []
    assert CANARY not in repr(events)
    assert "needs the approval of a person" in repr(answer)
    await decisions.aclose()


class Person(ScriptedDecider):
    """Somebody who is asked, and says yes."""

    async def answered(self, approval_id: str, *, seconds: float) -> AnsweredApproval:
        self.answers = {}
        return AnsweredApproval("approved", by="ann")


@each_api
@whole_and_streamed
@pytest.mark.parametrize("blocking", [False, True], ids=["async", "sync"])
async def test_a_call_can_stay_until_a_person_has_answered(upstream, kept, api, streamed, blocking):
    decisions = ToolDecisions(Person({"refund": RequireApproval("large", "req_9")}), sinks=[kept])
    upstream.script("go", [function_call("refund", {"a": 1})])
    more = {"tool_decisions": decisions, "withholding": Withholding(on_approval="wait")}
    if blocking:
        answer = api.blocking(**api.arguments(upstream, stream=streamed, **more))
        answer = api.joined(list(answer)) if streamed else answer
    else:
        _, answer = await answered(api, upstream, streamed=streamed, **more)

    assert api.calls(answer) == ["refund"]
    assert told(kept) == [("refund", "requires_approval"), ("refund", "allowed")]


@chat_and_messages
@whole_and_streamed
async def test_a_withheld_call_can_be_an_error(upstream, decisions, api, streamed):
    upstream.script("go", [function_call("refund", {"a": CANARY})])
    with pytest.raises(ToolCallWithheld) as raised:
        await answered(
            api,
            upstream,
            streamed=streamed,
            tool_decisions=decisions,
            withholding=Withholding(on_approval="error"),
        )
    assert raised.value.approval_id == "req_9"


@chat_and_messages
async def test_actor_domain_and_surface_are_recorded(upstream, api):
    decider = ScriptedDecider()
    upstream.script("go", [function_call("lookup", {})])
    await answered(
        api, upstream, streamed=False, tool_decisions=ToolDecisions(decider), actor="billing", domain="payments"
    )
    [(_, context)] = decider.asked

    assert (context.actor, context.domain, context.surface) == ("billing", "payments", f"litellm_bighub.{api.name}")


def choices(*messages) -> dict:
    listed = [{"index": at, "message": told, "finish_reason": "tool_calls"} for at, told in enumerate(messages)]
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": listed}


def chunks(*deltas) -> list[dict]:
    listed = [[{"index": at, "delta": delta, "finish_reason": None}] for at, delta in enumerate(deltas)]
    listed += [[{"index": at, "delta": {}, "finish_reason": "tool_calls"}] for at in range(len(deltas))]
    frame = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return [{**frame, "choices": each} for each in listed]


def made(name: str, argument: str) -> dict:
    payload = {"name": name, "arguments": json.dumps({"a": argument})}
    return {"role": "assistant", "tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": payload}]}


LEGACY = {
    "role": "assistant",
    "content": None,
    "function_call": {"name": "wipe", "arguments": json.dumps({"a": CANARY})},
}


@pytest.mark.format("chat")
async def test_every_choice_is_governed(upstream, decisions, kept):
    upstream.script("go", Verbatim(body=choices(made("lookup", "x"), made("wipe", CANARY))))
    _, answer = await answered(CHAT, upstream, streamed=False, tool_decisions=decisions, n=2)

    assert CHAT.calls(answer) == ["lookup"]
    assert [choice.finish_reason for choice in answer.choices] == ["tool_calls", "stop"]
    assert CANARY not in repr(answer)
    assert told(kept) == [("lookup", "allowed"), ("wipe", "blocked")]


@pytest.mark.format("chat")
async def test_of_several_streamed_choices_no_undecided_call_leaves(upstream, decisions, kept):
    """LiteLLM ends a stream with the first choice that finishes: nobody is asked about the other's call."""
    upstream.script("go", Verbatim(events=chunks(made("lookup", "x"), made("wipe", CANARY))))
    events, _ = await answered(CHAT, upstream, streamed=True, tool_decisions=decisions, n=2)

    names = [call.function.name for chunk in events for call in chunk.choices[0].delta.tool_calls or ()]
    assert names == ["lookup"]
    assert CANARY not in repr(events)
    assert told(kept) == [("lookup", "allowed")]


@pytest.mark.format("chat")
@whole_and_streamed
async def test_the_legacy_call_is_governed(upstream, decisions, kept, streamed):
    upstream.script("go", Verbatim(events=chunks(LEGACY), body=choices(LEGACY)))
    events, answer = await answered(CHAT, upstream, streamed=streamed, tool_decisions=decisions)

    assert CHAT.calls(answer) == []
    assert CANARY not in repr(events)
    assert told(kept) == [("wipe", "blocked")]


# What comes back from earlier answers.


async def refused_call(api, upstream, decisions) -> str:
    """Withhold a call; the id that the model gave it."""
    upstream.script("go", [function_call("wipe", {"a": 1}, call_id="call_w")])
    await answered(api, upstream, streamed=False, tool_decisions=decisions)
    return "call_w"


def result_of(api, call_id: str) -> dict:
    if api is CHAT:
        return {"role": "tool", "tool_call_id": call_id, "content": "done"}
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call_id, "content": "done"}]}


@chat_and_messages
@whole_and_streamed
async def test_a_result_of_a_withheld_call_can_be_refused(upstream, decisions, api, streamed):
    call_id = await refused_call(api, upstream, decisions)
    with pytest.raises(UnapprovedToolResult):
        await answered(
            api,
            upstream,
            streamed=streamed,
            tool_decisions=decisions,
            withholding=Withholding(on_unapproved_result="refuse"),
            messages=[*TURN, result_of(api, call_id)],
        )
    assert len(upstream.requests) == 1


@chat_and_messages
async def test_the_model_is_told_of_edited_arguments(upstream, api):
    decisions = ToolDecisions(ScriptedDecider({"wipe": Allow("ok", edited={"a": 2})}))
    upstream.script("go", [function_call("wipe", {"a": 1}, call_id="call_w")])
    _, first = await answered(api, upstream, streamed=False, tool_decisions=decisions)
    assert api.calls(first) == ["wipe"]

    history = [*TURN, result_of(api, "call_w")]
    await answered(api, upstream, streamed=False, tool_decisions=decisions, messages=history)

    assert "done" in repr(upstream.requests[-1].body)
    assert "changed the arguments" in repr(upstream.requests[-1].body)
    assert "changed the arguments" not in repr(history)


@pytest.mark.format("responses")
async def test_a_providers_own_tool_that_is_not_allowed_is_taken_out(upstream, kept):
    decisions = ToolDecisions(ScriptedDecider({"web_search": Block("no")}), sinks=[kept])
    tools = [{"type": "web_search"}]
    request = {"model": "openai/gpt-4.1", "input": "go", "api_base": upstream.base_url, "api_key": "sk-x"}
    await litellm_bighub.aresponses(**request, tools=tools, tool_decisions=decisions)

    assert "tools" not in upstream.requests[-1].body
    assert tools == [{"type": "web_search"}]
    assert told(kept) == [("web_search", "blocked")]


@pytest.mark.format("chat")
async def test_a_chat_completion_that_nothing_would_look_at_is_an_error(upstream):
    with pytest.raises(TypeError, match="guardrails or tool_decisions"):
        await litellm_bighub.acompletion(**CHAT.arguments(upstream))
    assert upstream.requests == []


# Beside the guardrail as a callback.


@pytest.mark.format("chat")
@each_api
@whole_and_streamed
async def test_beside_a_callback_only_the_function_decides(upstream, decisions, kept, api, streamed, monkeypatch):
    other = ScriptedDecider()
    monkeypatch.setattr(litellm, "callbacks", [BighubGuardrail(guardrail_name="bighub", decider_instance=other)])
    upstream.script("go", ANSWER)
    events, _ = await answered(api, upstream, streamed=streamed, tool_decisions=decisions)

    assert CANARY not in repr(events)
    assert len(kept.events) == 2
    assert other.asked == []

    await litellm.acompletion(**CHAT.arguments(upstream))
    assert len(other.asked) == 2
    litellm_bighub.uninstall()


# Streams that are left.


class Watched:
    """A stream that tells whether it was closed."""

    def __init__(self) -> None:
        self.closed = False

    def __aiter__(self):
        return self

    async def __anext__(self):
        return {"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": None}]}

    async def aclose(self) -> None:
        self.closed = True


class Endless:
    """What a router looks like to us: its streams never end."""

    def __init__(self) -> None:
        self.stream = Watched()

    async def acompletion(self, **request):
        return self.stream


@pytest.mark.format("chat")
@pytest.mark.parametrize("read", [0, 2], ids=["unread", "begun"])
async def test_a_stream_that_is_left_lets_go_of_the_providers(decisions, read):
    router = Endless()
    async with await litellm_bighub.acompletion(
        **CHAT.arguments(stream=True), router=router, tool_decisions=decisions
    ) as stream:
        for _ in range(read):
            await anext(stream)
        assert not router.stream.closed
    assert router.stream.closed


# Anthropic's own bytes.


class Anthropic(BaseHTTPRequestHandler):
    """Anthropic's protocol, with one answer."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        call = {"type": "tool_use", "id": "toolu_1", "name": "wipe", "input": {"a": CANARY}}
        if body.get("stream"):
            argument = streams.delta(1, type="input_json_delta", partial_json=json.dumps(call["input"]))
            told = [streams.start(1, {**call, "input": {}}), argument, streams.stop(1)]
            events = streams.stream(streams.said(0, "hm"), told)
            sent, kind = b"".join(map(streams.sse, events)), "text/event-stream"
        else:
            start = streams.message_start()["message"]
            sent, kind = (
                json.dumps({**start, "content": [call], "stop_reason": "tool_use"}).encode(),
                "application/json",
            )
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class has it so
        """Say nothing."""


@contextmanager
def anthropic() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Anthropic) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.format("messages")
@whole_and_streamed
async def test_anthropics_own_answers_are_governed(decisions, kept, streamed):
    with anthropic() as url:
        answer = await litellm_bighub.amessages(
            model="anthropic/claude-sonnet-4-5",
            messages=TURN,
            max_tokens=99,
            api_base=url,
            api_key="sk-x",
            stream=streamed,
            tool_decisions=decisions,
        )
        given = [event async for event in answer] if streamed else answer

    assert CANARY not in repr(given)
    assert "blocked by policy" in repr(given)
    assert "end_turn" in repr(given)
    assert told(kept) == [("wipe", "blocked")]
