"""In every format a secret that is split over a message's parts, or holds invisible characters, is found."""

from __future__ import annotations

import copy
import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, strategies as st
from litellm.proxy._types import UserAPIKeyAuth
from litellm.types.llms.openai import ResponsesAPIResponse
from litellm.types.utils import ModelResponse

from litellm_bighub import TextGuardrail
from litellm_bighub.errors import GuardrailAnswerError
from tests.llm_translation.guardrails import First, Today, masking

SECRET, MASK = "secretcode", "[mask]"
HALVES = ("a secret", "code b")
MASKED = ("a [mask]", "[mask] b")
HIDDEN = "s\u200becret\u2060code"
CALLER = UserAPIKeyAuth()


def parts(kind: str, texts: Any = HALVES) -> list[dict[str, Any]]:
    return [{"type": kind, "text": text} for text in texts]


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def result(content: Any) -> dict[str, Any]:
    return user([{"type": "tool_result", "tool_use_id": "t", "content": content}])


def output(kind: str, texts: Any = HALVES) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": "c", "output": parts(kind, texts)}


REQUESTS: dict[str, tuple[str, Any]] = {
    "chat": ("acompletion", lambda texts: {"messages": [user(parts("text", texts))]}),
    "chat, a text among parts": (
        "acompletion",
        lambda texts: {"messages": [user([*parts("text", texts[:1]), *texts[1:]])]},
    ),
    "chat, a result": (
        "acompletion",
        lambda texts: {"messages": [{"role": "tool", "tool_call_id": "c", "content": parts("text", texts)}]},
    ),
    "Messages": ("anthropic_messages", lambda texts: {"messages": [user(parts("text", texts))]}),
    "Messages, system": ("anthropic_messages", lambda texts: {"system": parts("text", texts), "messages": []}),
    "Messages, a result": ("anthropic_messages", lambda texts: {"messages": [result(parts("text", texts))]}),
    "Responses": ("aresponses", lambda texts: {"input": [user(parts("input_text", texts))]}),
    "Responses, a result": ("aresponses", lambda texts: {"input": [output("input_text", texts)]}),
    "Responses, reasoning": (
        "aresponses",
        lambda texts: {"input": [{"type": "reasoning", "id": "r", "summary": parts("summary_text", texts)}]},
    ),
}


def guardrail(check: Any, **settings: Any) -> TextGuardrail:
    return TextGuardrail(guardrail_name="texts", guardrails=[check], **settings)


async def requested(name: str, texts: Any, check: Any, **settings: Any) -> Any:
    call_type, make = REQUESTS[name]
    cache: Any = None
    data = {"model": "m", **make(list(texts))}
    hook = guardrail(check, **settings).async_pre_call_hook
    return await hook(CALLER, cache, copy.deepcopy(data), call_type), make


@pytest.mark.parametrize("contract", [0, 1], ids=["text", "inputs"])
@pytest.mark.parametrize("name", REQUESTS)
async def test_a_secret_over_two_parts_of_a_request_is_masked_in_both(name, contract):
    data, make = await requested(name, HALVES, masking(SECRET, MASK)[contract])

    assert {key: data[key] for key in make(MASKED)} == make(list(MASKED))


@pytest.mark.parametrize("name", REQUESTS)
async def test_invisible_characters_hide_no_secret(name):
    data, make = await requested(name, (f"a {HIDDEN}", "b"), masking(SECRET, MASK)[1])

    assert {key: data[key] for key in make(MASKED)} == make(["a [mask]", "b"])


@pytest.mark.parametrize("name", REQUESTS)
async def test_both_can_be_switched_off(name):
    texts = (*HALVES, HIDDEN)
    data, make = await requested(name, texts, masking(SECRET, MASK)[1], join_parts=False, ignore_invisible=False)

    assert {key: data[key] for key in make(texts)} == make(list(texts))


@pytest.mark.format("responses", "chat", "messages")
@given(st.sampled_from(sorted(REQUESTS)), st.lists(st.integers(1, 9), unique=True, min_size=1).map(sorted))
async def test_no_cut_of_a_request_hides_a_secret(name, at):
    bounds = [0, *at, len(SECRET)]
    texts = [SECRET[start:end] for start, end in pairwise(bounds)]
    data, make = await requested(name, texts, masking(SECRET, MASK)[1])
    expected = make([MASK for _ in texts])

    assert {key: data[key] for key in expected} == expected


@pytest.mark.format("responses", "chat")
async def test_a_second_look_costs_one_call_more_and_only_where_there_is_something_to_see():
    check = Today()
    await requested("chat", ("one", "two"), check)
    await requested("chat", ("one",), check)
    await requested("Responses", ("one",), check)

    assert [call["texts"] for call in check.calls] == [["one", "two"], ["onetwo"], ["one"], ["one"]]


@pytest.mark.format("responses")
@pytest.mark.parametrize("data", [{"input": HIDDEN}, {"input": [user(HIDDEN)]}], ids=["text", "message"])
@pytest.mark.parametrize("contract", [0, 1], ids=["text", "inputs"])
async def test_a_lone_text_is_looked_at_twice(data, contract):
    cache: Any = None
    check = guardrail(masking(SECRET, MASK)[contract])
    made = await check.async_pre_call_hook(CALLER, cache, copy.deepcopy(data), "aresponses")

    assert json.dumps(made["input"]) == json.dumps(data["input"]).replace(json.dumps(HIDDEN)[1:-1], MASK)


def chat_answer(texts: Any) -> Any:
    message = {"role": "assistant", "content": parts("text", texts)}
    answer = ModelResponse(choices=[{"index": 0, "finish_reason": "stop", "message": {"role": "assistant"}}])
    answer.choices[0].message.content = message["content"]
    return answer


def responses_answer(*texts: str) -> Any:
    items = [
        {"type": "message", "id": f"m{n}", "role": "assistant", "status": "completed", "content": content}
        for n, content in enumerate([parts("output_text", texts[:1]), parts("output_text", texts[1:])])
    ]
    return ResponsesAPIResponse(id="r", created_at=0, output=items, model="m", object="response", status="completed")


ANSWERS = {
    "chat": chat_answer,
    "Messages": lambda texts: {"type": "message", "role": "assistant", "content": parts("text", texts)},
    "Responses": lambda texts: {
        "object": "response",
        "output": [{"type": "message", "content": parts("output_text", texts)}],
    },
    "Responses, two messages": lambda texts: responses_answer(*texts),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_a_secret_over_two_parts_of_an_answer_is_masked_in_both(name):
    answer, expected = ANSWERS[name](list(HALVES)), ANSWERS[name](list(MASKED))

    await guardrail(masking(SECRET, MASK)[1]).async_post_call_success_hook({}, CALLER, answer)

    assert told(answer) == told(expected)


def told(answer: Any) -> Any:
    plain = answer if isinstance(answer, dict) else answer.model_dump(mode="json")
    return [plain.get(key) for key in ("choices", "content", "output")]


def blocking(inputs: Any) -> Any:
    if any(SECRET in text for text in inputs["texts"]):
        raise PermissionError
    return inputs


@pytest.mark.format("chat")
async def test_what_the_second_look_blocks_fails_the_request():
    with pytest.raises(PermissionError):
        await requested("chat", HALVES, Today(blocking))


@pytest.mark.format("responses", "chat")
async def test_of_two_rewrites_on_two_channels_none_is_lost():
    """Each alone would be delivered: the second look's, and that of the messages."""

    def change(inputs: Any) -> Any:
        messages = inputs.get("structured_messages")
        texts = [text.replace(SECRET, MASK) for text in inputs["texts"]]
        if messages is None:
            return {**inputs, "texts": texts}
        return {**inputs, "texts": texts, "structured_messages": json.loads(json.dumps(messages).replace("a ", "b "))}

    with pytest.raises(GuardrailAnswerError, match="answered with two rewrites, of which one would be lost"):
        await requested("chat", HALVES, Today(change))
    with pytest.raises(GuardrailAnswerError, match="answered with two rewrites, of which one would be lost"):
        await requested("Responses", HALVES, Today(change))


@pytest.mark.format("chat")
async def test_of_a_new_conversation_and_the_second_look_none_is_lost():
    def change(inputs: Any) -> Any:
        texts = [text.replace(SECRET, MASK) for text in inputs["texts"]]
        return {**inputs, "texts": texts, "structured_messages": [user("one"), user("two")]}

    with pytest.raises(GuardrailAnswerError, match="two rewrites, of which one would be lost: messages"):
        await requested("chat", HALVES, Today(change))


@pytest.mark.format("chat")
async def test_what_the_first_look_found_is_not_found_again():
    check = First(lambda text: text.replace(SECRET, MASK))
    data, make = await requested("chat", (f"a {SECRET}", "b"), check)

    assert check.seen[-1] == "a [mask]b"
    assert data["messages"] == make(["a [mask]", "b"])["messages"]
