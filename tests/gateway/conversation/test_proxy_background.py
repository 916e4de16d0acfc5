"""Whoever approves a call reads why it was made: what guardrails left of the conversation, in every format."""

from __future__ import annotations

import json

import pytest

from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import sqlite_url
from litellm_bighub.control_plane.store.tables import approvals
from litellm_bighub.domain.call_background import from_text
from litellm_bighub.testing import function_call, text
from tests.gateway.masking_gateway import ANSWERED, ASKED, MASKED

pytestmark = pytest.mark.proxy
SCHEMA = {"type": "object", "properties": {"amount": {"type": "number"}}}
TOOL = {"name": "refund", "description": "Pays back."}
LOOKED = json.dumps({"order": "A-1", "password": "hunter22"})
CHAT = {
    "messages": [
        {"role": "user", "content": "an older question"},
        {"role": "assistant", "content": "an older answer"},
        {"role": "user", "content": f"Pay {ASKED} back."},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "look_up", "arguments": LOOKED}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": f"of {ASKED}"},
    ],
    "tools": [{"type": "function", "function": {**TOOL, "parameters": SCHEMA}}],
}
MESSAGES = {
    "max_tokens": 99,
    "messages": [
        *CHAT["messages"][:3],
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "c1", "name": "look_up", "input": json.loads(LOOKED)}],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": f"of {ASKED}"}]},
    ],
    "tools": [{**TOOL, "input_schema": SCHEMA}],
}
RESPONSES = {
    "input": [
        *CHAT["messages"][:3],
        {"type": "function_call", "call_id": "c1", "name": "look_up", "arguments": LOOKED},
        {"type": "function_call_output", "call_id": "c1", "output": f"of {ASKED}"},
    ],
    "tools": [{"type": "function", **TOOL, "parameters": SCHEMA}],
}
ASKS = {
    "chat": ("/chat/completions", "gpt", CHAT),
    "messages": ("/messages", "claude", MESSAGES),
    "responses": ("/responses", "gpt", RESPONSES),
}


@pytest.fixture
def plane(masking):
    plane = ControlPlane.open(sqlite_url(masking.folder / "bighub.db"), masking.folder / "policy.yaml")
    yield plane
    plane.close()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("asked", ASKS)
async def test_the_turn_is_told_as_the_text_checks_left_it(masking, upstream, plane, asked, stream):
    path, model, body = ASKS[asked]
    amount = 700 + [*ASKS].index(asked) * 10 + stream
    upstream.script(lambda _: True, [text(f"I pay {ANSWERED} back."), function_call("refund", {"amount": amount})])
    masking.post(path, json={**body, "model": model, "stream": stream})

    found = await plane.read(lambda connection: approvals.listed(connection, now=plane.clock()))
    (approval,) = [one for one in found if one.arguments == {"amount": amount}]
    background = from_text(approval.background)
    said = [(one.speaker, one.tool, one.text) for one in background.said]
    assert said == [
        ("user", "", f"Pay {MASKED} back."),
        ("call", "look_up", json.dumps({"order": "A-1", "password": "[redacted]"})),
        ("result", "look_up", f"of {MASKED}"),
        ("model", "", f"I pay {MASKED} back."),
    ]
    assert (background.description, background.schema) == ("Pays back.", SCHEMA)
