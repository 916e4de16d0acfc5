"""The records of MCP messages: each text is found and rewritten where it stands, and no name is."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.format_texts import FormatTexts
from litellm_bighub.formats.mcp.messages import MCP, MCP_CALLS
from litellm_bighub.formats.payload.slots import rewrite

C = "canary"
SAID = {"type": "text", "text": C}


def texts_of(record: Any = MCP) -> FormatTexts:
    assert record.texts is not None
    return record.texts


def result(**fields: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "result": fields}


def asked(**params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": "x/y", "params": params}


TEXTS = {
    "instructions": result(instructions=C, protocolVersion="2025-06-18"),
    "a prompt": result(messages=[{"role": "user", "content": SAID}]),
    "a prompt's description": result(prompts=[{"description": C}]),
    "an argument's description": result(prompts=[{"arguments": [{"description": C}]}]),
    "a tool's description": result(tools=[{"description": C}]),
    "a tool's schema": result(tools=[{"inputSchema": {"type": "object", "default": {"type": C}}}]),
    "contents": result(contents=[{"text": C}]),
    "contents in Base64": result(contents=[{"blob": "Y2FuYXJ5", "size": 3}]),
    "a link": result(content=[{"type": "resource_link", "title": C}]),
    "a resource": result(content=[{"type": "resource", "resource": {"text": C}}]),
    "what nobody knows": result(later={"deep": [C]}),
    "_meta": result(_meta={"": [C]}),
    "an error": {"id": 1, "error": {"code": 1, "message": C}},
    "an error's data": {"id": 1, "error": {"data": {"": [C]}}},
    "an argument": asked(arguments={"": C}),
    "a question": asked(message=C, requestedSchema={}),
    "a log": {"method": "notifications/message", "params": {"level": "info", "data": C}},
    "a tool's use": result(content=[{"type": "tool_use", "id": "1", "input": {"": C}}]),
}


@pytest.mark.parametrize("message", TEXTS.values(), ids=TEXTS)
def test_a_text_is_found_and_rewritten(message):
    message = copy.deepcopy(message)
    slots = [slot for slot in texts_of().in_answer(message).slots if slot.text == C]
    assert len(slots) == 1
    rewrite(slots, ["x"])
    assert texts_of().in_answer(message).texts.count(C) == 0


NAMES = {
    "a tool's": result(tools=[{"name": C}]),
    "a resource's": result(resources=[{"uri": C}]),
    "a template's": result(resourceTemplates=[{"uriTemplate": C}]),
    "a type of media": result(content=[{"type": "image", "data": "aGk=", "mimeType": C}]),
    "a kind of content": result(content=[{"type": C}]),
    "a key": result(_meta={C: 1}),
    "what is asked for": asked(name=C),
}


@pytest.mark.parametrize("message", NAMES.values(), ids=NAMES)
def test_a_name_is_shown_and_not_rewritten(message):
    slots = texts_of().in_request(copy.deepcopy(message)).slots
    (names,) = [slot for slot in slots if C in slot.text]
    with pytest.raises(PayloadError):
        rewrite([names], ["x"])


@pytest.mark.parametrize("record", [MCP, MCP_CALLS])
def test_pictures_and_sounds_are_handed_over(record):
    content = [{"type": "image", "data": "aGk=", "mimeType": "image/png"}]
    content += [{"type": "audio", "data": "aGk=", "mimeType": "audio/wav"}]
    found = texts_of(record).in_answer(result(content=content))
    assert (found.images, found.files) == (["aGk="], ["aGk="])
    rewrite(found.image_slots, ["data:image/gif;base64,YQ=="])
    assert content[0] == {"type": "image", "data": "YQ==", "mimeType": "image/gif"}


def test_what_hooks_are_handed_of_a_call_is_left_to_them():
    for message in (result(content=[SAID], structuredContent={"a": C}), asked(name=C, arguments={"a": C})):
        assert texts_of(MCP_CALLS).in_answer(message).texts == []
    beside = result(content=[{**SAID, "_meta": {"": C}}], _meta={"": C})
    assert texts_of(MCP_CALLS).in_answer(beside).texts.count(C) == 2


def test_what_is_of_no_concern_is_left_alone():
    begun = {"method": "initialize", "params": {"clientInfo": {"name": C}, "capabilities": {C: {}}}}
    assert texts_of().in_request(begun).texts == []
    assert texts_of().in_item({"params": {"progressToken": C}}, None).texts == []
