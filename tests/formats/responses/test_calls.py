from __future__ import annotations

import json
from typing import get_args

import pytest
from litellm.types.llms.openai import ResponsesAPIResponse
from openai.types.responses import (
    ResponseFunctionShellToolCall,
    ResponseFunctionToolCall,
    ResponseInputItem,
    ResponseOutputItem,
    ResponseStreamEvent,
)

from litellm_bighub.domain.call import ToolCall
from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.answers.unreadable_calls import UNFINISHED
from litellm_bighub.formats.responses import event_kinds as wire_events
from litellm_bighub.formats.responses.calls import find_calls, read_call, rewrite_arguments, withhold
from litellm_bighub.formats.responses.item_kinds import CALLS, NO_CALLS
from litellm_bighub.formats.responses.notice_item import notice_item
from tests.formats.responses import streams as s


def types_in(union: object) -> set[str]:
    """The values of `type` in an annotated union of openai's models."""
    found: set[str] = set()
    for model in get_args(get_args(union)[0]):
        annotation = model.model_fields["type"].annotation
        for literal in (annotation, *get_args(annotation)):
            found |= {name for name in get_args(literal) if isinstance(name, str)}
    return found


SINCE_OPENAI_3 = {
    "response.compaction.compacting",
    "response.shell_call_command.added",
    "response.shell_call_command.delta",
    "response.shell_call_command.done",
    "response.shell_call_output_content.delta",
    "response.shell_call_output_content.done",
}
"""Events that an older `openai` may lack."""


def test_every_item_type_of_the_installed_openai_is_known():
    known = CALLS.keys() | NO_CALLS
    assert types_in(ResponseOutputItem) | types_in(ResponseInputItem) <= known
    assert not CALLS.keys() & NO_CALLS


def test_every_event_type_of_the_installed_openai_is_known():
    known = types_in(ResponseStreamEvent)
    assert known <= wire_events.EVENTS.keys()
    assert wire_events.EVENTS.keys() - known <= SINCE_OPENAI_3


READ = [
    pytest.param("function", "function", "name_t", {"a": "t"}, id="function"),
    pytest.param("custom", "custom", "name_t", {"input": "do t"}, id="custom"),
    pytest.param("shell", "shell", "shell", {"action": {"commands": ["t"]}}, id="shell"),
    pytest.param(
        "local_shell",
        "local_shell",
        "local_shell",
        {"action": {"type": "exec", "command": ["t"], "env": {}}},
        id="local-shell",
    ),
    pytest.param(
        "apply_patch",
        "apply_patch",
        "apply_patch",
        {"operation": {"type": "create_file", "path": "t", "diff": "t"}},
        id="apply-patch",
    ),
    pytest.param("computer", "computer", "computer", {"action": {"type": "type", "text": "t"}}, id="computer"),
    pytest.param("tool_search", "tool_search", "tool_search", {"query": "t"}, id="tool-search"),
    pytest.param("unknown", "unknown", "name_t", {"a": "t"}, id="unknown"),
]


@pytest.mark.parametrize(("kind", "call_type", "name", "arguments"), READ)
def test_each_kind_is_read(kind, call_type, name, arguments):
    read = read_call(s.call_item(0, kind, "t"), "output[0]")
    assert read == ToolCall("call_t", call_type, name, arguments, path="output[0]")


MORE = [
    pytest.param(
        {"type": "mcp_approval_request", "id": "m", "name": "n", "arguments": "{}", "server_label": "l"},
        ToolCall("m", "mcp", "n"),
        id="mcp-approval",
    ),
    pytest.param(
        {"type": "computer_call", "call_id": "c", "actions": [{"type": "wait"}]},
        ToolCall("c", "computer", "computer", {"actions": [{"type": "wait"}]}),
        id="computer-actions",
    ),
    pytest.param(
        {"type": "robot", "call_id": "c", "input": "x"},
        ToolCall("c", "unknown", "robot", {"input": "x"}),
        id="unknown-with-input",
    ),
    pytest.param(
        {"type": "robot_call", "call_id": "c", "arguments": "{}", "input": "x"},
        ToolCall("c", "unknown", "robot_call", {"arguments": "{}", "input": "x"}),
        id="unknown-with-both",
    ),
    pytest.param(
        {"type": "program", "execution": "client", "call_id": "c", "code": "1"},
        ToolCall("c", "program", "program", {"code": "1"}),
        id="program-for-the-client",
    ),
    pytest.param(
        ResponseFunctionShellToolCall.model_validate(
            {"type": "shell_call", "id": "i", "call_id": "c", "status": "completed", "action": {"commands": ["ls"]}}
        ),
        ToolCall("c", "shell", "shell", {"action": {"commands": ["ls"]}}),
        id="model",
    ),
    pytest.param(
        {"type": "function_call", "call_id": "c", "name": "n", "arguments": {"a": None}},
        ToolCall("c", "function", "n", {"a": None}),
        id="parsed-arguments",
    ),
]


@pytest.mark.parametrize(("item", "expected"), MORE)
def test_other_shapes_are_read(item, expected):
    [found] = find_calls({"output": [item]})
    assert found.call == ToolCall(expected.id, expected.type, expected.name, expected.arguments, path="output[0]")


def nested(levels: int) -> object:
    value: object = "x"
    for _ in range(levels):
        value = [value]
    return value


UNREADABLE = [
    pytest.param({"arguments": "{"}, "arguments are not valid JSON (character 1)", id="broken"),
    pytest.param({"arguments": "[1]"}, "arguments are a JSON array, not an object", id="array"),
    pytest.param({"arguments": '{"a": 1, "a": 2}'}, None, id="twice"),
    pytest.param({"arguments": {"a": float("nan")}}, None, id="nan-parsed"),
    pytest.param({"arguments": {"a": object()}}, "the call holds something that is no JSON", id="no-json"),
    pytest.param({"name": ""}, "the call has no name", id="no-name"),
    pytest.param({"status": "incomplete"}, UNFINISHED, id="incomplete"),
    pytest.param({"status": "in_progress"}, UNFINISHED, id="in-progress"),
    pytest.param(
        {"type": "custom_tool_call", "input": "x" * 1_000_000},
        "arguments have 1000013 characters, at most 1000000 are decided on",
        id="long-input",
    ),
    pytest.param({"type": "custom_tool_call"}, "the call does not say what is to be done", id="no-input"),
    pytest.param(
        {"type": "custom_tool_call", "input": "\ud800"},
        "arguments have no canonical JSON form: a text is not valid Unicode",
        id="surrogate",
    ),
    pytest.param({"type": "shell_call", "action": nested(10_000)}, "the call is nested too deep", id="deep"),
    pytest.param({"type": "shell_call", "action": nested(100)}, None, id="deep-but-walkable"),
]


@pytest.mark.parametrize(("change", "reason"), UNREADABLE)
def test_what_cannot_be_read_is_unreadable(change, reason):
    read = read_call({"type": "function_call", "call_id": "c", "name": "n", **change}, "p")
    assert read.unreadable is not None
    assert reason is None or read.unreadable == reason
    assert read.arguments == {}


NOT_CALLS = [
    *(pytest.param({"type": name, "call_id": "c", "arguments": "{}"}, id=name) for name in sorted(NO_CALLS)),
    pytest.param({"type": "robot_call_output", "call_id": "c"}, id="unknown-output"),
    pytest.param({"type": "robot"}, id="unknown"),
    pytest.param({"type": "tool_search_call", "execution": "server"}, id="server-search"),
    pytest.param({"role": "user", "content": "hi"}, id="untyped-message"),
    pytest.param("text", id="bare-string"),
]


@pytest.mark.parametrize("item", NOT_CALLS)
def test_what_makes_nobody_act_is_no_call(item):
    assert find_calls({"output": [item]}) == []


def test_calls_are_withheld_in_place_in_mixed_payloads():
    model = ResponseFunctionToolCall(type="function_call", call_id="c", name="n", arguments="{}")
    message = s.message(0, "hi").item
    response = ResponsesAPIResponse.model_construct(output=[message, model, s.call_item(2, "shell", "t")])
    found = find_calls(response)
    assert [(call.call.path, call.index, call.item is call.owner[call.index]) for call in found] == [
        ("output[1]", 1, True),
        ("output[2]", 2, True),
    ]
    withhold(found[0], notice_item("msg_1", "no"))
    assert [type(item).__name__ for item in response.output] == ["dict", "dict", "dict"]
    assert response.output[0] is message
    assert "robot" not in json.dumps(response.output[1])


def test_no_output_has_no_calls():
    assert find_calls({}) == []


def test_an_output_that_cannot_be_changed_is_refused():
    with pytest.raises(PayloadError):
        find_calls({"output": (s.call_item(0, "function", "t"),)})


MISFITS = [
    pytest.param("custom", {"input": {"not": "text"}}, id="kind"),
    pytest.param("shell", {"action": {}, "more": 1}, id="one-more"),
    pytest.param("apply_patch", {}, id="none"),
]


@pytest.mark.parametrize(("kind", "edited"), MISFITS)
def test_edited_arguments_that_do_not_fit_are_refused(kind, edited):
    with pytest.raises(PayloadError):
        rewrite_arguments(s.call_item(0, kind, "t"), edited)


@pytest.mark.parametrize("kind", s.KINDS)
def test_rewriting_what_was_read_reads_the_same(kind):
    item = s.call_item(0, kind, "t")
    read = read_call(item, "")
    rewritten = rewrite_arguments(item, read.arguments)
    assert rewritten is not item
    assert read_call(rewritten, "") == read


def test_a_call_knows_the_reasoning_right_before_it():
    thought = {"type": "reasoning", "id": "rs_1", "summary": []}
    call = {"type": "function_call", "call_id": "c", "name": "pay", "arguments": "{}"}
    marks = [found.call.reasoning.id for found in find_calls({"output": [thought, call, call]})]
    assert marks == ["rs_1", ""]
