"""One run, turn by turn, under both drivers and over a real connection to the provider."""

from __future__ import annotations

import datetime as dt
import json
import threading

import anyio
import pytest

from litellm_bighub.domain.decision import Allow, Basis, Block, RequireApproval
from litellm_bighub.errors import (
    AdapterConfigurationError,
    DecisionRefused,
    DecisionUnavailable,
    DecisionUnreadable,
    ProviderResponseError,
)
from litellm_bighub.testing import (
    Output,
    ScriptedDecider,
    apply_patch_call,
    computer_call,
    custom_call,
    function_call,
    local_shell_call,
    shell_call,
    text,
)
from tests.agent.harness import DONE, outputs

REFUND = function_call("refund_payment", {"order_id": "ord_1", "amount": 199.99}, call_id="c1")
NOTHING = {"type": "object", "properties": {}}


def refund_payment(order_id: str, amount: float) -> dict:
    """Give the money back."""
    return {"ok": True, "order_id": order_id, "amount": amount}


def with_refund(driver, **options):
    guard = driver.guard(**options)
    guard.tool("refund_payment", refund_payment, value_from_args=lambda a: a["amount"])
    return guard


def test_payload_has_the_shape_of_the_document(driver, model):
    model([REFUND], DONE)
    payload = driver.run(with_refund(driver))
    assert set(payload) == {"response_id", "output_text", "output", "llm_response", "execution"}
    assert payload["output_text"] == payload["llm_response"]["output_text"] == "done"
    assert payload["output"] == payload["llm_response"]["output"]
    assert payload["response_id"] == payload["llm_response"]["response_id"]
    assert payload["execution"]["last"] == payload["execution"]["events"][-1]
    (event,) = payload["execution"]["events"]
    assert event["tool"] == "refund_payment"
    assert event["status"] == "executed"
    assert event["call_id"] == "c1"
    assert event["output"] == {"ok": True, "order_id": "ord_1", "amount": 199.99}
    assert event["decision"]["allowed"] is True
    assert (event["seq"], event["schema_version"], event["error"]) == (0, 1, None)
    assert event["event_id"]
    assert event["trace_id"]
    assert event["source_version"].startswith("litellm-bighub@")
    json.dumps(payload)


def test_no_call_gives_no_events(driver, model):
    model(DONE)
    assert driver.run(with_refund(driver))["execution"] == {"events": [], "last": None}


def test_the_decider_is_told_of_the_call(driver, model):
    model([REFUND], DONE)
    decider = ScriptedDecider()
    guard = driver.guard(decider=decider, actor="AI_AGENT_001", domain="customer_transactions")
    guard.register_tool(
        "refund_payment",
        refund_payment,
        value_from_args=lambda a: a["amount"],
        target_from_args=lambda a: a["order_id"],
        action_name="refund",
        actor="REFUNDER",
    )
    payload = driver.run(guard)
    ((call, context),) = decider.asked
    assert (call.name, call.action, call.id) == ("refund_payment", "refund", "c1")
    assert (call.value, call.target) == (199.99, "ord_1")
    assert call.arguments == {"order_id": "ord_1", "amount": 199.99}
    assert (context.actor, context.domain) == ("REFUNDER", "customer_transactions")
    assert context.trace_id == payload["execution"]["last"]["trace_id"]


@pytest.mark.lesson("the model is told reasons, thresholds and rules")
@pytest.mark.parametrize(
    ("decision", "status"),
    [
        pytest.param(Block("above 10000", Basis(blocked_by="max_value", rule="r-7")), "blocked", id="block"),
        pytest.param(RequireApproval("a person looks", "apr_1"), "approval_required", id="approval"),
        pytest.param(DecisionUnavailable("down"), "blocked", id="unavailable"),
        pytest.param(DecisionRefused("401"), "blocked", id="refused"),
        pytest.param(DecisionUnreadable("what"), "blocked", id="unreadable"),
    ],
)
def test_a_withheld_call_does_not_run_and_the_model_hears_no_inner_reason(driver, model, decision, status):
    upstream = model([REFUND], DONE)
    ran = []
    guard = driver.guard(decider=ScriptedDecider({"refund_payment": decision}))
    guard.tool(
        "refund_payment",
        lambda **a: ran.append(a),
        parameters_schema={"type": "object", "properties": {}},
        strict=False,
    )
    payload = driver.run(guard)
    assert ran == []
    assert payload["execution"]["last"]["status"] == status
    assert payload["output_text"] == "done"
    (told,) = outputs(upstream.requests[1])
    assert json.loads(told["output"])["status"] == status
    for inner in ("above", "10000", "max_value", "r-7", "a person looks", "apr_1", "down", "401"):
        assert inner not in told["output"]


def test_the_model_hears_the_reason_if_the_operator_says_so(driver, model):
    upstream = model([REFUND], DONE)
    driver.run(with_refund(driver, decider=ScriptedDecider({"refund_payment": Block("too much")}), reveal=True))
    assert "too much" in outputs(upstream.requests[1])[0]["output"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        pytest.param(DecisionUnavailable("down"), "executed", id="unreachable-opens"),
        pytest.param(DecisionRefused("401"), "blocked", id="refusal-does-not"),
        pytest.param(DecisionUnreadable("what"), "blocked", id="garbage-does-not"),
    ],
)
def test_fail_open_opens_for_an_unreachable_decider_alone(driver, model, error, status):
    model([REFUND], DONE)
    guard = with_refund(driver, decider=ScriptedDecider({"refund_payment": error}), fail_mode="open")
    assert driver.run(guard)["execution"]["last"]["status"] == status


@pytest.mark.lesson("arguments are not compared with the schema", row="unknown")
@pytest.mark.lesson("broken JSON in the arguments crashes the run", row="broken")
@pytest.mark.lesson("null in the place of the arguments crashes the run", row="null")
@pytest.mark.lesson("a text in the place of the arguments crashes the run", row="text")
@pytest.mark.lesson("a list in the place of the arguments crashes the run", row="list")
@pytest.mark.lesson("missing arguments crash the run", row="missing")
@pytest.mark.lesson("missing arguments crash the run", row="none-at-all")
@pytest.mark.lesson("a lone surrogate in the arguments runs the tool undecided under fail-open", row="lone-surrogate")
@pytest.mark.lesson("an amount in words runs the tool undecided under fail-open", row="1e6-USD")
@pytest.mark.lesson("null in the place of the amount runs the tool undecided under fail-open", row="null-amount")
@pytest.mark.lesson("null in the place of the arguments runs the tool undecided under fail-open", row="null")
@pytest.mark.lesson("Infinity in the arguments runs the tool undecided under fail-open", row="infinity")
@pytest.mark.lesson("NaN in the arguments runs the tool undecided under fail-open", row="nan")
@pytest.mark.parametrize("fail_mode", ["open", "closed"])
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param("", id="none-at-all"),
        pytest.param('{"order_id": "o"}', id="missing"),
        pytest.param("[1]", id="list"),
        pytest.param('"x"', id="text"),
        pytest.param("null", id="null"),
        pytest.param("{broken", id="broken"),
        pytest.param('{"order_id": "o", "amount": NaN}', id="nan"),
        pytest.param('{"order_id": "o", "amount": Infinity}', id="infinity"),
        pytest.param('{"order_id": "o", "amount": 1e999}', id="overflow"),
        pytest.param('{"order_id": "o", "amount": null}', id="null-amount"),
        pytest.param('{"order_id": "o", "amount": "1e6 USD"}', id="1e6-USD"),
        pytest.param('{"order_id": "\\ud800", "amount": 1}', id="lone-surrogate"),
        pytest.param('{"order_id": "o", "amount": 1, "amount": 999999}', id="key-twice"),
        pytest.param('{"order_id": "o", "amount": 1, "admin": true}', id="unknown"),
    ],
)
def test_with_arguments_that_do_not_fit_nobody_is_asked_and_nothing_runs(driver, model, arguments, fail_mode):
    """Old sin: such arguments broke the value extraction, and under fail-open the tool ran undecided."""
    model([function_call("refund_payment", arguments)], DONE)
    decider = ScriptedDecider()
    event = driver.run(with_refund(driver, decider=decider, fail_mode=fail_mode))["execution"]["last"]
    assert (event["status"], event["allowed"], event["decision"], event["output"]) == ("tool_error", False, {}, None)
    assert decider.asked == []


@pytest.mark.lesson("an amount whose extraction raises runs the tool undecided under fail-open", row="raises")
@pytest.mark.parametrize("fail_mode", ["open", "closed"])
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(lambda a: a["no such key"], id="raises"),
        pytest.param(lambda _: float("nan"), id="nan"),
        pytest.param(lambda _: float("inf"), id="infinite"),
        pytest.param(lambda _: None, id="none"),
        pytest.param(lambda _: True, id="boolean"),
        pytest.param(lambda _: "a lot", id="text"),
    ],
)
def test_a_value_that_cannot_be_had_blocks_in_both_fail_modes(driver, model, value, fail_mode):
    model([REFUND], DONE)
    decider = ScriptedDecider()
    guard = driver.guard(decider=decider, fail_mode=fail_mode)
    guard.tool("refund_payment", refund_payment, value_from_args=value)
    assert driver.run(guard)["execution"]["last"]["status"] == "blocked"
    assert decider.asked == []


@pytest.mark.lesson("a tool without a number always runs under fail-open", row="open-and-blocked")
@pytest.mark.lesson("a tool without a number is always blocked", row="closed-and-allowed")
@pytest.mark.parametrize(
    ("fail_mode", "decision", "status"),
    [
        pytest.param("closed", Allow("fine"), "executed", id="closed-and-allowed"),
        pytest.param("open", Block("no"), "blocked", id="open-and-blocked"),
    ],
)
def test_a_tool_without_a_number_reaches_the_policy(driver, model, fail_mode, decision, status):
    """Old sin: always blocked, or under fail-open always run."""
    model([function_call("ping", {"host": "a"})], DONE)
    decider = ScriptedDecider({"ping": decision})
    guard = driver.guard(decider=decider, fail_mode=fail_mode)
    guard.tool(
        "ping",
        lambda host: host,
        parameters_schema={"type": "object", "properties": {"host": {"type": "string"}}, "required": ["host"]},
    )
    assert driver.run(guard)["execution"]["last"]["status"] == status
    assert [call.value for call, _ in decider.asked] == [None]


@pytest.mark.lesson("custom calls pass undecided", row="custom")
@pytest.mark.parametrize(
    "call",
    [function_call("rm", {}, call_id="c9"), custom_call("rm", "-rf /", call_id="c9")],
    ids=["function", "custom"],
)
def test_an_unknown_tool_is_blocked(driver, model, call):
    upstream = model([call], DONE)
    decider = ScriptedDecider()
    payload = driver.run(with_refund(driver, decider=decider))
    assert payload["execution"]["last"]["status"] == "blocked"
    assert decider.asked == []
    assert outputs(upstream.requests[1])[0]["call_id"] == "c9"


@pytest.mark.lesson("parallel calls are decided one after the other")
def test_all_calls_of_a_turn_are_decided_in_one_round_trip(driver, model):
    """Old sin: 8 calls of 200 ms each took 1.6 s. Each question waits here until all have been asked."""
    model([function_call("echo", {"n": n}) for n in range(8)], DONE)

    class Together(ScriptedDecider):
        async def decide(self, call, context):
            decision = await super().decide(call, context)
            with anyio.fail_after(60):
                while len(self.asked) < 8:
                    await anyio.lowlevel.checkpoint()
            return decision

    guard = driver.guard(decider=Together())
    guard.tool(
        "echo",
        lambda n: n,
        parameters_schema={"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
    )
    payload = driver.run(guard)
    assert [event["output"] for event in payload["execution"]["events"]] == list(range(8))


def test_tools_run_together_and_results_keep_the_models_order(driver, model):
    barrier = threading.Barrier(3)

    def meet(n: int) -> int:
        barrier.wait(timeout=10)
        return n

    upstream = model([function_call("meet", {"n": n}, call_id=f"c{n}") for n in range(3)], DONE)
    guard = driver.guard()
    guard.tool("meet", meet)
    payload = driver.run(guard)
    assert [event["output"] for event in payload["execution"]["events"]] == [0, 1, 2]
    assert [item["call_id"] for item in outputs(upstream.requests[1])] == ["c0", "c1", "c2"]


def test_no_more_tools_run_together_than_allowed(driver, model):
    running, most, lock = [], [], threading.Lock()

    def count(n: int) -> int:
        with lock:
            running.append(n)
            most.append(len(running))
        with lock:
            running.remove(n)
        return n

    model([function_call("count", {"n": n}) for n in range(12)], DONE)
    guard = driver.guard(max_parallel_tools=1)
    guard.tool("count", count)
    driver.run(guard)
    assert (len(most), max(most)) == (12, 1)


def test_a_tool_that_wants_to_be_alone_waits_for_the_others(driver, model):
    order = []

    def work(n: int) -> None:
        order.append(f"work {n}")

    def settle() -> None:
        order.append("settle")

    model([function_call("work", {"n": 1}), function_call("settle", {}), function_call("work", {"n": 2})], DONE)
    guard = driver.guard()
    guard.tool("work", work)
    guard.tool("settle", settle, alone=True)
    driver.run(guard)
    assert order == ["work 1", "settle", "work 2"]


@pytest.mark.lesson("`seq` jumps and repeats")
def test_seq_counts_up_without_gaps_over_turns_and_kinds_of_outcome(driver, model):
    """Old sin: 0, 2, 4, 6, 4."""

    def fail() -> None:
        raise OSError("disk full")

    model(
        [REFUND, function_call("nobody", {}), function_call("fail", {})],
        [function_call("secret", {}), function_call("refund_payment", "[]")],
        [REFUND],
        DONE,
    )
    guard = with_refund(driver, decider=ScriptedDecider({"secret": Block("no")}))
    guard.tool("fail", fail)
    guard.tool("secret", fail)
    events = driver.run(guard)["execution"]["events"]
    assert [event["seq"] for event in events] == list(range(6))
    assert [e["status"] for e in events] == ["executed", "blocked", "tool_error", "blocked", "tool_error", "executed"]
    assert len({event["event_id"] for event in events}) == 6
    assert len({event["trace_id"] for event in events}) == 1


def test_a_tool_that_raises_tells_the_model_little_and_the_event_all(driver, model):
    def fail() -> None:
        raise ValueError("first line\nsecond line with details")

    upstream = model([function_call("fail", {})], DONE)
    guard = driver.guard()
    guard.tool("fail", fail)
    event = driver.run(guard)["execution"]["last"]
    assert event["status"] == "tool_error"
    assert "second line" in event["error"]
    told = json.loads(outputs(upstream.requests[1])[0]["output"])
    assert told == {"status": "tool_error", "error": "ValueError: first line"}


@pytest.mark.lesson("a result that is no JSON crashes the run after the side effect")
def test_a_result_that_is_no_json_does_not_end_the_run(driver, model):
    """Old sin: a datetime crashed the run after the tool's side effect."""
    upstream = model([function_call("book", {})], DONE)
    guard = driver.guard()
    guard.tool("book", lambda: dt.datetime(2026, 1, 2, tzinfo=dt.timezone.utc), parameters_schema=NOTHING)
    payload = driver.run(guard)
    assert (payload["output_text"], payload["execution"]["last"]["status"]) == ("done", "executed")
    assert json.loads(outputs(upstream.requests[1])[0]["output"])["output"] == "2026-01-02T00:00:00Z"
    json.dumps(payload)


@pytest.mark.lesson("events are lost when the rounds run out")
def test_events_are_not_lost_when_the_rounds_run_out(driver, model):
    model([REFUND])
    with pytest.raises(ProviderResponseError, match="Max tool rounds") as raised:
        driver.run(with_refund(driver, max_tool_rounds=2))
    assert [event["seq"] for event in raised.value.events] == [0, 1]


@pytest.mark.lesson("events are lost when the provider fails")
def test_events_are_not_lost_when_the_provider_fails(driver, model):
    from openai import BadRequestError  # noqa: PLC0415 - the official client's own error comes through

    from litellm_bighub.testing import Failure  # noqa: PLC0415

    model([REFUND], Failure(400, "no"))
    with pytest.raises(BadRequestError) as raised:
        driver.run(with_refund(driver))
    assert [event["status"] for event in raised.value.events] == ["executed"]


@pytest.mark.parametrize("status", ["incomplete", "failed"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_an_incomplete_or_failed_response_runs_no_tools(driver, model, status, stream):
    model(Output([REFUND, text("half a")], status=status), DONE)
    ran = []
    guard = driver.guard()
    guard.tool(
        "refund_payment",
        lambda order_id, amount: ran.append(amount),
        parameters_schema={"type": "object", "properties": {}},
        strict=False,
    )
    ask = driver.stream if stream else driver.run
    if status == "failed":
        with pytest.raises(ProviderResponseError, match="failed"):
            ask(guard)
    else:
        told = ask(guard)
        payload = told[-1]["response"] if stream else told
        assert payload["execution"]["last"]["status"] == "blocked"
        assert payload["output_text"] == "half a"
    assert ran == []


@pytest.mark.lesson("computer calls pass undecided", row="computer_call")
@pytest.mark.lesson("MCP calls pass undecided", row="mcp_approval_request")
@pytest.mark.lesson("MCP calls pass undecided", row="mcp_call")
@pytest.mark.lesson("shell calls pass undecided", row="local_shell_call")
@pytest.mark.lesson("shell calls pass undecided", row="shell_call")
@pytest.mark.parametrize(
    "call",
    [
        pytest.param(shell_call("rm -rf /"), id="shell_call"),
        pytest.param(local_shell_call("rm", "-rf", "/"), id="local_shell_call"),
        pytest.param(computer_call({"type": "click", "x": 1, "y": 1, "button": "left"}), id="computer_call"),
        pytest.param(apply_patch_call({"type": "delete_file", "path": "a"}), id="apply_patch_call"),
        pytest.param(
            {"type": "mcp_call", "id": "m1", "name": "rm", "server_label": "s", "arguments": "{}"}, id="mcp_call"
        ),
        pytest.param(
            {"type": "mcp_approval_request", "id": "m1", "name": "rm", "server_label": "s", "arguments": "{}"},
            id="mcp_approval_request",
        ),
    ],
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_call_that_no_tool_governs_ends_the_run(driver, model, call, stream):
    """Old sin: shell, MCP and computer calls passed with no decision."""
    model([call])
    with pytest.raises(ProviderResponseError, match=call["type"]):
        (driver.stream if stream else driver.run)(with_refund(driver))


@pytest.mark.lesson("custom calls pass undecided")
def test_a_custom_tool_gets_the_models_text(driver, model):
    upstream = model([custom_call("query", "SELECT 1", call_id="c1")], DONE)
    decider = ScriptedDecider()
    guard = driver.guard(decider=decider)
    guard.tool("query", lambda input: f"ran {input}", custom={"type": "text"})  # noqa: A006 - the API's own name
    payload = driver.run(guard)
    assert upstream.requests[0].body["tools"] == [{"type": "custom", "name": "query", "format": {"type": "text"}}]
    assert decider.asked[0][0].type == "custom"
    assert payload["execution"]["last"]["output"] == "ran SELECT 1"
    (told,) = outputs(upstream.requests[1])
    assert (told["type"], told["call_id"]) == ("custom_tool_call_output", "c1")


def test_edited_arguments_of_a_decision_are_those_that_run(driver, model):
    model([REFUND], DONE)
    edited = Allow("with less", edited={"order_id": "ord_1", "amount": 5.0})
    event = driver.run(with_refund(driver, decider=ScriptedDecider({"refund_payment": edited})))["execution"]["last"]
    assert event["output"]["amount"] == 5.0
    assert event["arguments"]["amount"] == 5.0


def test_a_run_without_tools_is_an_error(driver):
    with pytest.raises(AdapterConfigurationError, match="No tools registered"):
        driver.run(driver.guard())


@pytest.mark.lesson("`extra_create_args` replaces the governed tools")
def test_tools_cannot_be_smuggled_in_by_extra_arguments(driver):
    """Old sin: `extra_create_args` replaced the governed tools."""
    with pytest.raises(AdapterConfigurationError, match="tools"):
        driver.run(with_refund(driver), extra_create_args={"tools": [{"type": "web_search"}]})
