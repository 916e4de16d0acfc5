"""What the ledger holds of decided calls where the embedded decider writes it with the decision."""

from __future__ import annotations

import pytest

from litellm_bighub.domain.call import CallContext
from litellm_bighub.domain.decided_call import Search, withheld
from litellm_bighub.gateway.pipeline.enforcement import Enforcement
from litellm_bighub.gateway.pipeline.enforcement_modes import ToolCallWithheld, Withholding
from litellm_bighub.gateway.setup.configuration import build_tool_decisions
from litellm_bighub.settings import GuardrailSettings
from litellm_bighub.testing import function_call

pytestmark = pytest.mark.format("responses")

POLICY = """\
version: 1
default: block
rules:
  - {name: lookups, tool: 'lookup_*', effect: allow}
"""
CONTEXT = CallContext(response_id="resp_1", conversation="conv_1")


@pytest.fixture
def governed(tmp_path):
    """Decides on calls of an answer; gives back the names of those that are left, and what the ledger holds."""
    (tmp_path / "policy.yaml").write_text(POLICY)

    async def govern(*names, on_decision=None, context=CONTEXT, **withholding):
        settings = GuardrailSettings(policy=tmp_path / "policy.yaml")
        decisions = build_tool_decisions(settings, on_decision=on_decision)
        items = [function_call(name, {"order": "A-17"}, call_id=f"call_{name}") for name in names]
        response = {"id": "resp_1", "object": "response", "output": items}
        try:
            await Enforcement(decisions, Withholding(**withholding)).govern(response, context)
        except ToolCallWithheld:
            response["output"] = []
        call_ids = {f"call_{name}" for name in names}
        known = await decisions.ledger.find(Search(call_ids=call_ids, actor=context.actor))
        await decisions.aclose()
        return [item["name"] for item in response["output"] if item["type"] == "function_call"], known

    return govern


async def test_each_call_is_remembered_once(governed):
    left, known = await governed("lookup_order", "wipe")
    assert left == ["lookup_order"]
    assert [(call.tool, call.verdict, call.released, call.conversation) for call in known] == [
        ("lookup_order", "allowed", True, "conv_1"),
        ("wipe", "blocked", False, "conv_1"),
    ]
    assert all(call.digest and call.actor == "AI_AGENT" for call in known)


async def test_a_call_that_passed_and_could_not_be_recorded_counts_as_withheld(governed):
    def fails(_event):
        raise OSError("full")

    left, known = await governed("lookup_order", on_decision=fails)
    assert left == []
    assert [call.call_id for call in withheld(known)] == ["call_lookup_order"]


async def test_a_call_beside_one_that_fails_the_request_counts_as_withheld(governed):
    left, known = await governed("lookup_order", "wipe", on_block="error")
    assert left == []
    assert {call.call_id for call in withheld(known)} == {"call_lookup_order", "call_wipe"}


async def test_a_call_of_a_response_without_id_is_remembered_too(governed):
    left, known = await governed("lookup_order", context=CallContext(conversation="conv_1"))
    assert left == ["lookup_order"]
    assert [(call.response_id, call.conversation, call.released) for call in known] == [("", "conv_1", True)]
