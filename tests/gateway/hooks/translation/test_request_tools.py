"""A guardrail gets tools of a request as texts and as chat tools: what it masks in one the other does not undo."""

from __future__ import annotations

from copy import deepcopy

import pytest

from litellm_bighub.errors import GuardrailAnswerError
from litellm_bighub.gateway.hooks.translation.responses_handler import OpenAIResponsesHandler

pytestmark = pytest.mark.format("responses")

SECRET = "bob@example.com"


class Masking:
    """Masks texts, and answers with the tools that `tools` makes of those that it was given."""

    guardrail_name = "masking"

    def __init__(self, tools):
        self._tools = tools

    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        texts = [text.replace(SECRET, "[mask]") for text in inputs["texts"]]
        return {**inputs, "texts": texts, "tools": self._tools(inputs["tools"])}


def request(name="look"):
    deep = {"type": "object", "properties": {"to": {"type": "string", "description": f"deep {SECRET}"}}}
    tool = {"type": "function", "name": name, "description": f"ask {SECRET}", "parameters": deep}
    other = {"type": "function", "name": "other", "description": "harmless", "parameters": {"type": "object"}}
    return {"model": "m", "input": "go", "tools": [tool, other]}


def masked(value):
    match value:
        case dict():
            return {key: masked(each) for key, each in value.items()}
        case list():
            return [masked(each) for each in value]
        case str():
            return value.replace(SECRET, "[mask]")
        case _:
            return value


@pytest.mark.parametrize("tools", [lambda given: given, deepcopy, masked], ids=["same", "copies", "masked, too"])
async def test_a_tool_whose_texts_are_masked_stays_masked(tools):
    data = await OpenAIResponsesHandler().process_input_messages(request(), Masking(tools))

    assert SECRET not in str(data)
    assert data["tools"][0]["description"] == "ask [mask]"
    assert data["tools"][0]["parameters"]["properties"]["to"]["description"] == "deep [mask]"


async def test_a_tool_that_is_taken_out_stays_out():
    data = await OpenAIResponsesHandler().process_input_messages(request(), Masking(lambda given: given[:1]))

    assert SECRET not in str(data)
    assert [tool["name"] for tool in data["tools"]] == ["look"]


async def test_a_rewritten_tool_that_still_holds_what_was_masked_fails_the_request():
    def longer(given):
        tools = masked(given)
        tools[0]["function"]["description"] = given[0]["function"]["description"] + " soon"
        return tools

    data = request()
    before = deepcopy(data)

    with pytest.raises(GuardrailAnswerError, match="two rewrites"):
        await OpenAIResponsesHandler().process_input_messages(data, Masking(longer))

    assert data == before
