"""A provider is told in each kind's own way that a call has not been run, and gets the call back as it was."""

from __future__ import annotations

from typing import get_args

import pytest

from litellm_bighub.domain.call import CallType
from litellm_bighub.domain.decided_call import DecidedCall
from litellm_bighub.formats.responses.calls import read_call
from litellm_bighub.formats.responses.requests.withheld_output import not_run, restored
from litellm_bighub.wording import ENGLISH

KINDS = get_args(CallType)


def withheld(kind="function", tool="pay", *, arguments=None, notice="blocked: no", item_id="it_1"):
    return DecidedCall(
        "r", "c1", kind, tool, "blocked", False, "ada", 1.0, arguments=arguments or {}, notice=notice, item_id=item_id
    )


@pytest.mark.parametrize(
    ("kind", "where"),
    [
        ("function", {"type": "function_call_output", "call_id": "c1", "output": "blocked: no"}),
        ("custom", {"type": "custom_tool_call_output", "call_id": "c1", "output": "blocked: no"}),
        ("local_shell", {"type": "local_shell_call_output", "id": "c1", "output": '{"error":"blocked: no"}'}),
        (
            "apply_patch",
            {"type": "apply_patch_call_output", "call_id": "c1", "status": "failed", "output": "blocked: no"},
        ),
        (
            "mcp",
            {"type": "mcp_approval_response", "approval_request_id": "c1", "approve": False, "reason": "blocked: no"},
        ),
    ],
)
def test_what_a_provider_waits_for(kind, where):
    assert not_run(withheld(kind)) == [where]


def test_a_shell_has_failed():
    [output] = not_run(withheld("shell"))

    assert (output["type"], output["call_id"]) == ("shell_call_output", "c1")
    assert output["output"] == [
        {"stdout": "", "stderr": "blocked: no", "outcome": {"type": "exit", "exit_code": 1}},
    ]


@pytest.mark.parametrize(
    ("kind", "type_"), [("computer", "computer_call_output"), ("tool_search", "tool_search_output")]
)
def test_an_output_that_holds_no_text_is_explained_by_a_message(kind, type_):
    output, message = not_run(withheld(kind))

    assert (output["type"], output["call_id"]) == (type_, "c1")
    assert (message["role"], message["content"]) == ("developer", [{"type": "input_text", "text": "blocked: no"}])


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_told_why(kind):
    assert "blocked: no" in str(not_run(withheld(kind)))


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_notice_the_wording_says_it(kind):
    said = ENGLISH.not_run.format(tool="pay")

    assert not_run(withheld(kind, notice="")) == not_run(withheld(kind, notice=said))


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        pytest.param(
            withheld(arguments={"a": 1}),
            {"type": "function_call", "id": "it_1", "call_id": "c1", "name": "pay", "arguments": '{"a":1}'},
            id="function",
        ),
        pytest.param(
            withheld(tool="mail.send", item_id=""),
            {"type": "function_call", "call_id": "c1", "namespace": "mail", "name": "send", "arguments": "{}"},
            id="in a namespace",
        ),
        pytest.param(
            withheld("custom", arguments={"input": "x"}),
            {"type": "custom_tool_call", "id": "it_1", "call_id": "c1", "name": "pay", "input": "x"},
            id="custom",
        ),
        pytest.param(
            withheld("custom", arguments={"input": 5}),
            {"type": "custom_tool_call", "id": "it_1", "call_id": "c1", "name": "pay", "input": ""},
            id="custom, of no text",
        ),
        pytest.param(
            withheld("shell", arguments={"action": {"commands": ["ls"]}}),
            {
                "type": "shell_call",
                "id": "it_1",
                "call_id": "c1",
                "action": {"commands": ["ls"]},
                "status": "completed",
            },
            id="shell",
        ),
        pytest.param(
            withheld("computer", arguments={"action": {"type": "click"}}),
            {
                "type": "computer_call",
                "id": "it_1",
                "call_id": "c1",
                "action": {"type": "click"},
                "pending_safety_checks": [],
                "status": "completed",
            },
            id="computer",
        ),
    ],
)
def test_a_call_is_restored_as_the_model_made_it(call, expected):
    assert restored(call) == expected
    assert read_call(expected, "").id == "c1"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in {"function", "custom"}])
def test_what_cannot_be_restored(kind):
    assert restored(withheld(kind)) is None
