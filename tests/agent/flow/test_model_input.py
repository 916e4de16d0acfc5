"""What goes to the model on the turns after the first."""

from __future__ import annotations

import openai
import pytest

from litellm_bighub.errors import AdapterConfigurationError
from litellm_bighub.testing import Failure, function_call, reasoning
from tests.agent.harness import DONE

CALL = function_call("double", {"n": 4}, call_id="c1")
ARGUMENTS = {
    "temperature": 0.3,
    "reasoning": {"effort": "low"},
    "tool_choice": "auto",
    "max_output_tokens": 100,
    "metadata": {"a": "b"},
    "include": ["message.output_text.logprobs"],
    "parallel_tool_calls": False,
}


def agent(driver, **options):
    guard = driver.guard(**options)
    guard.tool(
        "double",
        lambda n: 2 * n,
        parameters_schema={"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
    )
    return guard


def types(request):
    return [item.get("type", item.get("role")) for item in request.body["input"]]


@pytest.mark.lesson("`previous_response_id` is sent with `store: false`, which no provider knows")
def test_without_store_the_items_are_replayed(driver, model):
    """Old sin: `previous_response_id` with `store: false`, which the provider does not know."""
    upstream = model([CALL], DONE)
    driver.run(agent(driver))
    first, second = upstream.requests
    assert (first.body["store"], second.body["store"]) == (False, False)
    assert "previous_response_id" not in second.body
    assert types(second) == ["user", "function_call", "function_call_output"]


@pytest.mark.lesson("`store: true` is lost on the second turn")
def test_with_store_only_the_outputs_follow_the_previous_response(driver, model):
    """Old sin: `store=True` was lost on the second turn."""
    upstream = model([CALL], DONE)
    driver.run(agent(driver), extra_create_args={"store": True})
    _, second = upstream.requests
    assert second.body["store"] is True
    assert second.body["previous_response_id"]
    assert types(second) == ["function_call_output"]


def test_replay_can_be_chosen_with_store(driver, model):
    upstream = model([CALL], DONE)
    driver.run(agent(driver, context="replay"), extra_create_args={"store": True})
    assert "previous_response_id" not in upstream.requests[1].body
    assert types(upstream.requests[1]) == ["user", "function_call", "function_call_output"]


@pytest.mark.lesson("`previous_response_id` is sent with `store: false`, which no provider knows")
def test_previous_response_id_without_store_is_an_error_before_anything_is_sent(driver, upstream):
    with pytest.raises(AdapterConfigurationError, match="store"):
        driver.run(agent(driver, context="previous_response_id"))
    assert upstream.requests == []


@pytest.mark.lesson("reasoning is neither stored nor replayed")
def test_reasoning_is_replayed_in_encrypted_form(driver, model):
    upstream = model([reasoning("hm", encrypted="gAAA"), CALL], DONE)
    driver.run(agent(driver), model="o4-mini")
    first, second = upstream.requests
    assert first.body["include"] == second.body["include"] == ["reasoning.encrypted_content"]
    assert types(second) == ["user", "reasoning", "function_call", "function_call_output"]
    assert second.body["input"][1]["encrypted_content"] == "gAAA"


def test_reasoning_that_was_not_encrypted_is_left_out_with_the_ids_that_hang_on_it(driver, model):
    upstream = model([reasoning("hm"), CALL], DONE)
    driver.run(agent(driver))
    second = upstream.requests[1]
    assert types(second) == ["user", "function_call", "function_call_output"]
    assert "id" not in second.body["input"][1]


def test_a_model_without_reasoning_is_not_asked_for_it(driver, model):
    upstream = model(DONE)
    driver.run(agent(driver), model="gpt-4.1")
    assert "include" not in upstream.requests[0].body


ENCRYPTED = "reasoning.encrypted_content"


def included(request):
    return ENCRYPTED in request.body.get("include", ())


@pytest.mark.parametrize("name", ["gpt-4.1", "openrouter/deepseek/deepseek-r9", "our-model"])
def test_a_model_that_was_seen_to_reason_is_asked_for_it_from_then_on(driver, model, name):
    """Its first reasoning is lost, and nothing breaks; later runs of the agent know."""
    upstream = model([reasoning("hm"), CALL], [reasoning("hm", encrypted="gAAA"), CALL], DONE)
    guard = agent(driver)
    driver.run(guard, model=name)
    model(DONE)
    driver.run(guard, model=name)
    driver.run(guard, model="another")
    assert [included(request) for request in upstream.requests] == [False, True, True, True, False]
    assert "reasoning" not in types(upstream.requests[1])
    assert types(upstream.requests[2]).count("reasoning") == 1


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_model_that_refuses_is_asked_without_it_and_not_again(driver, upstream, stream):
    """As `gpt-5-chat-latest` does: it is named like a model that reasons."""
    refusal = Failure(400, "Encrypted content is not supported with this model.", headers={"x-should-retry": "false"})
    upstream.script(lambda _: True, [CALL], DONE)
    upstream.script(included, refusal)
    guard = agent(driver)
    for _ in range(2):
        (driver.stream if stream else driver.run)(guard, model="gpt-5-chat-latest")
    assert [included(request) for request in upstream.requests] == [True, *[False] * (len(upstream.requests) - 1)]


@pytest.mark.parametrize("failure", [Failure(400, "no such tool"), Failure(403, "Encrypted content: no")])
def test_another_refusal_is_the_callers_to_hear(driver, upstream, failure):
    upstream.script(lambda _: True, failure)
    with pytest.raises(openai.APIStatusError):
        driver.run(agent(driver), model="o4-mini")
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(("wish", "name"), [(True, "our-model"), (False, "o4-mini")])
def test_who_says_whether_to_ask_for_it_is_heard(driver, model, wish, name):
    upstream = model([reasoning("hm"), CALL], DONE)
    driver.run(agent(driver, encrypted_reasoning=wish), model=name)
    assert [included(request) for request in upstream.requests] == [wish, wish]


def test_what_the_provider_stores_is_not_asked_for(driver, model):
    upstream = model([reasoning("hm"), CALL], DONE)
    driver.run(agent(driver), model="o4-mini", extra_create_args={"store": True})
    assert [included(request) for request in upstream.requests] == [False, False]


@pytest.mark.lesson("later turns go without parallel_tool_calls", row="parallel_tool_calls")
@pytest.mark.lesson("later turns go without include", row="include")
@pytest.mark.lesson("later turns go without metadata", row="metadata")
@pytest.mark.lesson("later turns go without max_output_tokens", row="max_output_tokens")
@pytest.mark.lesson("later turns go without tool_choice", row="tool_choice")
@pytest.mark.lesson("later turns go without reasoning", row="reasoning")
@pytest.mark.lesson("later turns go without temperature", row="temperature")
@pytest.mark.parametrize("argument", ARGUMENTS)
def test_an_argument_of_the_first_turn_is_not_dropped(driver, model, argument):
    """Old sin: each of these went with the first turn alone."""
    upstream = model([CALL], DONE)
    driver.run(agent(driver), extra_create_args={argument: ARGUMENTS[argument]})
    first, second = [request.body[argument] for request in upstream.requests]
    assert first == second
    assert ARGUMENTS[argument] == (first if argument != "include" else first[:1])


@pytest.mark.lesson("later turns go without parallel_tool_calls")
@pytest.mark.lesson("later turns go without include")
@pytest.mark.lesson("later turns go without metadata")
@pytest.mark.lesson("later turns go without max_output_tokens")
@pytest.mark.lesson("later turns go without tool_choice")
@pytest.mark.lesson("later turns go without reasoning")
@pytest.mark.lesson("later turns go without temperature")
def test_every_argument_of_the_first_turn_goes_with_every_turn(driver, model):
    upstream = model([CALL], [CALL], DONE)
    extra = {
        "tool_choice": "auto",
        "max_output_tokens": 100,
        "metadata": {"a": "b"},
        "parallel_tool_calls": False,
        "reasoning": {"effort": "low"},
        "include": ["message.output_text.logprobs"],
    }
    driver.run(agent(driver), instructions="be kind", temperature=0.3, extra_create_args=extra)
    first, *rest = [{k: v for k, v in r.body.items() if k != "input"} for r in upstream.requests]
    assert len(rest) == 2
    assert all(body == first for body in rest)
    assert first["temperature"] == 0.3
    assert first["instructions"] == "be kind"
    assert first["include"] == ["message.output_text.logprobs", "reasoning.encrypted_content"]
    assert extra["include"] == ["message.output_text.logprobs"]


def test_the_messages_of_the_caller_are_not_changed(driver, model):
    model([CALL], DONE)
    messages = [{"role": "user", "content": "go"}]
    driver.run(agent(driver), messages=messages)
    assert messages == [{"role": "user", "content": "go"}]


@pytest.mark.lesson("`extra_create_args` replaces the governed tools", row="tools")
@pytest.mark.parametrize("key", ["tools", "input", "stream", "background", "model"])
def test_what_the_agent_sets_cannot_be_overridden(driver, key):
    with pytest.raises(AdapterConfigurationError, match=f"extra_create_args.{key}"):
        driver.run(agent(driver), extra_create_args={key: []})
