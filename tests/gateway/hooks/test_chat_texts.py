"""Chat completions through the text guardrail: every channel of a guardrail's answer counts, or the request fails."""

from __future__ import annotations

import copy
import logging
from typing import Any

import pytest
from fastapi import HTTPException
from litellm.exceptions import ModifyResponseException
from litellm.integrations.custom_guardrail import CustomGuardrail
from litellm.proxy._types import UserAPIKeyAuth

from litellm_bighub import ResponsesTextGuardrail, TextGuardrail
from litellm_bighub.errors import GuardrailAnswerError
from litellm_bighub.formats.payload.fields import get

CALLER = UserAPIKeyAuth(request_route="/v1/chat/completions")
CALL = {"id": "c1", "type": "function", "function": {"name": "mail", "arguments": '{"to": "secret"}'}}
REQUEST = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "be kind"},
        {
            "role": "user",
            "content": [{"type": "text", "text": "a secret"}, {"type": "image_url", "image_url": {"url": "u"}}],
        },
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "a secret"},
    ],
    "tools": [{"type": "function", "function": {"name": "mail", "description": "sends a secret"}}],
}  # fmt: skip


class Answering(CustomGuardrail):
    """Answers as a test says; remembers what it was handed."""

    def __init__(self, answer: Any, **options: Any) -> None:
        super().__init__(guardrail_name="answering", **options)
        self.answer = answer
        self.seen: list[Any] = []

    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        if "structured_messages" in inputs:
            self.seen.append(copy.deepcopy(dict(inputs)))
        return self.answer(inputs)


def masked(value: Any) -> Any:
    """The value with the secret masked, in copies of its containers."""
    if isinstance(value, str):
        return value.replace("secret", "[mask]")
    if isinstance(value, dict):
        return {key: masked(member) for key, member in value.items()}
    return [masked(member) for member in value] if isinstance(value, list) else value


def only(*keys: str) -> Any:
    """Masks in these channels alone."""
    return lambda inputs: {key: masked(inputs[key]) if key in keys else inputs[key] for key in (*inputs, *keys)}


def guardrail(check: CustomGuardrail, **options: Any) -> TextGuardrail:
    events = ["pre_call", "post_call"]
    return TextGuardrail(guardrail_name="texts", event_hook=events, default_on=True, guardrails=[check], **options)


async def requested(answer: Any, request: Any = REQUEST, **options: Any) -> Any:
    cache: Any = None
    call_type: Any = "acompletion"
    check = Answering(answer, **options)
    data = await guardrail(check).async_pre_call_hook(CALLER, cache, copy.deepcopy(request), call_type)
    del data["metadata"]
    return data


@pytest.mark.format("chat")
async def test_a_guardrail_is_handed_every_channel():
    check = Answering(lambda inputs: inputs)
    cache: Any = None
    call_type: Any = "acompletion"
    await guardrail(check).async_pre_call_hook(CALLER, cache, copy.deepcopy(REQUEST), call_type)

    [seen] = check.seen
    assert seen["texts"] == ["sends a secret", "be kind", "a secret", '{"to": "secret"}', "a secret", "mail"]
    assert seen["images"] == ["u"]
    assert seen["tools"] == REQUEST["tools"]
    assert seen["tool_calls"] == [{"index": 0, **CALL}]
    assert seen["structured_messages"] == REQUEST["messages"]
    assert seen["model"] == "m"


@pytest.mark.format("chat")
@pytest.mark.parametrize(
    ("channel", "changed"),
    [
        ("texts", {"messages", "tools"}),
        ("tools", {"tools"}),
        ("structured_messages", {"messages"}),
        ("tool_calls", {"tool_calls"}),
    ],
)
async def test_what_is_changed_in_a_channel_is_written(channel, changed):
    expected = copy.deepcopy(REQUEST)
    for key in changed & expected.keys():
        expected[key] = masked(expected[key])
    if "tool_calls" in changed:
        expected["messages"][2] = masked(expected["messages"][2])

    assert await requested(only(channel)) == expected


def with_message(inputs: Any) -> Any:
    messages = [{"role": "system", "content": "be careful"}, *inputs["structured_messages"]]
    return {**inputs, "structured_messages": messages}


@pytest.mark.format("chat")
async def test_a_conversation_of_another_length_takes_the_place_of_the_first():
    data = await requested(with_message)
    assert data["messages"] == [{"role": "system", "content": "be careful"}, *REQUEST["messages"]]


@pytest.mark.format("chat")
async def test_an_object_that_holds_the_messages_counts():
    data = await requested(
        lambda inputs: {**inputs, "structured_messages": {"messages": masked(inputs["structured_messages"])}}
    )
    assert data["messages"] == masked(REQUEST["messages"])


def replaced(value: Any, before: str, after: str) -> Any:
    if isinstance(value, str):
        return after if value == before else value
    if isinstance(value, dict):
        return {key: replaced(member, before, after) for key, member in value.items()}
    return [replaced(member, before, after) for member in value] if isinstance(value, list) else value


@pytest.mark.format("chat")
@pytest.mark.parametrize(
    ("channel", "before", "after"),
    [
        ("texts", "mail", "fax"),
        ("tools", "mail", "fax"),
        ("tools", "function", "custom"),
        ("tool_calls", "c1", "c2"),
        ("tool_calls", "mail", "fax"),
        ("structured_messages", "c1", "c2"),
        ("structured_messages", "user", "system"),
        ("images", "u", "redacted"),
        ("files", "f", "redacted"),
        ("tools", REQUEST["tools"][0], None),
        ("structured_messages", REQUEST["messages"][1]["content"], []),
    ],
)
async def test_what_can_be_no_other_fails_the_request(channel, before, after):
    def answer(inputs):
        given = inputs.get(channel, [before])
        return {
            **inputs,
            channel: replaced(given, before, after) if isinstance(before, str) else _without(given, before, after),
        }

    with pytest.raises(GuardrailAnswerError, match="answering"):
        await requested(answer)


def _without(value: Any, before: Any, after: Any) -> Any:
    if value == before:
        return after
    if isinstance(value, dict):
        return {key: _without(member, before, after) for key, member in value.items()}
    if isinstance(value, list):
        return [made for member in value if (made := _without(member, before, after)) is not None]
    return value


@pytest.mark.format("chat")
@pytest.mark.parametrize(
    ("option", "texts"),
    [
        ({"skip_system_message_in_guardrail": True}, {"a secret"}),
        ({"skip_tool_message_in_guardrail": True}, {"be kind", "a secret"}),
        ({"scan_only_tool_results": True}, {"a secret"}),
    ],
)
async def test_a_guardrail_gets_what_is_in_its_scope(option, texts):
    check = Answering(lambda inputs: inputs)
    for key, value in option.items():
        setattr(check, key, value)
    cache: Any = None
    call_type: Any = "acompletion"
    await guardrail(check).async_pre_call_hook(CALLER, cache, copy.deepcopy(REQUEST), call_type)
    said = set(check.seen[0]["texts"]) - {"sends a secret", '{"to": "secret"}', "mail"}
    roles = {message["role"] for message in check.seen[0]["structured_messages"]}
    assert said == texts
    assert roles < {"system", "user", "assistant", "tool"}


ANSWER = {
    "id": "a1",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "a secret", "tool_calls": [CALL]}}],
}


@pytest.mark.format("chat")
@pytest.mark.parametrize("batch", [False, True], ids=["one", "several models"])
async def test_whole_answers(batch):
    answer = copy.deepcopy([ANSWER, ANSWER] if batch else ANSWER)
    made = await guardrail(Answering(only("texts"))).async_post_call_success_hook({}, CALLER, answer)
    assert made == masked([ANSWER, ANSWER] if batch else ANSWER)


async def chunks(*deltas: str) -> Any:
    for delta in deltas:
        yield {"id": "a1", "choices": [{"index": 0, "delta": {"content": delta}, "finish_reason": None}]}
    yield {"id": "a1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


async def sent(check: CustomGuardrail, *deltas: str) -> list[Any]:
    hook = guardrail(check).async_post_call_streaming_iterator_hook(CALLER, chunks(*deltas), {})
    return [event async for event in hook]


@pytest.mark.format("chat")
async def test_a_stream_leaves_masked():
    events = await sent(Answering(only("texts")), "a sec", "ret")
    told = [get(get(event, "choices")[0], "delta").get("content") for event in events]
    assert told == ["a [mask]", None]


def refusing(error: Exception) -> Any:
    def refuse(inputs: Any) -> Any:
        if any("secret" in text for text in inputs["texts"]):
            raise error
        return inputs

    return Answering(refuse)


@pytest.mark.format("chat")
async def test_a_refused_stream_ends_in_an_error_of_its_format():
    check = refusing(HTTPException(status_code=400, detail={"error": "not that"}))
    *_, last = await sent(check, "x" * 300, " ", "y" * 300, " a secret")
    assert last.startswith(b'data: {"error":')
    with pytest.raises(HTTPException):
        await sent(check, "a secret")


@pytest.mark.format("chat")
async def test_a_refused_stream_can_tell_something_else():
    blocked = ModifyResponseException(message="not that", model="m", request_data={})
    events = await sent(refusing(blocked), "a secret")
    assert b"not that" in b"".join(events)


async def test_the_old_name_goes_on_working_and_says_so(caplog):
    with caplog.at_level(logging.WARNING):
        ResponsesTextGuardrail(guardrail_name="texts", guardrails=[Answering(only("texts"))])
    assert "ResponsesTextGuardrail is now called TextGuardrail" in caplog.text
