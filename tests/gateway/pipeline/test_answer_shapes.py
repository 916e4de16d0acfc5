"""Every shape of an answer on every governed route: read and decided on, or refused in the route's name."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import litellm
import openai
import pytest
from litellm.proxy._types import UserAPIKeyAuth

import litellm_bighub
from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.decision import Block
from litellm_bighub.errors import UnreadableAnswerError
from litellm_bighub.formats.registry import FORMATS
from litellm_bighub.gateway.hooks.tool_guardrail import BighubGuardrail
from litellm_bighub.gateway.pipeline.enforcement_modes import ToolCallWithheld
from litellm_bighub.gateway.routes.route_formats import format_of_route, governed_format, whole_formats
from litellm_bighub.gateway.routes.route_table import ROWS, RouteCoverage
from litellm_bighub.testing import ScriptedDecider, Verbatim
from tests.deciders.fakes import Kept
from tests.formats.absent import of_format
from tests.gateway.sdk.sdk_calls import each_api, litellms_types

CHAT = of_format("litellm_bighub.formats.chat.format").CHAT
MESSAGES = of_format("litellm_bighub.formats.messages.format").MESSAGES
RESPONSES = of_format("litellm_bighub.formats.responses.format").RESPONSES
chat = of_format("tests.formats.chat.streams")
messages = of_format("tests.formats.messages.streams")
responses = of_format("tests.formats.responses.streams")
CANARY = "canary-4711"
TAG = "tag7"
ARGUMENTS = f'{{"a": "{CANARY}"}}'
TOOL_CALL = {"id": "call_1", "type": "function", "function": {"name": "wipe", "arguments": ARGUMENTS}}
ITEM = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "wipe", "arguments": ARGUMENTS}
BLOCK = {"type": "tool_use", "id": "toolu_1", "name": "wipe", "input": {"a": CANARY}}
COMPLETION = {
    "id": "c",
    "object": "chat.completion",
    "choices": [
        {"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "tool_calls": [TOOL_CALL]}}
    ],
}
RESPONSE = {"id": "resp_1", "object": "response", "status": "completed", "output": [ITEM]}
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "content": [BLOCK], "stop_reason": "tool_use"}
WHOLE = {CHAT: COMPLETION, RESPONSES: RESPONSE, MESSAGES: MESSAGE}
EVENTS = {
    CHAT: [chat.role(), *chat.call(0, TAG), chat.end()],
    RESPONSES: responses.stream(responses.call(0, tag=TAG)),
    MESSAGES: [messages.sse(*messages.stream(messages.call(0, TAG)))],
}


def paths(pattern: str) -> list[str]:
    path = pattern.split()[1].replace("{*}", "azure/gpt-4.1").replace("{}", "resp_1")
    return [path.replace("~", prefix) for prefix in ("", "/v1")] if "~" in path else [path]


ROUTES = [path for row in ROWS if row.coverage is RouteCoverage.GOVERNED for path in paths(row.pattern)]
OPEN = [
    path
    for row in ROWS
    if row.coverage is RouteCoverage.NO_CALLS and row.pattern.startswith("POST") and "{" not in row.pattern
    for path in paths(row.pattern)
]


def guardrail(**settings: Any) -> BighubGuardrail:
    decider = ScriptedDecider({"wipe": Block("no"), f"name_{TAG}": Block("no")})
    return BighubGuardrail(guardrail_name="g", decider_instance=decider, default_on=True, **settings)


async def answered(response: Any, route: str, request: dict[str, Any] | None = None, **settings: Any) -> Any:
    key = UserAPIKeyAuth(request_route=route)
    return await guardrail(**settings).async_post_call_success_hook(request or {}, key, copy.deepcopy(response))


def shapes() -> list[Any]:
    """What nobody would look for calls in."""
    anything = [ITEM, TOOL_CALL, BLOCK, COMPLETION, RESPONSE, MESSAGE]
    odd: list[Any] = [None, "", str(COMPLETION), b"{}", 1, (), {}, object(), SimpleNamespace(**COMPLETION)]
    odd += [[each] for each in anything[:3]] + [tuple(anything)]
    for wire_format, key in ((CHAT, "choices"), (RESPONSES, "output"), (MESSAGES, "content")):
        for value in (None, "x", 1, {}, {"0": anything[0]}, [None], ["x"], [1], [[ITEM]], [{}], [{"arguments": "{}"}]):
            changed = {**WHOLE[wire_format], key: value}
            if wire_format is not RESPONSES or value is not None:
                odd.append(changed)
    for message in (None, "x", [TOOL_CALL]):
        odd.append({**COMPLETION, "choices": [{"index": 0, "message": message}]})
    odd.append({**COMPLETION, "choices": [{"index": 0, "delta": {"tool_calls": [TOOL_CALL]}}]})
    odd.append({**MESSAGE, "type": "new"})
    odd.append({"data": [ITEM], "object": "list"})
    odd += [{"id": "resp_1", "deleted": True, "calls": [ITEM]}, {"id": ITEM, "deleted": True}]
    return odd


@pytest.mark.parametrize("route", ROUTES)
def test_each_governed_route_has_a_format(route):
    wire_format = governed_format(route)
    assert wire_format is not None
    assert whole_formats(UserAPIKeyAuth(request_route=route)) >= {wire_format}
    assert ("chat" in route or "prompts" in route) is (wire_format is CHAT)
    assert ("messages" in route) is (wire_format is MESSAGES)
    if not route.endswith("/input_items"):
        assert format_of_route(UserAPIKeyAuth(request_route=route)) is wire_format


@pytest.mark.parametrize("route", ROUTES)
async def test_an_answer_in_another_shape_is_refused_on_every_governed_route(route):
    for odd in shapes():
        with pytest.raises(UnreadableAnswerError) as refused:
            await answered(odd, route)
        assert route in str(refused.value)
        assert CANARY not in str(refused.value)


@pytest.mark.parametrize("route", ROUTES)
async def test_what_another_format_says_is_refused_and_the_routes_own_is_decided_on(route):
    own = whole_formats(UserAPIKeyAuth(request_route=route))
    for wire_format, whole in WHOLE.items():
        if wire_format in own:
            assert CANARY not in str(await answered(whole, route))
        else:
            with pytest.raises(UnreadableAnswerError):
                await answered(whole, route)


@pytest.mark.parametrize("route", ROUTES)
async def test_a_whole_answer_to_a_stream_request_is_refused(route):
    for wire_format in whole_formats(UserAPIKeyAuth(request_route=route)):
        with pytest.raises(UnreadableAnswerError, match="a stream was asked for"):
            await answered(WHOLE[wire_format], route, {"stream": True})


@pytest.mark.parametrize("route", [route for route in ROUTES if not route.endswith("/input_items")])
async def test_a_stream_to_a_request_for_a_whole_answer_is_refused(route):
    wire_format = governed_format(route)
    told = await streamed(EVENTS[wire_format], route, {})
    assert "a whole answer was asked for" in told
    assert route in told
    assert "was blocked" in await streamed(EVENTS[wire_format], route, {"stream": True})


@pytest.mark.parametrize("route", [route for route in ROUTES if not route.endswith("/input_items")])
async def test_what_is_no_stream_is_refused_where_one_was_asked_for(route):
    guard, key = guardrail(), UserAPIKeyAuth(request_route=route)
    for odd in (*shapes(), *WHOLE.values(), [aiter_of([])]):
        told = await told_by(guard.async_post_call_streaming_iterator_hook(key, odd, {"stream": True}))
        assert "a stream was asked for" in told


NO_EVENTS: list[Any] = [
    *(None, 1, object(), [ITEM], (), {}, {"type": None}, {"type": 1}, {"type": [ITEM]}, {"error": None}),
    *(COMPLETION, MESSAGE, RESPONSE, [COMPLETION], str(COMPLETION), SimpleNamespace(type="response.completed")),
    *(f"data: {ARGUMENTS}\n\n", f"data: {ARGUMENTS}\n\n".encode(), ARGUMENTS.encode(), f" data: {ARGUMENTS}\n\n"),
]


@pytest.mark.parametrize(
    "route", ["/v1/chat/completions", "/v1/responses", "/v1/messages", "/engines/x/chat/completions"]
)
@pytest.mark.parametrize("event", NO_EVENTS, ids=lambda event: type(event).__name__)
async def test_an_event_that_cannot_be_read_ends_every_stream_in_an_error(route, event):
    wire_format = governed_format(route)
    told = await streamed([*EVENTS[wire_format][:1], event, *EVENTS[wire_format]], route, {"stream": True})
    if wire_format is MESSAGES:  # its first bytes are a whole stream
        told = await streamed([event, *EVENTS[wire_format]], route, {"stream": True})
    if not (wire_format is RESPONSES and event is MESSAGE):  # has a type, so it may be an event; it holds a call
        assert route in told
        assert "was refused" in told


@pytest.mark.parametrize("route", OPEN)
async def test_on_routes_without_calls_every_shape_passes_and_what_looks_like_a_call_is_decided_on(route):
    embedding = {"object": "list", "data": [{"embedding": [0.1]}]}
    texts = {"object": "text_completion", "choices": [{"text": "x", "index": 0}]}
    for plain in (embedding, texts, "srt", b"mp3", None, [1], {"results": []}):
        assert await answered(plain, route) == plain
    for whole in (WHOLE[wire_format] for wire_format in FORMATS):
        assert CANARY not in str(await answered(whole, route))


@pytest.mark.format("responses")
async def test_on_a_route_that_an_operator_opened_events_pass_and_calls_are_decided_on():
    events = [b"data: {}\n\n", {"candidates": []}, *EVENTS[RESPONSES]]
    told = await streamed(events, "/my/route", {})
    assert "candidates" in told
    assert "was blocked" in told


@pytest.mark.format("responses")
async def test_that_a_response_was_deleted_passes():
    deletion = {"id": "resp_1", "object": "response", "deleted": True}
    assert await answered(deletion, "/v1/responses/resp_1") == deletion


BATCH = [COMPLETION, copy.deepcopy(COMPLETION)]


@pytest.mark.format("chat")
async def test_each_call_of_a_batch_is_decided_on_once_and_withheld_in_its_place():
    kept = Kept()
    guard = guardrail(on_decision=kept.write)
    batch = copy.deepcopy([BATCH, [litellm.ModelResponse(**COMPLETION)]])
    key = UserAPIKeyAuth(request_route="/v1/chat/completions")
    answer = await guard.async_post_call_success_hook({}, key, batch)

    assert answer is batch
    assert CANARY not in str(batch)
    assert [each["choices"][0]["finish_reason"] for each in batch[0]] == ["stop", "stop"]
    assert "was blocked" in batch[1][0].choices[0].message.content
    assert [event["path"] for event in kept.events] == [
        "[0].[0].choices[0].message.tool_calls[0]",
        "[0].[1].choices[0].message.tool_calls[0]",
        "[1].[0].choices[0].message.tool_calls[0]",
    ]


@pytest.mark.format("chat")
async def test_a_batch_with_a_blocked_call_can_fail():
    with pytest.raises(ToolCallWithheld):
        await answered(BATCH, "/v1/chat/completions", on_block="error")


@pytest.mark.format("chat")
async def test_of_a_batch_nothing_is_continued():
    assert str(await answered(BATCH, "/v1/chat/completions", on_block="continue")).count("was blocked") == 2


@pytest.mark.format("chat")
@pytest.mark.parametrize("odd", [[COMPLETION, None], [COMPLETION, "x"], [RESPONSE], [COMPLETION, [MESSAGE]], [{}]])
async def test_a_batch_with_anything_but_completions_is_refused(odd):
    with pytest.raises(UnreadableAnswerError):
        await answered(odd, "/v1/chat/completions")


@litellms_types
@each_api
@pytest.mark.parametrize(("asked", "form"), [(True, "whole"), (False, "stream")])
async def test_in_code_what_was_not_asked_for_is_no_answer(upstream, api, asked, form):
    events = EVENTS[RESPONSES] if api.name == "aresponses" else EVENTS[CHAT]
    body = RESPONSE if api.name == "aresponses" else COMPLETION
    upstream.script("go", Verbatim(events, body, form=form))
    decisions = ToolDecisions(ScriptedDecider(otherwise=Block("no")))

    try:
        response = await api.awaited(**api.arguments(upstream, stream=asked), tool_decisions=decisions)
        told = str([event async for event in response])
    except (UnreadableAnswerError, openai.OpenAIError):
        return
    ends = ("response.completed", "message_stop", "'finish_reason': 'stop'")
    assert "error" in told or not any(end in told for end in ends)  # LiteLLM's own, or a stream that does not end well
    assert CANARY not in told


@pytest.mark.format("chat")
async def test_in_code_a_router_that_answers_with_something_else_is_refused():
    async def acompletion(*_: Any, **__: Any) -> Any:
        return answer

    router: Any = litellm.Router([])
    router.acompletion = acompletion
    decisions = ToolDecisions(ScriptedDecider(otherwise=Block("no")))
    for odd in (*shapes(), RESPONSE, MESSAGE):
        answer = odd
        with pytest.raises(UnreadableAnswerError, match=r"litellm_bighub\.acompletion"):
            await litellm_bighub.acompletion(model="m", messages=[], router=router, tool_decisions=decisions)
    answer = copy.deepcopy(BATCH)
    told = await litellm_bighub.acompletion(model="m", messages=[], router=router, tool_decisions=decisions)
    assert CANARY not in str(told)


async def aiter_of(events: list[Any]) -> Any:
    for event in events:
        yield copy.deepcopy(event)


async def streamed(events: list[Any], route: str, request: dict[str, Any]) -> str:
    key = UserAPIKeyAuth(request_route=route)
    return await told_by(guardrail().async_post_call_streaming_iterator_hook(key, aiter_of(events), request))


async def told_by(events: Any) -> str:
    """All that leaves, and the error that ends it: nothing of a call."""
    told: list[Any] = []
    try:
        async for event in events:
            told.append(event)  # noqa: PERF401 - what came before the error counts
    except UnreadableAnswerError as error:
        told.append(str(error))
    leaks = [secret for secret in (CANARY, f"call_{TAG}", f"toolu_{TAG}") if secret in str(told)]
    assert leaks == []
    return str(told)
