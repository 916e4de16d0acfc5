from __future__ import annotations

import copy
from typing import get_args

import pytest
from anthropic.types import ContentBlock, Message, ToolUseBlock
from anthropic.types.beta import BetaContentBlock

from litellm_bighub.domain.call import ToolCall
from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.answers.unreadable_calls import NO_ID, NO_NAME, TOO_DEEP, UNFINISHED
from litellm_bighub.formats.messages.calls import (
    NO_CALLS,
    edit,
    find_calls,
    is_call,
    read_call,
    rewrite_arguments,
    withhold,
)

TEXT = {"type": "text", "text": "hi"}


def tool_use(tag: str, told: object = None, **more: object) -> dict[str, object]:
    return {"type": "tool_use", "id": f"toolu_{tag}", "name": f"name_{tag}", "input": told or {"a": 1}, **more}


def answer(*content: dict[str, object], reason: str = "tool_use") -> dict[str, object]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": list(content),
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }


MODELS = [
    pytest.param(copy.deepcopy, id="dict"),
    pytest.param(Message.model_validate, id="anthropic"),
]


@pytest.mark.parametrize("union", [ContentBlock, BetaContentBlock], ids=["content", "beta"])
def test_every_block_type_of_the_installed_anthropic_is_known(union):
    types = {get_args(model.model_fields["type"].annotation)[0] for model in get_args(get_args(union)[0])}
    assert types - NO_CALLS == {"tool_use"}


@pytest.mark.parametrize("model", MODELS)
def test_calls_are_found(model):
    server = {**tool_use("s"), "type": "server_tool_use", "id": "srvtoolu_s", "name": "web_search"}
    response = model(answer(TEXT, tool_use("a"), server, tool_use("b", {"n": None})))
    assert [found.call for found in find_calls(response)] == [
        ToolCall("toolu_a", "function", "name_a", {"a": 1}, path="content[1]"),
        ToolCall("toolu_b", "function", "name_b", {"n": None}, path="content[3]"),
    ]


@pytest.mark.parametrize("model", MODELS)
def test_calls_are_withheld_in_place(model):
    response = model(answer(TEXT, tool_use("a"), tool_use("b")))
    first, second = find_calls(response)
    content = response["content"] if isinstance(response, dict) else response.content
    reason = lambda: response["stop_reason"] if isinstance(response, dict) else response.stop_reason  # noqa: E731
    withhold(first, "no")
    assert content[1] == {"type": "text", "text": "no"}
    assert reason() == "tool_use"
    withhold(second, "never")
    assert content[2] == {"type": "text", "text": "never"}
    assert reason() == "end_turn"


def test_another_stop_reason_stays():
    response = answer(tool_use("a"), reason="pause_turn")
    withhold(find_calls(response)[0], "no")
    assert response["stop_reason"] == "pause_turn"


@pytest.mark.parametrize("model", MODELS)
def test_calls_are_edited_in_place(model):
    response = model(answer(TEXT, tool_use("a")))
    [found] = find_calls(response)
    edit(found, {"b": 2})
    assert [again.call.arguments for again in find_calls(response)] == [{"b": 2}]
    assert rewrite_arguments(tool_use("a", '{"a": 1}'), {"b": 2}) == tool_use("a", '{"b":2}')


def nested(levels: int) -> object:
    value: object = "x"
    for _ in range(levels):
        value = [value]
    return value


UNREADABLE = [
    pytest.param(tool_use("a", "{"), "arguments are not valid JSON (character 1)", id="broken"),
    pytest.param(tool_use("a", [1]), "arguments are a JSON array, not an object", id="array"),
    pytest.param(tool_use("a", {"x": float("nan")}), "arguments hold NaN, which is no JSON", id="nan"),
    pytest.param(tool_use("a", {"x": object()}), "the call holds something that is no JSON", id="no-json"),
    pytest.param(tool_use("a", {"x": nested(10_000)}), TOO_DEEP, id="deep"),
    pytest.param(tool_use("a", id=None), NO_ID, id="no-id"),
    pytest.param(tool_use("a", name=""), NO_NAME, id="no-name"),
]


@pytest.mark.parametrize(("block", "reason"), UNREADABLE)
def test_what_cannot_be_read_is_unreadable(block, reason):
    read = read_call(block, "p")
    assert (read.unreadable, read.arguments) == (reason, {})


def test_a_model_of_a_tools_input_is_read():
    block = ToolUseBlock.model_construct(type="tool_use", id="i", name="n", input=Message.model_construct(model="m"))
    assert read_call(block, "p").arguments == {"model": "m"}


def test_a_last_block_that_was_cut_off_is_unfinished():
    response = answer(tool_use("a"), tool_use("b"), reason="max_tokens")
    assert [found.call.unreadable for found in find_calls(response)] == [None, UNFINISHED]
    assert [found.call.unreadable for found in find_calls(answer(tool_use("a"), TEXT, reason="max_tokens"))] == [None]


LOOKS = [
    pytest.param({"type": "robot_tool_use", "id": "r"}, True, id="by-type"),
    pytest.param({"type": "robot", "name": "n", "input": {}}, True, id="by-fields"),
    pytest.param({"type": "robot", "name": "n"}, False, id="no-input"),
    pytest.param("text", False, id="bare-string"),
    pytest.param({}, False, id="empty"),
]


@pytest.mark.parametrize(("block", "expected"), LOOKS)
def test_an_unknown_block_is_a_call_if_it_looks_like_one(block, expected):
    assert is_call(block) is expected
    assert [found.call.type for found in find_calls({"content": [block]})] == ["unknown"] * expected


def test_no_content_has_no_calls():
    assert find_calls({}) == []


def test_a_content_that_cannot_be_changed_is_refused():
    with pytest.raises(PayloadError):
        find_calls({"content": (tool_use("a"),)})
