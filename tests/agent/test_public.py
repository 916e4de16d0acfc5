"""The names that users import, and the document's own examples, word for word where they are code."""

from __future__ import annotations

import inspect
import subprocess
import sys
from types import SimpleNamespace

import openai
import pytest

import litellm_bighub
from litellm_bighub import compat
from litellm_bighub.agent.async_guarded import AsyncGuardedOpenAI
from litellm_bighub.agent.guarded import GuardedOpenAI
from litellm_bighub.agent.options import GuardOptions
from litellm_bighub.errors import AdapterConfigurationError
from litellm_bighub.testing import ScriptedDecider, function_call, text

DONE = [text("Refunded.")]
REFUND = function_call("refund_payment", {"order_id": "ord_123", "amount": 199.99})


def test_the_names_of_bighub_openai():
    assert compat.BighubOpenAI is compat.GuardedOpenAI is litellm_bighub.GuardedOpenAI
    assert compat.AsyncBighubOpenAI is compat.AsyncGuardedOpenAI is litellm_bighub.AsyncGuardedOpenAI
    assert compat.ToolResult is compat.GuardedToolResult
    assert issubclass(compat.AdapterConfigurationError, ValueError)
    assert issubclass(compat.ProviderResponseError, RuntimeError)
    assert compat.__all__ == sorted(compat.__all__)
    assert all(hasattr(compat, name) for name in compat.__all__)


def test_importing_the_package_imports_neither_litellm_nor_openai():
    code = (
        "import sys, litellm_bighub; assert not {'litellm', 'openai'} & set(sys.modules);"
        "from litellm_bighub import GuardedOpenAI; assert 'litellm' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_both_agents_have_the_same_public_methods_with_the_same_parameters():
    def public(agent):
        return {name: member for name, member in inspect.getmembers(agent, callable) if not name.startswith("_")}

    sync, async_ = public(GuardedOpenAI), public(AsyncGuardedOpenAI)
    assert async_.keys() - sync.keys() == {"aclose"}
    assert sync.keys() <= async_.keys()
    for name in sync:
        assert inspect.signature(sync[name]).parameters == inspect.signature(async_[name]).parameters, name


DOCUMENTED = {
    *("openai_api_key", "bighub_api_key", "actor", "domain", "decision_mode", "on_decision", "fail_mode"),
    *("memory_enabled", "memory_source", "memory_source_version", "memory_ingest_timeout_ms"),
    *("openai_client", "bighub_client", "bighub", "max_tool_rounds", "session_id", "evaluate_retries"),
    *("outcome_reporting", "outcome_reporting_required", "decision_objective", "model_selection"),
    *("provider_timeout_seconds", "provider_max_retries", "provider_retry_backoff_seconds"),
    *("provider_retry_max_backoff_seconds", "provider_retry_jitter_seconds"),
    *("provider_circuit_breaker_failures", "provider_circuit_breaker_reset_seconds"),
}


def test_every_setting_of_the_document_is_taken():
    assert GuardOptions.__annotations__.keys() >= DOCUMENTED


def test_the_quickstart_of_the_document(upstream):
    upstream.script("Refund order", [REFUND])
    upstream.script("executed", DONE)

    def refund_payment(order_id: str, amount: float) -> dict:
        return {"ok": True, "order_id": order_id, "amount": amount}

    class Client(openai.OpenAI):
        """What the document's example makes of the API key."""

    submitted = []
    bighub = SimpleNamespace(
        actions=SimpleNamespace(
            submit=lambda **asked: submitted.append(asked) or {"allowed": True, "result": "allowed"}
        )
    )
    with (
        Client(base_url=upstream.base_url, api_key="any") as client,
        GuardedOpenAI(
            openai_client=client,
            bighub_client=bighub,
            actor="AI_AGENT_001",
            domain="customer_transactions",
            provider_timeout_seconds=20,
            provider_max_retries=3,
            provider_retry_backoff_seconds=0.2,
            provider_retry_max_backoff_seconds=2.0,
            provider_retry_jitter_seconds=0.15,
            provider_circuit_breaker_failures=5,
            provider_circuit_breaker_reset_seconds=30,
        ) as guard,
    ):
        guard.tool("refund_payment", refund_payment, value_from_args=lambda a: a["amount"])
        response = guard.run(
            messages=[{"role": "user", "content": "Refund order ord_123 for 199.99"}],
            model="gpt-4.1",
        )
    assert response["output_text"] == "Refunded."
    ((asked),) = submitted
    assert (asked["action"], asked["value"]) == ("refund_payment", 199.99)
    assert (asked["actor"], asked["domain"]) == ("AI_AGENT_001", "customer_transactions")


def test_nothing_is_touched_when_an_agent_is_made():
    class Untouchable:
        def __getattr__(self, name):
            raise AssertionError(name)

    for agent in (GuardedOpenAI, AsyncGuardedOpenAI):
        guard = agent(openai_client=Untouchable(), bighub_client=Untouchable())
        guard.tool("ping", lambda: 1, parameters_schema={"type": "object", "properties": {}})


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="nobody-decides"),
        pytest.param({"decider": "somebody"}, id="unknown-decider"),
        pytest.param({"bighub_api_key": "k", "decision_mode": "guess"}, id="decision-mode"),
        pytest.param({"bighub_api_key": "k", "fail_mode": "ajar"}, id="fail-mode"),
        pytest.param({"bighub_api_key": "k", "max_tool_rounds": 0}, id="no-rounds"),
        pytest.param({"bighub_api_key": "k", "actor": ""}, id="no-actor"),
        pytest.param({"bighub_api_key": "k", "provider_max_retries": -1}, id="negative"),
        pytest.param({"bighub_api_key": "k", "fial_mode": "open"}, id="typo"),
        pytest.param({"bighub": 1, "bighub_client": 2}, id="two-bighubs"),
        pytest.param({"bighub_api_key": "k", "openai_client": 1, "model_client": 2}, id="two-models"),
        pytest.param({"bighub_api_key": "k", "context": "guess"}, id="context"),
    ],
)
@pytest.mark.parametrize("agent", [GuardedOpenAI, AsyncGuardedOpenAI])
def test_a_setting_that_cannot_be_used_stops_the_start(agent, options):
    with pytest.raises(AdapterConfigurationError):
        agent(**options)


@pytest.mark.lesson("the client's repr shows the API key")
def test_no_key_is_shown():
    guard = GuardedOpenAI(openai_api_key="sk-1234567890", bighub_api_key="bhk_1234567890")
    assert "1234567890" not in repr(guard)
    assert "1234567890" not in str(vars(guard))


@pytest.mark.parametrize("brackets", [True, False])
def test_the_action_decorator_registers_and_gives_the_function_back(driver, model, brackets):
    model([function_call("pay", {"amount": 3})], DONE)
    decider = ScriptedDecider()
    guard = driver.guard(decider=decider, domain="default")

    def pay(amount: int) -> int:
        """Pay."""
        return amount

    decorate = guard.action(system="payments", risk="high", environment="test") if brackets else guard.action
    assert decorate(pay) is pay
    assert driver.run(guard)["execution"]["last"]["output"] == 3
    assert decider.asked[0][1].domain == ("payments" if brackets else "default")


def test_tools_are_listed_in_the_shape_of_bighub_openai(driver):
    guard = driver.guard()
    guard.tool("pay", lambda amount: amount, description="Pay.", parameters_schema={"type": "object", "properties": {}})
    (listed,) = guard.list_tools()
    assert listed["type"] == "function"
    assert listed["function"]["name"] == "pay"
    assert listed["function"]["description"] == "Pay."
    assert listed["function"]["strict"] is True


@pytest.mark.parametrize(
    ("mode", "offered", "called"),
    [
        pytest.param("submit", ("submit", "submit_v2"), "submit", id="submit"),
        pytest.param("submit", ("evaluate",), "evaluate", id="submit-by-its-later-name"),
        pytest.param("submit_v2", ("submit", "submit_v2"), "submit_v2", id="v2"),
        pytest.param("submit_v2", ("submit", "submit_payload"), "submit_payload", id="v2-of-a-later-generation"),
        pytest.param("submit_payload", ("submit", "evaluate_payload"), "evaluate_payload", id="payload"),
    ],
)
def test_decision_modes_are_mapped_onto_what_the_client_offers(driver, model, mode, offered, called):
    model([function_call("pay", {"amount": 3})], DONE)
    asked = []

    def offer(name):
        return lambda **question: asked.append((name, question)) or {"allowed": True, "result": "allowed"}

    actions = SimpleNamespace(**{name: offer(name) for name in offered})
    guard = driver.guard(decider=None, bighub_client=SimpleNamespace(actions=actions), decision_mode=mode)
    guard.tool(
        "pay",
        lambda amount: amount,
        metadata_from_args=lambda a: {"seen": a["amount"]},
        parameters_schema={"type": "object", "properties": {"amount": {"type": "integer"}}},
    )
    assert driver.run(guard)["execution"]["last"]["status"] == "executed"
    ((name, question),) = asked
    assert name == called
    told = question.get("payload", question)
    assert (told["action"], told["value"]) == ("pay", 3)
    assert told["context"]["seen"] == 3


def test_a_tool_may_have_a_decision_mode_of_its_own(driver, model):
    model([function_call("pay", {}), function_call("look", {})], DONE)
    asked = []
    answer = {"allowed": True, "result": "allowed"}
    actions = SimpleNamespace(
        submit=lambda *, action, **_: asked.append(("submit", action)) or answer,
        submit_v2=lambda *, payload, **_: asked.append(("submit_v2", payload["action"])) or answer,
    )
    guard = driver.guard(decider=None, bighub_client=SimpleNamespace(actions=actions))
    nothing = {"type": "object", "properties": {}}
    guard.register_tool("pay", lambda: 1, parameters_schema=nothing, decision_mode="submit_v2")
    guard.register_tool("look", lambda: 1, parameters_schema=nothing)
    driver.run(guard)
    assert sorted(asked) == [("submit", "look"), ("submit_v2", "pay")]


@pytest.mark.lesson("an active catastrophic ceiling runs", row="catastrophic-ceiling-active")
@pytest.mark.lesson("`should_not_run` runs", row="should-not-run")
@pytest.mark.lesson(
    "an enforced block runs when its mode is written in capitals", row="enforcement-mode-in-the-wrong-case"
)
@pytest.mark.lesson("an unknown recommendation runs", row="unknown-recommendation")
@pytest.mark.lesson("`proceed_with_caution` runs under an active kill switch", row="caution-under-a-kill-switch")
@pytest.mark.lesson('the text "false" runs as `allowed`', row="allowed-is-the-text-false")
@pytest.mark.lesson("`allowed: true` runs beside `result: blocked`", row="allowed-but-result-blocked")
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"allowed": True, "result": "blocked"}, id="allowed-but-result-blocked"),
        pytest.param({"allowed": "false"}, id="allowed-is-the-text-false"),
        pytest.param(
            {"allowed": False, "recommendation": "proceed_with_caution", "blocked_by": "kill_switch"},
            id="caution-under-a-kill-switch",
        ),
        pytest.param({"allowed": True, "result": "allowed", "recommendation": "go"}, id="unknown-recommendation"),
        pytest.param(
            {"allowed": True, "result": "allowed", "enforcement_mode": "ENFORCED", "enforced_verdict": "blocked"},
            id="enforcement-mode-in-the-wrong-case",
        ),
        pytest.param({"allowed": True, "result": "allowed", "should_not_run": True}, id="should-not-run"),
        pytest.param(
            {"allowed": True, "result": "allowed", "catastrophic_ceiling": {"active": True}},
            id="catastrophic-ceiling-active",
        ),
        pytest.param({}, id="nothing"),
        pytest.param("allowed", id="no-object"),
    ],
)
@pytest.mark.parametrize("fail_mode", ["open", "closed"])
def test_an_answer_that_contradicts_itself_runs_nothing(driver, model, answer, fail_mode):
    model([function_call("pay", {"amount": 3})], DONE)
    ran = []
    actions = SimpleNamespace(submit=lambda **_: answer)
    guard = driver.guard(decider=None, bighub_client=SimpleNamespace(actions=actions), fail_mode=fail_mode)
    guard.tool(
        "pay",
        lambda **a: ran.append(a),
        parameters_schema={"type": "object", "properties": {"amount": {"type": "integer"}}},
    )
    driver.run(guard)
    assert ran == []


@pytest.mark.lesson("a check that crashes counts as safe", row="bug")
@pytest.mark.parametrize(
    ("error", "status"),
    [
        pytest.param(ConnectionError("refused"), "executed", id="unreachable"),
        pytest.param(TimeoutError(), "executed", id="timeout"),
        pytest.param(TypeError("a bug"), "blocked", id="bug"),
        pytest.param(PermissionError("401"), "blocked", id="os-error-that-is-no-connection"),
    ],
)
def test_fail_open_opens_for_a_lost_line_alone(driver, model, error, status):
    model([function_call("pay", {"amount": 3})], DONE)

    def submit(**_):
        raise error

    guard = driver.guard(
        decider=None,
        bighub_client=SimpleNamespace(actions=SimpleNamespace(submit=submit)),
        fail_mode="open",
        evaluate_retries=0,
    )
    guard.tool(
        "pay",
        lambda amount: amount,
        parameters_schema={"type": "object", "properties": {"amount": {"type": "integer"}}},
    )
    assert driver.run(guard)["execution"]["last"]["status"] == status


@pytest.mark.parametrize(("answer", "action"), [(True, "execute"), (False, "blocked")])
def test_a_check_asks_a_client_without_dry_runs_as_for_the_call_itself(driver, answer, action):
    asked, ran = [], []
    result = "allowed" if answer else "blocked"
    client = SimpleNamespace(
        actions=SimpleNamespace(
            submit=lambda **each: asked.append(each) or {"allowed": answer, "result": result, "x": 1}
        )
    )
    guard = driver.guard(decider=None, bighub_client=client)
    schema = {"type": "object", "properties": {"amount": {"type": "integer"}}}
    guard.tool("pay", lambda **each: ran.append(each), parameters_schema=schema)
    checked = [driver.call(guard, "check_tool", tool_name="pay", arguments={"amount": 3}) for _ in range(2)]
    assert [(each["result"], each["_resolved_action"], each["x"]) for each in checked] == [(result, action, 1)] * 2
    assert ran == []
    assert len({each["idempotency_key"] for each in asked}) == 2


def test_what_bighub_says_is_in_the_event_and_what_holds_stands_above_it(driver, model):
    model([function_call("pay", {"amount": 3})], DONE)
    said = {"allowed": True, "result": "allowed", "should_not_run": True, "recommendation": "proceed", "x": object()}
    heard = []
    client = SimpleNamespace(actions=SimpleNamespace(submit=lambda **_: said))
    guard = driver.guard(decider=None, bighub_client=client, on_decision=heard.append)
    schema = {"type": "object", "properties": {"amount": {"type": "integer"}}}
    guard.tool("pay", lambda amount: amount, parameters_schema=schema)
    event = driver.run(guard)["execution"]["last"]
    for told in (event, heard[0]):
        assert (told["status"], told["allowed"], told["decision"]["allowed"]) == ("blocked", False, False)
        assert (told["recommendation"], told["decision"]["should_not_run"]) == ("proceed", True)
        assert isinstance(told["decision"]["x"], str)


def test_a_setting_can_be_read_and_holds(driver):
    guard = driver.guard(session_id="s1")
    assert (guard.session_id, guard.fail_mode, guard.domain) == ("s1", "closed", "custom")
    with pytest.raises(AttributeError, match="fail_mode"):
        guard.fail_mode = "open"
    assert guard.fail_mode == "closed"
    assert type(guard).fail_mode is not None


@pytest.mark.parametrize(("domain", "expected"), [(None, "it_actions"), ("hr", "hr")])
def test_calls_that_name_no_domain_are_in_that_of_bighubs_own_adapter(driver, domain, expected):
    options = {} if domain is None else {"domain": domain}
    assert driver.guard(decider=None, bighub_client=SimpleNamespace(), **options).domain == expected
