"""Where tool calls are in a Messages answer, and how one is read, edited and withheld."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

from pydantic import BaseModel

from litellm_bighub.domain.arguments import UnreadableArguments, as_text, read_arguments
from litellm_bighub.domain.call import Arguments, ToolCall
from litellm_bighub.domain.payload import Payload
from litellm_bighub.formats.answers.unreadable_calls import NO_ID, NO_NAME, TOO_DEEP, UNFINISHED
from litellm_bighub.formats.payload.copies import json_text, listed, text, with_fields
from litellm_bighub.formats.payload.fields import get, put

CALL_REASON = "tool_use"
"""The value of `stop_reason` that promises a call."""

CUT_OFF = frozenset({"max_tokens", "model_context_window_exceeded"})
"""The values of `stop_reason` after which nobody knows whether the last block is complete."""

PROVIDER_RUNS = frozenset({"server_tool_use", "mcp_tool_use"})
"""Types of calls that were run before anyone sees them."""

NO_CALLS = frozenset(
    {
        *PROVIDER_RUNS,
        "advisor_tool_result",
        "bash_code_execution_tool_result",
        "code_execution_tool_result",
        "compaction",
        "container_upload",
        "fallback",
        "mcp_tool_listing",
        "mcp_tool_result",
        "redacted_thinking",
        "text",
        "text_editor_code_execution_tool_result",
        "thinking",
        "tool_addition",
        "tool_removal",
        "tool_search_tool_result",
        "web_fetch_tool_result",
        "web_search_tool_result",
    }
)
"""Types of blocks that make nobody act, or only the provider."""


@dataclass(frozen=True, slots=True)
class MessagesCall:
    """A tool call and where it stands: `content[index]` of the answer."""

    call: ToolCall
    response: object
    content: list[Payload]
    index: int


def find_calls(response: object) -> list[MessagesCall]:
    """Every call for the caller in an answer, dict or model, in the order of its content.

    Raises:
        PayloadError: the content is no list, so that nothing could be withheld in it.
    """
    blocks = listed(get(response, "content"), "content")
    cut_off = text(response, "stop_reason") in CUT_OFF
    return [
        MessagesCall(
            read_call(block, f"content[{index}]", unfinished=cut_off and index == len(blocks) - 1),
            response,
            blocks,
            index,
        )
        for index, block in enumerate(blocks)
        if is_call(block)
    ]


def is_call(block: object) -> bool:
    """Whether the block makes the caller's machine act. Of an unknown type it is one if it looks like one."""
    block_type = text(block, "type")
    if block_type in NO_CALLS:
        return False
    return "tool_use" in block_type or (get(block, "name") is not None and get(block, "input") is not None)


def read_call(block: object, path: str, *, unfinished: bool = False) -> ToolCall:
    """Read a block. What cannot be read stands in `unreadable`; nothing is raised."""
    known = text(block, "type") == "tool_use"
    call = ToolCall(text(block, "id"), "function" if known else "unknown", _qualified(block), path=path)
    if unfinished:
        return replace(call, unreadable=UNFINISHED)
    if not call.id or not call.name:
        return replace(call, unreadable=NO_NAME if call.id else NO_ID)
    try:
        return replace(call, arguments=read_arguments(as_text(_plain(get(block, "input")))))
    except UnreadableArguments as error:
        return replace(call, unreadable=str(error))
    except RecursionError:
        return replace(call, unreadable=TOO_DEEP)


def withhold(found: MessagesCall, notice: str) -> None:
    """Put a text in the call's place; its siblings keep their indices."""
    found.content[found.index] = {"type": "text", "text": notice}
    if text(found.response, "stop_reason") == CALL_REASON and not any(map(is_call, found.content)):
        put(found.response, "stop_reason", "end_turn")


def edit(found: MessagesCall, arguments: Arguments) -> None:
    """Give the call a person's arguments, in place."""
    found.content[found.index] = rewrite_arguments(found.content[found.index], arguments)


def rewrite_arguments(block: object, arguments: Arguments) -> object:
    """A copy of the call with edited arguments, which have the shape that `read_call` gave them."""
    as_text = isinstance(get(block, "input"), str)
    return with_fields(block, input=json_text(arguments) if as_text else dict(arguments))


def _qualified(block: object) -> str:
    """The tool's name within its toolset, as in `browser.zoom`: policies must be able to tell them apart."""
    return ".".join(part for part in (text(block, "toolset_name"), text(block, "name")) if part)


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json", exclude_unset=True)
    return dict(cast("Mapping[str, object]", value)) if isinstance(value, Mapping) else value
