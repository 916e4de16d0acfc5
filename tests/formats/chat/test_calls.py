from __future__ import annotations

import copy
from typing import get_args

import pytest
from inline_snapshot import snapshot
from litellm.types.utils import ModelResponse
from openai.types.chat import ChatCompletion, ChatCompletionMessageToolCallUnion

from litellm_bighub.domain.call import ToolCall
from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.answers.unreadable_calls import NO_ID, NO_NAME, NO_PAYLOAD, TORN, UNFINISHED
from litellm_bighub.formats.chat.calls import (
    edit,
    find_calls,
    made_up_id,
    name_calls,
    read_call,
    rewrite_arguments,
    say,
    withhold,
)


def function(tag: str, arguments: object = '{"a": 1}') -> dict[str, object]:
    return {"id": f"call_{tag}", "type": "function", "function": {"name": f"name_{tag}", "arguments": arguments}}


def custom(tag: str, told: object = "do") -> dict[str, object]:
    return {"id": f"call_{tag}", "type": "custom", "custom": {"name": f"name_{tag}", "input": told}}


def completion(*messages: dict[str, object], reason: str = "tool_calls") -> dict[str, object]:
    choices = [
        {"index": index, "finish_reason": reason, "message": {"role": "assistant", "content": None, **message}}
        for index, message in enumerate(messages)
    ]
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": choices}


MODELS = [
    pytest.param(lambda response: response, id="dict"),
    pytest.param(ChatCompletion.model_validate, id="openai"),
    pytest.param(lambda response: ModelResponse(**copy.deepcopy(response)), id="litellm"),
]


def plain(response: object) -> list[dict[str, object]]:
    """What the client gets of each choice."""
    dumped = response if isinstance(response, dict) else response.model_dump(exclude_none=True)
    return [
        {
            "reason": choice["finish_reason"],
            "content": choice["message"].get("content"),
            "calls": [call["id"] for call in choice["message"].get("tool_calls") or ()],
            "legacy": (choice["message"].get("function_call") or {}).get("name"),
        }
        for choice in dumped["choices"]
    ]


def test_every_call_type_of_the_installed_openai_is_known():
    types = {
        get_args(model.model_fields["type"].annotation)[0]
        for model in get_args(get_args(ChatCompletionMessageToolCallUnion)[0])
    }
    assert types == {"function", "custom"}


@pytest.mark.parametrize("model", MODELS)
def test_calls_of_all_choices_are_found(model):
    legacy = {"name": "old", "arguments": "{}"}
    response = model(
        completion({"tool_calls": [function("a"), custom("b")]}, {"content": "x"}, {"function_call": legacy})
    )
    assert [found.call for found in find_calls(response)] == [
        ToolCall("call_a", "function", "name_a", {"a": 1}, path="choices[0].message.tool_calls[0]"),
        ToolCall("call_b", "custom", "name_b", {"input": "do"}, path="choices[0].message.tool_calls[1]"),
        ToolCall("", "function", "old", {}, path="choices[2].message.function_call"),
    ]


@pytest.mark.parametrize("model", MODELS)
def test_calls_are_withheld_in_place(model):
    legacy = {"name": "old", "arguments": "{}"}
    response = model(
        completion(
            {"content": "Hm.", "tool_calls": [function("a"), function("b")]},
            {"tool_calls": [function("c")]},
            {"function_call": legacy},
        )
    )
    for found in find_calls(response):
        if found.call.id != "call_b":
            withhold(found, "no")
    assert plain(response) == snapshot(
        [
            {"reason": "tool_calls", "content": "Hm.\n\nno", "calls": ["call_b"], "legacy": None},
            {"reason": "stop", "content": "no", "calls": [], "legacy": None},
            {"reason": "stop", "content": "no", "calls": [], "legacy": None},
        ]
    )


def test_the_tokens_of_a_withheld_call_are_taken_out():
    response = completion({"tool_calls": [function("a")]})
    response["choices"][0]["logprobs"] = {"content": [{"token": "name_a"}]}
    withhold(find_calls(response)[0], "no")
    assert "name_a" not in repr(response)


def test_two_notices_and_a_content_of_parts():
    parts = [{"type": "text", "text": "Hm."}]
    response = completion({"content": parts, "tool_calls": [function("a"), function("a")]}, reason="stop")
    for found in find_calls(response):
        withhold(found, "no")
    [choice] = plain(response)
    assert choice["content"] == [*parts, {"type": "text", "text": "no"}, {"type": "text", "text": "no"}]
    assert (choice["reason"], choice["calls"], len(parts)) == ("stop", [], 1)


@pytest.mark.parametrize("model", MODELS)
def test_calls_are_edited_in_place(model):
    legacy = {"name": "old", "arguments": "{}"}
    response = model(completion({"tool_calls": [function("a"), custom("b")], "function_call": legacy}))
    for found in find_calls(response):
        edit(found, {"input": "new"})
    assert [found.call.arguments for found in find_calls(response)] == [{"input": "new"}] * 3
    assert [found.call.name for found in find_calls(response)] == ["name_a", "name_b", "old"]


@pytest.mark.parametrize("model", MODELS)
def test_of_an_edited_function_call_alone_the_content_tells(model):
    """The results of the others name their call, and the model is told with those."""
    legacy = {"name": "old", "arguments": "{}"}
    response = model(completion({"content": "Hm.", "tool_calls": [function("a")], "function_call": legacy}))
    first, last = find_calls(response)
    edit(first, {"b": 1}, "A person did it.")
    [choice] = plain(response)
    assert choice["content"] == "Hm."
    edit(last, {"b": 1}, "A person did it.")
    [choice] = plain(response)
    assert choice["content"] == "Hm.\n\nA person did it."


@pytest.mark.parametrize("model", MODELS)
def test_of_a_function_call_that_stays_the_content_tells_what_a_person_says(model):
    legacy = {"name": "old", "arguments": "{ }"}
    response = model(completion({"content": "Hm.", "tool_calls": [function("a")], "function_call": legacy}))
    first, last = find_calls(response)
    say(first, "A person says it.")
    assert plain(response)[0]["content"] == "Hm."
    say(last, "A person says it.")
    [choice] = plain(response)
    assert (choice["content"], choice["legacy"]) == ("Hm.\n\nA person says it.", "old")
    assert last.item == find_calls(response)[1].item


UNREADABLE = [
    pytest.param(function("a", "{"), "arguments are not valid JSON (character 1)", id="broken"),
    pytest.param(function("a", "[1]"), "arguments are a JSON array, not an object", id="array"),
    pytest.param({**function("a"), "id": ""}, NO_ID, id="no-id"),
    pytest.param({**function("a"), "function": {"arguments": "{}"}}, NO_NAME, id="no-name"),
    pytest.param({**function("a"), "custom": {"name": "n", "input": ""}}, TORN, id="two-payloads"),
    pytest.param({"id": "c", "type": "robot", "robot": {}}, NO_PAYLOAD, id="unknown"),
    pytest.param(custom("a", {"x": 1}), NO_PAYLOAD, id="no-input"),
    pytest.param(
        custom("a", "\ud800"), "arguments have no canonical JSON form: a text is not valid Unicode", id="surrogate"
    ),
    pytest.param("text", NO_PAYLOAD, id="no-object"),
]


@pytest.mark.parametrize(("item", "reason"), UNREADABLE)
def test_what_cannot_be_read_is_unreadable(item, reason):
    read = read_call(item, "p")
    assert (read.unreadable, read.arguments) == (reason, {})


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_calls_of_a_choice_that_was_cut_off_are_unfinished(reason):
    response = completion({"tool_calls": [function("a")], "function_call": {"name": "n"}}, reason=reason)
    assert [found.call.unreadable for found in find_calls(response)] == [UNFINISHED, UNFINISHED]
    withhold(find_calls(response)[0], "no")
    assert plain(response)[0]["reason"] == reason


def test_a_payload_of_a_declared_type_that_nobody_knows_is_an_unknown_call():
    assert read_call({**function("a"), "type": "robot"}, "p").type == "unknown"


def test_parsed_arguments_are_read():
    assert read_call(function("a", {"b": None}), "p").arguments == {"b": None}


@pytest.mark.parametrize(
    "response", [{}, {"choices": []}, {"choices": [{"message": {"content": "x"}}]}, {"choices": [{}]}]
)
def test_no_calls(response):
    assert find_calls(response) == []


@pytest.mark.parametrize(
    "response",
    [{"choices": ()}, {"choices": [{"message": {"tool_calls": (function("a"),)}}]}],
    ids=["choices", "calls"],
)
def test_what_cannot_be_changed_is_refused(response):
    with pytest.raises(PayloadError):
        find_calls(response)


@pytest.mark.parametrize("edited", [{"input": 1}, {"input": "x", "more": "y"}, {}])
def test_edited_arguments_that_do_not_fit_are_refused(edited):
    with pytest.raises(PayloadError):
        rewrite_arguments(custom("a"), edited)


def test_a_call_without_an_id_is_given_one_and_the_others_keep_theirs():
    nameless = {**function("a"), "id": None}
    response = completion({"tool_calls": [nameless, function("b"), {**function("c"), "id": ""}]})

    name_calls(response)

    first, second, third = (found.call.id for found in find_calls(response))
    assert second == "call_b"
    assert first == made_up_id("c", "choices[0].message.tool_calls[0]")
    assert len({first, second, third}) == 3


def test_a_completion_whose_calls_have_ids_stays_the_object_that_it_is():
    response = completion({"tool_calls": [function("a")]}, {"content": "hi"})
    before = copy.deepcopy(response)

    name_calls(response)

    assert response == before


def test_made_up_ids_are_the_same_for_an_answer_and_others_where_it_has_no_id():
    assert made_up_id("answer", "calls[0]") == made_up_id("answer", "calls[0]")
    assert made_up_id("answer", "calls[0]") != made_up_id("answer", "calls[1]")
    assert made_up_id("", "calls[0]") != made_up_id("", "calls[0]")
