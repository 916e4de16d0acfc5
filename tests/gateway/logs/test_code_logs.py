"""In code, too, LiteLLM's loggers get what the provider and the caller got."""

from __future__ import annotations

import asyncio
import json

import litellm
import pytest
from litellm.integrations.custom_guardrail import CustomGuardrail
from litellm.integrations.custom_logger import CustomLogger

from litellm_bighub import ToolDecisions
from litellm_bighub.domain.decision import Block
from litellm_bighub.formats.registry import format_named
from litellm_bighub.gateway.logs.code_logs import CodeLogs, code_logs
from litellm_bighub.testing import Output, ScriptedDecider, function_call, text
from tests.gateway.logs.recorder import texts
from tests.gateway.sdk.sdk_calls import CANARY, each_api, litellms_types, whole_and_streamed

pytestmark = litellms_types

SECRET, MASKED = "4711-bob", "[hidden]"


class Mask(CustomGuardrail):
    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        return {**inputs, "texts": [each.replace(SECRET, MASKED) for each in inputs["texts"]]}


class Logger(CustomLogger):
    def __init__(self):
        super().__init__()
        self.logged = asyncio.Queue()

    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        self.logged.put_nowait((kwargs["standard_logging_object"], [*texts([kwargs, response_obj], "", set())]))


@pytest.fixture
def logger(monkeypatch):
    for name in ("callbacks", "success_callback", "_async_success_callback", "input_callback", "failure_callback"):
        monkeypatch.setattr(litellm, name, [])
    monkeypatch.setattr(litellm, "_async_failure_callback", [])
    logger = Logger()
    litellm.callbacks = [logger]
    return logger


async def asked(api, upstream, *, streamed, model):
    upstream.script("go", Output([text(f"It is {SECRET}."), function_call("wipe", {"a": CANARY})]))
    decisions = ToolDecisions(ScriptedDecider({"wipe": Block("no")}))
    guardrails = [Mask(guardrail_name="mask")]
    sent = api.arguments(upstream, stream=streamed, tool_decisions=decisions, guardrails=guardrails)
    if model == "claude":
        sent |= {"model": "anthropic/claude-sonnet-4-5", "api_base": upstream.base_url.removesuffix("/v1")}
    sent |= (
        {"input": f"go {SECRET}"} if "input" in sent else {"messages": [{"role": "user", "content": f"go {SECRET}"}]}
    )
    answer = await api.awaited(**sent)
    if not streamed:
        return answer
    return [event async for event in answer]


async def logged_of_this(logger):
    """What is logged of the call that `asked` makes: a call of a test before may be logged late, by a thread."""
    while True:
        payload, said = await logger.logged.get()
        if '"go ' in json.dumps(payload["messages"], default=str):
            return payload, said


@each_api
@whole_and_streamed
@pytest.mark.parametrize("model", ["gpt", "claude"])
async def test_loggers_get_what_the_caller_got(upstream, logger, api, streamed, model):
    await asked(api, upstream, streamed=streamed, model=model)
    payload, said = await asyncio.wait_for(logged_of_this(logger), 20)
    assert [where for where, each in said if SECRET in each or CANARY in each] == []
    assert MASKED in json.dumps(payload["messages"], default=str)
    assert f"It is {MASKED}." in json.dumps(payload["response"])
    assert "has not been run" in json.dumps(payload["response"])


@each_api
async def test_the_log_of_an_answer_that_is_refused_is_empty(upstream, logger, api):
    class Refuse(CustomGuardrail):
        async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
            if input_type == "response":
                raise ValueError("no")
            return inputs

    upstream.script("go", Output([text(f"It is {SECRET}.")]))
    with pytest.raises(ValueError, match="no"):
        await api.awaited(**api.arguments(upstream), guardrails=[Refuse(guardrail_name="refuse")])
    _, said = await asyncio.wait_for(logger.logged.get(), 20)
    assert [where for where, each in said if SECRET in each] == []


@pytest.mark.format("chat")
async def test_records_are_bounded_and_one_that_is_gone_empties_the_log():
    logs, first = CodeLogs(), {"callbacks": []}
    logs.open(first, format_named("chat"))
    for _ in range(1000):
        logs.open({"callbacks": []}, format_named("chat"))
    details, result = await logs.async_logging_hook(
        {**first, "messages": [], "original_response": SECRET},
        litellm.ModelResponse(choices=[{"message": {"content": SECRET}}]),
        "",
    )
    assert SECRET not in str(details) + str(result)


async def test_other_calls_are_none_of_our_business():
    details = {"litellm_call_id": "theirs", "original_response": SECRET}
    assert await code_logs().async_logging_hook(details, SECRET, "") == (details, SECRET)


@pytest.mark.format("chat")
def test_where_nobody_logs_there_is_no_record(monkeypatch):
    for name in ("callbacks", "success_callback", "_async_success_callback"):
        monkeypatch.setattr(litellm, name, [])
    request = {}
    assert code_logs().open(request, format_named("chat")) is None
    assert request == {}
