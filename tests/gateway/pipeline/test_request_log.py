"""What LiteLLM's loggers are told of decisions: by what to find each, and nothing that only the model wrote."""

from __future__ import annotations

import dataclasses

import pytest
from litellm.integrations.custom_guardrail import CustomGuardrail

from litellm_bighub.gateway.pipeline.request_log import RequestLog, logged_decisions
from tests.telemetry.events import event

SECRET = "/canary/9f3a77"


def told(decided, **asked):
    guardrail, data = CustomGuardrail(guardrail_name="calls"), {"metadata": {}}

    async def decide():
        with logged_decisions(guardrail, data, **asked):
            RequestLog().write(decided)

    return decide, data


async def entry(decided, **asked):
    decide, data = told(decided, **asked)
    await decide()
    [entry] = data["metadata"]["standard_logging_guardrail_information"]
    return entry["guardrail_response"][0]


WRITTEN_BY_MODELS = {"arguments": {"path": SECRET}, "target": SECRET, "path": SECRET, "reason": SECRET}


@pytest.mark.parametrize("verdict", ["allowed", "blocked", "requires_approval"])
@pytest.mark.parametrize("enforced", [True, False])
@pytest.mark.parametrize("degraded", [True, False])
async def test_no_argument_of_a_call_is_logged(verdict, enforced, degraded):
    decided = event(verdict=verdict, enforced=enforced, degraded=degraded, decision_id="dec_1", **WRITTEN_BY_MODELS)
    logged = await entry(decided)
    assert SECRET not in str(logged)
    assert (logged["decision_id"], logged["verdict"], logged["tool"]) == ("dec_1", verdict, decided.tool)


async def test_a_decision_without_an_id_is_found_by_its_event():
    decided = event(verdict="blocked", decision_id="")
    assert (await entry(decided))["event_id"] == decided.event_id


async def test_a_tool_of_which_no_caller_hears_is_not_named():
    blocked = event(verdict="blocked", decision_id="dec_1")
    assert "tool" not in await entry(blocked, names_blocked=False)
    passes = dataclasses.replace(blocked, enforced=False)
    assert (await entry(passes, names_blocked=False))["tool"] == blocked.tool
