"""Messages through the text guardrail: tools and chat messages that a guardrail answers count, or the request fails."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from litellm.proxy._types import UserAPIKeyAuth

from litellm_bighub import TextGuardrail
from litellm_bighub.errors import GuardrailAnswerError, PayloadError
from tests.gateway.hooks.test_chat_texts import Answering, masked, only

pytestmark = pytest.mark.format("messages")

CALLER = UserAPIKeyAuth(request_route="/v1/messages")
CALL = {"type": "tool_use", "id": "t1", "name": "mail", "input": {"to": "a secret"}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "the secret result"}
REQUEST = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 9,
    "system": "keep a secret",
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "my secret"}]},
        {"role": "assistant", "content": [CALL]},
        {"role": "user", "content": [RESULT]},
    ],
    "tools": [
        {"name": "mail", "description": "sends a secret", "input_schema": {"type": "object", "properties": {"to": {}}}},
        {"type": "web_search_20250305", "name": "web_search"},
    ],
}


async def requested(answer: Any, request: Any = REQUEST, **options: Any) -> tuple[Any, Answering]:
    check = Answering(answer)
    for name, value in options.items():
        setattr(check, name, value)
    guardrail = TextGuardrail(guardrail_name="texts", guardrails=[check])
    cache: Any = None
    call_type: Any = "anthropic_messages"
    data = await guardrail.async_pre_call_hook(CALLER, cache, copy.deepcopy(request), call_type)
    return {key: data[key] for key in request}, check


async def test_a_guardrail_is_handed_messages_and_tools_as_in_chat():
    data, check = await requested(lambda inputs: inputs)

    [seen] = check.seen
    messages = seen["structured_messages"]
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "tool"]
    assert "keep a secret" in str(messages[0])
    assert "the secret result" in str(messages[3])
    parameters = {"type": "object", "properties": {"to": {}}}
    function = {"name": "mail", "parameters": parameters, "description": "sends a secret"}
    assert seen["tools"] == [{"type": "function", "function": function}]
    assert data == REQUEST


async def test_what_is_out_of_scope_is_not_handed_over():
    _, check = await requested(lambda inputs: inputs, skip_system_message_in_guardrail=True)

    assert [message["role"] for message in check.seen[0]["structured_messages"]] == ["user", "assistant", "tool"]


async def test_a_rewrite_in_texts_and_messages_is_written():
    data, _ = await requested(only("texts", "structured_messages", "tools"))

    assert data == masked(REQUEST)


async def test_a_rewrite_in_messages_alone_is_written():
    request = {**REQUEST, "messages": REQUEST["messages"][:1]}
    data, _ = await requested(only("structured_messages"), request)

    assert data == {**masked(request), "tools": REQUEST["tools"]}


async def test_a_rewrite_in_tools_alone_is_written():
    data, _ = await requested(only("tools"))

    assert data == {**REQUEST, "tools": masked(REQUEST["tools"])}


def answering(key: str, change: Any) -> Any:
    def answer(inputs: Any) -> Any:
        return {**inputs, key: change(copy.deepcopy(inputs[key]))} if "structured_messages" in inputs else inputs

    return answer


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("structured_messages", lambda messages: messages[:1]),
        ("structured_messages", lambda messages: [*messages[:-1], {**messages[-1], "tool_call_id": "t2"}]),
        ("structured_messages", lambda messages: "none"),
        ("structured_messages", lambda messages: [*messages[:-1], {"role": "tool"}]),
        ("structured_messages", masked),
        ("tools", lambda tools: []),
        ("tools", lambda tools: [{**tools[0], "type": "other"}]),
    ],
    ids=["another conversation", "an id", "no list", "a field", "arguments alone", "no tools", "another type"],
)
async def test_what_cannot_be_written_back_fails_the_request(key, change):
    with pytest.raises(GuardrailAnswerError, match=f"other {key}, which cannot be written back"):
        await requested(answering(key, change))


async def test_another_name_of_a_tool_fails_the_request():
    def renamed(tools: Any) -> Any:
        tools[0]["function"]["name"] = "post"
        return tools

    with pytest.raises(GuardrailAnswerError, match="other tools, which cannot be written back"):
        await requested(answering("tools", renamed))


async def test_a_tool_in_the_form_of_chat_is_handed_over_as_it_is():
    tool = {"type": "function", "function": {"name": "mail", "description": "sends"}}
    _, check = await requested(lambda inputs: inputs, {**REQUEST, "tools": [tool]})

    assert check.seen[0]["tools"] == [tool]


async def test_a_conversation_that_litellm_cannot_read_fails_where_a_guardrail_asks_for_it():
    request = {"model": "m", "messages": [{"content": [{"type": "text", "text": "a"}]}]}

    with pytest.raises(PayloadError, match="cannot be turned into chat messages"):
        await requested(lambda inputs: inputs, request)
