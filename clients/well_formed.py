"""What a provider would refuse of a request: calls without results, results without calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from litellm_bighub.testing import Request


def complaints(request: Request) -> list[str]:
    """Why OpenAI or Anthropic would answer 400; the strict upstream itself refuses Responses requests."""
    match request.path:
        case "/v1/chat/completions":
            return list(_chat(request.body["messages"]))
        case "/v1/messages":
            return list(_messages(request.body["messages"]))
        case _:
            return []


def _chat(messages: list[dict[str, Any]]) -> Iterator[str]:
    """Each assistant message with calls is followed by one tool message for each of them."""
    expected: set[str] = set()
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in expected:
                yield f"a tool message without its call: {message['tool_call_id']}"
            expected.discard(message["tool_call_id"])
            continue
        if expected:
            yield f"calls without tool messages: {sorted(expected)}"
        expected = {call["id"] for call in message.get("tool_calls") or []}
    if expected:
        yield f"calls without tool messages: {sorted(expected)}"


def _messages(messages: list[dict[str, Any]]) -> Iterator[str]:
    """Each `tool_use` is answered by a `tool_result` in the next message, which is the user's."""
    expected: set[str] = set()
    for message in messages:
        content = message["content"]
        blocks = content if isinstance(content, list) else [{"type": "text", "text": content}]
        results = {block["tool_use_id"] for block in blocks if block["type"] == "tool_result"}
        if results != expected:
            yield f"results {sorted(results)} do not answer calls {sorted(expected)}"
        expected = {block["id"] for block in blocks if block["type"] == "tool_use"}
        if not content:
            yield "a message without content"
    if expected:
        yield f"calls without results: {sorted(expected)}"
