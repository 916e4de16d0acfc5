"""The texts of MCP calls: a secret over several parts, under invisible characters, or where LiteLLM does not look."""

from __future__ import annotations

import base64
from itertools import pairwise

import litellm
import pytest
from hypothesis import given, strategies as st
from litellm.llms import load_guardrail_translation_mappings
from litellm.types.utils import CallTypes
from mcp.types import CallToolResult

from litellm_bighub import TextGuardrail
from litellm_bighub.gateway.mcp.mcp_texts import McpTexts
from tests.llm_translation.guardrails import masking

SECRET, MASK = "bob@example.com", "[mask]"
HIDDEN = "bob\u200b@example.com"
MODES = ["pre_call", "post_call", "pre_mcp_call", "post_mcp_call"]


@pytest.fixture(autouse=True)
def callbacks(monkeypatch):
    monkeypatch.setattr(litellm, "callbacks", [])
    mappings = load_guardrail_translation_mappings()
    monkeypatch.setitem(mappings, CallTypes.call_mcp_tool, mappings[CallTypes.call_mcp_tool])


def handled(**settings):
    """LiteLLM's handler of MCP calls, with the guardrail that it hands texts to."""
    check = masking(SECRET, MASK)[1]
    TextGuardrail(guardrail_name="texts", event_hook=MODES, default_on=True, guardrails=[check], **settings)
    [texts] = [each for each in litellm.callbacks if isinstance(each, McpTexts)]
    return load_guardrail_translation_mappings()[CallTypes.call_mcp_tool](), texts


async def called(arguments, description="Looks up", **settings):
    handler, texts = handled(**settings)
    data = {"mcp_tool_name": "look", "mcp_arguments": arguments, "mcp_tool_description": description, "metadata": {}}
    await handler.process_input_messages(data, texts)
    return data["mcp_arguments"]


async def answered(content, structured=None, **settings):
    handler, texts = handled(**settings)
    result = CallToolResult.model_validate({"content": content, "structuredContent": structured})
    answer = await handler.process_output_response(result, texts, request_data={"metadata": {}})
    return answer.model_dump(mode="json", by_alias=True)


def cut(at):
    return [SECRET[start:end] for start, end in pairwise([0, *at, len(SECRET)])]


CUTS = st.lists(st.integers(1, len(SECRET) - 1), unique=True, min_size=1, max_size=4).map(sorted)


@given(CUTS)
async def test_no_cut_of_a_list_of_arguments_hides_a_secret(at):
    parts = cut(at)
    told = {"n": 1, "argv": ["mail", *parts], "content": [{"text": part} for part in parts]}
    masked = await called(told)
    assert masked["argv"] == ["mail", *[MASK for _ in parts]]
    assert masked["content"] == [{"text": MASK} for _ in parts]


async def test_arguments_of_different_names_are_no_parts():
    told = {"a": "bob@", "b": "example.com"}
    assert await called(told) == told


@given(CUTS)
async def test_no_cut_of_a_result_hides_a_secret(at):
    parts = cut(at)
    answer = await answered([{"type": "text", "text": part} for part in parts], {"numbers": [1, 2], "a": "b"})
    assert [item["text"] for item in answer["content"]] == [MASK for _ in parts]
    assert answer["structuredContent"] == {"numbers": [1, 2], "a": "b"}


async def test_invisible_characters_hide_no_secret():
    assert await called({"to": HIDDEN}) == {"to": MASK}
    assert (await answered([{"type": "text", "text": HIDDEN}]))["content"][0]["text"] == MASK


async def test_both_can_be_switched_off():
    off = {"join_parts": False, "ignore_invisible": False}
    told = {"argv": [*cut([4]), HIDDEN]}
    assert await called(told, **off) == told


BLOB = base64.b64encode(SECRET.encode()).decode()


@pytest.mark.parametrize(
    "item",
    [
        {"type": "resource", "resource": {"uri": "file:///a", "mimeType": "text/plain", "text": SECRET}},
        {"type": "resource", "resource": {"uri": "file:///a", "mimeType": "text/plain", "blob": BLOB}},
        {"type": "resource_link", "uri": "file:///a", "name": SECRET, "description": SECRET},
        {"type": "text", "text": "a", "_meta": {"note": SECRET}},
    ],
)
async def test_what_litellm_does_not_find_in_a_result_is_checked(item):
    answer = str(await answered([item, {"type": "image", "data": BLOB, "mimeType": "image/png"}]))
    assert SECRET not in answer
    assert answer.count(BLOB) == 1
    assert MASK in answer or base64.b64encode(MASK.encode()).decode() in answer


async def test_other_guardrails_get_what_litellm_hands_them():
    handler, _ = handled()
    result = CallToolResult.model_validate({"content": [{"type": "text", "text": SECRET}]})
    theirs = masking(SECRET, MASK)[1]
    answer = await handler.process_output_response(result, theirs, request_data={"metadata": {}})
    assert answer.content[0].text == MASK
