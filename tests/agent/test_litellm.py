"""Without a client of the user's own, the model is called through LiteLLM."""

from __future__ import annotations

import openai
import pytest

from litellm_bighub.testing import Failure, ScriptedDecider, function_call
from tests.agent.harness import DONE, outputs

CALL = function_call("double", {"n": 4}, call_id="c1")


def agent(driver, **options):
    guard = driver.guard(model_client=None, openai_api_key="sk-mine", decider=ScriptedDecider(), **options)
    guard.tool(
        "double",
        lambda n: 2 * n,
        parameters_schema={"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
    )
    return guard


def asked(driver):
    return {"model": "openai/gpt-4.1", "extra_create_args": {"api_base": driver.base_url}}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_run_through_litellm(driver, model, stream):
    upstream = model([CALL], DONE)
    guard = agent(driver)
    if stream:
        events = driver.stream(guard, **asked(driver))
        payload = events[-1]["response"]
        assert "llm_delta" in {event["type"] for event in events}
        assert [event["call_id"] for event in events if event["type"] == "function_call_args_done"] == ["c1"]
    else:
        payload = driver.run(guard, **asked(driver))
    assert payload["output_text"] == "done"
    assert payload["execution"]["last"]["output"] == 8
    first, second = upstream.requests
    assert first.headers["authorization"] == "Bearer sk-mine"
    assert first.body["model"] == "gpt-4.1"
    assert first.body["store"] is False
    assert first.body["tools"][0]["strict"] is True
    assert [item["call_id"] for item in outputs(second)] == ["c1"]


def test_one_budget_of_retries(driver, model):
    upstream = model(Failure(503))
    with pytest.raises(openai.APIStatusError):
        driver.run(agent(driver, provider_max_retries=1), **asked(driver))
    assert len(upstream.requests) == 2
