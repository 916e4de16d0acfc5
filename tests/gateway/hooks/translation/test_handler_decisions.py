"""The handler with a tool-decision hook of its own, as it is called in code."""

import pytest
from litellm.integrations.custom_guardrail import CustomGuardrail
from litellm.types.llms.openai import ResponsesAPIResponse
from openai.types.responses import ResponseOutputMessage

from litellm_bighub import Allow, Block, OpenAIResponsesHandler, ToolDecisions
from litellm_bighub.gateway.pipeline.enforcement_modes import ToolCallWithheld, Withholding

pytestmark = pytest.mark.format("responses")


class Payments:
    """Blocks payments, and remembers who asked for what."""

    name = "payments"

    def __init__(self):
        self.asked = []

    async def decide(self, call, context):
        self.asked.append((call.name, dict(call.arguments), context.actor))
        return Block("no payments") if call.name == "pay" else Allow()

    async def aclose(self):
        pass


class Masking(CustomGuardrail):
    async def apply_guardrail(self, text):
        return text.replace("4711", "[hidden]")


def call(name, arguments="{}"):
    return {
        "type": "function_call",
        "id": f"fc_{name}",
        "call_id": f"call_{name}",
        "name": name,
        "arguments": arguments,
    }


def response(*items):
    return {"id": "resp_1", "model": "gpt-4.1", "output": list(items)}


async def test_without_a_guardrail_only_calls_are_decided_on():
    handler = OpenAIResponsesHandler(tool_decisions=ToolDecisions(Payments()))

    answer = await handler.process_output_response(response(call("pay"), call("lookup")), None)

    assert [item["type"] for item in answer["output"]] == ["message", "function_call"]


async def test_what_is_decided_on_is_what_the_guardrail_left():
    decider = Payments()
    handler = OpenAIResponsesHandler(tool_decisions=ToolDecisions(decider), actor="robot")

    answer = await handler.process_output_response(response(call("lookup", '{"id": "4711"}')), Masking())

    assert decider.asked == [("lookup", {"id": "[hidden]"}, "robot")]
    assert answer["output"][0]["arguments"] == '{"id": "[hidden]"}'


async def test_in_a_model_of_litellms_the_notice_is_a_model_too():
    handler = OpenAIResponsesHandler(tool_decisions=ToolDecisions(Payments()))
    fields = {"id": "resp_1", "created_at": 1, "model": "m", "object": "response", "output": [call("pay")]}
    typed = ResponsesAPIResponse.model_validate(
        {**fields, "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
    )

    answer = await handler.process_output_response(typed, None)

    assert isinstance(answer.output[0], ResponseOutputMessage)


async def test_a_withheld_call_can_fail_the_answer():
    handler = OpenAIResponsesHandler(
        tool_decisions=ToolDecisions(Payments()), withholding=Withholding(on_block="error")
    )

    with pytest.raises(ToolCallWithheld, match="blocked by policy"):
        await handler.process_output_response(response(call("pay")), None)


async def test_without_a_hook_nobody_decides():
    answer = await OpenAIResponsesHandler().process_output_response(response(call("pay")), None)

    assert answer == response(call("pay"))
