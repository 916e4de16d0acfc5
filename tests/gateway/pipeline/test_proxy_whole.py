"""Tool calls of whole answers, through the real proxy, as the official client gets them."""

from __future__ import annotations

import json
import re

import openai
import pytest

from litellm_bighub.testing import (
    BlackHole,
    allow,
    apply_patch_call,
    block,
    computer_call,
    custom_call,
    function_call,
    local_shell_call,
    require_approval,
    shell_call,
    text,
)

pytestmark = pytest.mark.proxy

CANARY = "canary-4711"


def ask(gateway, items, *guardrails, key=None, **more):
    gateway.upstream.script("go", items)
    with gateway.client(key) as client:
        return client.responses.create(model="gpt-4.1", input="go", extra_body={"guardrails": list(guardrails)}, **more)


def notice(item) -> str:
    assert item.type == "message", item
    return item.content[0].text


def test_an_allowed_call_arrives_unchanged(gateway):
    call = function_call("lookup_order", '{ "order_id" : "A-17" }', call_id="call_1")
    response = ask(gateway, [text("Looking."), call], "policy")

    assert [item.type for item in response.output] == ["message", "function_call"]
    assert response.output[1].arguments == '{ "order_id" : "A-17" }'
    assert (response.output[1].name, response.output[1].call_id) == ("lookup_order", "call_1")


def test_a_blocked_call_becomes_a_notice_and_its_siblings_stay(gateway):
    blocked = function_call("delete_all", {"table": CANARY}, call_id=f"call_{CANARY}")
    allowed = function_call("lookup_order", {"id": 1}, call_id="call_ok")
    response = ask(gateway, [text("Both."), blocked, allowed], "policy")

    assert [item.type for item in response.output] == ["message", "message", "function_call"]
    assert notice(response.output[1]) == 'The tool call "delete_all" was blocked by policy and has not been run.'
    assert CANARY not in response.to_json()
    assert len({item.id for item in response.output}) == 3


def test_a_call_that_needs_approval_names_it(gateway):
    response = ask(gateway, [function_call("refund", {"amount": 900, "order_id": CANARY})], "policy")

    assert "needs the approval of a person (approval apr_" in notice(response.output[0])
    assert CANARY not in response.to_json()
    assert gateway.lines("decisions")[-1]["approval_id"] in notice(response.output[0])


def test_two_parallel_calls_are_decided_each_on_its_own(gateway):
    calls = [function_call("refund", {"amount": amount, "order_id": f"o-{amount}"}) for amount in (20, 900, 20_000)]
    response = ask(gateway, calls, "policy")

    assert [item.type for item in response.output] == ["function_call", "message", "message"]
    assert "approval" in notice(response.output[1])
    assert "blocked" in notice(response.output[2])


@pytest.mark.lesson("the call that chat withholds passes on Responses and Messages", row="shell")
@pytest.mark.lesson("computer calls pass undecided", row="computer")
@pytest.mark.lesson("MCP calls pass undecided", row="mcp approval")
@pytest.mark.lesson("shell calls pass undecided", row="shell")
@pytest.mark.lesson("custom calls pass undecided", row="custom")
@pytest.mark.parametrize(
    ("call", "name"),
    [
        pytest.param(custom_call("run_sql", f"drop {CANARY}"), "run_sql", id="custom"),
        pytest.param(shell_call("rm", f"-rf {CANARY}"), "shell", id="shell"),
        pytest.param(local_shell_call("rm", CANARY), "local_shell", id="local shell"),
        pytest.param(apply_patch_call({"type": "delete_file", "path": CANARY}), "apply_patch", id="apply patch"),
        pytest.param(computer_call({"type": "type", "text": CANARY}), "computer", id="computer"),
        pytest.param({"type": "teleport_call", "arguments": json.dumps({"to": CANARY})}, "teleport_call", id="unknown"),
        pytest.param(
            {
                "type": "mcp_approval_request",
                "name": "wipe",
                "server_label": "s",
                "arguments": json.dumps({"x": CANARY}),
            },
            "wipe",
            id="mcp approval",
        ),
    ],
)
def test_every_kind_of_call_is_withheld(gateway, call, name):
    response = ask(gateway, [text("Now."), call], "policy")

    assert notice(response.output[1]) == f'The tool call "{name}" was blocked by policy and has not been run.'
    assert CANARY not in response.to_json()


@pytest.mark.parametrize("call", [shell_call("ls"), local_shell_call("ls")], ids=["shell", "local shell"])
def test_a_shell_call_may_be_allowed(gateway, call):
    response = ask(gateway, [call], "policy")

    assert response.output[0].type == call["type"]
    assert "ls" in response.output[0].to_json()


@pytest.mark.parametrize(
    ("tool", "arguments", "code"),
    [
        pytest.param("delete_all", {"table": CANARY}, "tool_call_blocked", id="blocked"),
        pytest.param("refund", {"amount": 900, "order_id": CANARY}, "tool_call_requires_approval", id="approval"),
    ],
)
def test_withheld_calls_can_fail_the_request(gateway, tool, arguments, code):
    with pytest.raises(openai.BadRequestError) as refused:
        ask(gateway, [text("Now."), function_call(tool, arguments)], "errors")

    assert refused.value.status_code == 400
    assert f'The tool call "{tool}"' in refused.value.message
    assert code in json.dumps(refused.value.body)
    assert CANARY not in str(refused.value)


@pytest.mark.lesson("the model is told reasons, thresholds and rules")
def test_the_reason_is_told_only_if_the_operator_says_so(gateway):
    call = function_call("refund", {"amount": 20_000, "order_id": "o"})

    assert "Reason: " in notice(ask(gateway, [call], "reasons").output[0])
    hidden = ask(gateway, [call], "policy").to_json()
    assert "Reason" not in hidden
    assert not re.search(r"(?<!\w)10000(?!\w)", hidden)  # within an id or a time stamp it stands by chance
    assert "max_value" not in hidden


UNREADABLE = {
    "NaN": '{"amount": NaN}',
    "twice": '{"amount": 1, "amount": 900}',
    "large": '{"a": "' + "x" * 10_000_000 + '"}',
    "deep": '{"a":' * 10_000 + "1" + "}" * 10_000,
    "surrogate": '{"a": "\\ud800"}',
    "no object": "[1]",
    "broken": '{"a": ',
}


@pytest.mark.parametrize("guardrail", ["reasons", "open_policy", "dead_open"])
@pytest.mark.parametrize("arguments", UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable_arguments_are_withheld_without_asking(gateway, arguments, guardrail):
    response = ask(gateway, [function_call("lookup", arguments)], guardrail)

    assert "blocked" in notice(response.output[0])
    if guardrail == "reasons":
        assert "Reason: arguments" in notice(response.output[0])


def test_unreadable_arguments_never_reach_the_decider(gateway):
    calls = [function_call("lookup", arguments) for name, arguments in UNREADABLE.items() if name != "large"]
    response = ask(gateway, calls, "asked")

    assert {item.type for item in response.output} == {"message"}
    assert gateway.bighub.requests == []


@pytest.mark.lesson("`allowed: true` runs beside `result: blocked`", row="contradicts itself")
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(allow(), "function_call", id="allowed"),
        pytest.param(block(), "message", id="blocked"),
        pytest.param(require_approval("req_17"), "message", id="approval"),
        pytest.param(allow(result="blocked"), "message", id="contradicts itself"),
    ],
)
def test_the_hosted_bighub_decides(gateway, answer, expected):
    gateway.bighub.script(answer)
    response = ask(gateway, [function_call("pay", {"amount": 3})], "asked")

    assert response.output[0].type == expected
    [question] = gateway.bighub.requests
    assert question.body["action"] == "pay"


def test_the_hosted_approval_is_named(gateway):
    gateway.bighub.script(require_approval("req_17"))
    response = ask(gateway, [function_call("pay", {"amount": 3})], "asked")

    assert "(approval req_17)" in notice(response.output[0])


@pytest.mark.parametrize(
    ("guardrail", "expected"),
    [
        ("dead_closed", "message"),
        ("dead_open", "function_call"),
        ("slow_closed", "message"),
        ("slow_open", "function_call"),
    ],
)
def test_fail_mode_counts_when_bighub_cannot_be_reached(gateway, guardrail, expected):
    gateway.bighub.script(BlackHole())
    response = ask(gateway, [function_call("pay", {"amount": 3})], guardrail)

    assert response.output[0].type == expected


def test_an_answer_without_calls_asks_nobody(gateway):
    assert ask(gateway, [text("Just words.")], "asked").output_text == "Just words."
    assert gateway.bighub.requests == []


@pytest.mark.parametrize("guardrails", [("masked_before", "asked"), ("asked", "masked_after")])
def test_other_guardrails_run_too_and_the_call_is_decided_once(gateway, guardrails):
    items = [text("Mail bob@example.com."), function_call("pay", {"amount": 3})]
    response = ask(gateway, items, *guardrails)

    assert "bob@example.com" not in response.output_text
    assert response.output[1].type == "function_call"
    assert len(gateway.bighub.requests) == 1


def test_a_subclass_keeps_the_hook(gateway):
    response = ask(gateway, [function_call("delete_all", {"table": CANARY})], "mine")

    assert "blocked" in notice(response.output[0])


def test_the_guardrail_runs_only_where_it_is_asked_for(gateway):
    assert ask(gateway, [function_call("delete_all", {})]).output[0].type == "function_call"


def test_a_call_whose_decision_cannot_be_recorded_is_withheld(gateway):
    response = ask(gateway, [function_call("lookup_order", {"password": CANARY})], "unrecorded")

    assert "blocked" in notice(response.output[0])
    assert "on_decision did not record decision" in gateway.proxy.log
    assert CANARY not in gateway.proxy.log
    assert "no room for" not in gateway.proxy.log
