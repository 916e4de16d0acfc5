"""Every stream event that OpenAI had when this was written, by what it means for the gate."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["envelope", "item", "call", "other"]

ADDED = "response.output_item.added"
TERMINAL = frozenset({"response.completed", "response.failed", "response.incomplete"})

CALL_TEXT: Mapping[str, str] = MappingProxyType(
    {
        "response.function_call_arguments.delta": "delta",
        "response.function_call_arguments.done": "arguments",
        "response.custom_tool_call_input.delta": "delta",
        "response.custom_tool_call_input.done": "input",
    }
)
"""Events that tell a call's arguments, and the field that holds them."""

COMMAND_ADDED = "response.shell_call_command.added"
COMMAND_TEXT: Mapping[str, str] = MappingProxyType(
    {
        COMMAND_ADDED: "command",
        "response.shell_call_command.delta": "delta",
        "response.shell_call_command.done": "command",
    }
)
"""Events that tell one command of a shell call, and the field that holds it."""

OUTPUT_DELTA = "response.shell_call_output_content.delta"
OUTPUT_DONE = "response.shell_call_output_content.done"
"""Events that tell what a command printed that the provider ran: two texts each, standard output and error."""

BEGINNING = frozenset({"response.created", "response.in_progress", "response.queued"})
_ENVELOPES = (*TERMINAL, *BEGINNING)

# Texts, reasoning, and the tools that the provider runs itself.
_OTHERS = (
    "error",
    "response.audio.delta",
    "response.audio.done",
    "response.audio.transcript.delta",
    "response.audio.transcript.done",
    "response.code_interpreter_call.completed",
    "response.code_interpreter_call.in_progress",
    "response.code_interpreter_call.interpreting",
    "response.code_interpreter_call_code.delta",
    "response.code_interpreter_call_code.done",
    "response.compaction.compacting",
    "response.content_part.added",
    "response.content_part.done",
    "response.file_search_call.completed",
    "response.file_search_call.in_progress",
    "response.file_search_call.searching",
    "response.image_generation_call.completed",
    "response.image_generation_call.generating",
    "response.image_generation_call.in_progress",
    "response.image_generation_call.partial_image",
    "response.mcp_call.completed",
    "response.mcp_call.failed",
    "response.mcp_call.in_progress",
    "response.mcp_call_arguments.delta",
    "response.mcp_call_arguments.done",
    "response.mcp_list_tools.completed",
    "response.mcp_list_tools.failed",
    "response.mcp_list_tools.in_progress",
    "response.output_text.annotation.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.reasoning_summary_part.added",
    "response.reasoning_summary_part.done",
    "response.reasoning_summary_text.delta",
    "response.reasoning_summary_text.done",
    "response.reasoning_text.delta",
    "response.reasoning_text.done",
    "response.refusal.delta",
    "response.refusal.done",
    OUTPUT_DELTA,
    OUTPUT_DONE,
    "response.web_search_call.completed",
    "response.web_search_call.in_progress",
    "response.web_search_call.searching",
)

EVENTS: Mapping[str, Kind] = MappingProxyType(
    {
        **dict.fromkeys(_ENVELOPES, "envelope"),
        **dict.fromkeys((ADDED, "response.output_item.done"), "item"),
        **dict.fromkeys((*CALL_TEXT, *COMMAND_TEXT), "call"),
        **dict.fromkeys(_OTHERS, "other"),
    }
)
