"""Calls of MCP tools through the gateway, decided on before the server is called."""

from __future__ import annotations

import json
from collections.abc import MutableMapping
from dataclasses import replace
from typing import Any, Final

from litellm.types.utils import CallTypes
from typing_extensions import assert_never

from litellm_bighub.domain.arguments import UnreadableArguments, read_arguments
from litellm_bighub.domain.call import Arguments, CallContext, ToolCall
from litellm_bighub.formats.answers.unreadable_calls import NO_NAME, TOO_DEEP
from litellm_bighub.formats.payload.copies import json_text, text
from litellm_bighub.formats.stream.gate_protocol import Pass, Withhold
from litellm_bighub.gateway.conversation.output_history import OutputHistory
from litellm_bighub.gateway.mcp.mcp_results import McpResults, note_approval
from litellm_bighub.gateway.pipeline.enforcement import Enforcement
from litellm_bighub.gateway.pipeline.enforcement_modes import ToolCallWithheld
from litellm_bighub.gateway.pipeline.server_side_calls import publish_decision
from litellm_bighub.wording import Wording

LISTING: Final = CallTypes.list_mcp_tools.value
"""LiteLLM asks for each tool that it lists; a listing is no call."""

CALLING: Final = CallTypes.call_mcp_tool.value


async def govern_mcp_call(
    enforcement: Enforcement,
    data: MutableMapping[str, Any],
    context: CallContext,
    *,
    results: McpResults | None = None,
) -> None:
    """Decide on the call that LiteLLM is about to make.

    Args:
        enforcement: who decides.
        data: the call, as guardrails get it from LiteLLM; arguments that a person edited are written into it.
        context: who asks.
        results: reports the call's result, if it is to be reported.

    Raises:
        ToolCallWithheld: it must not be made. The client gets an error as the tool's result.
    """
    call = mcp_call(data)
    history = OutputHistory(enforcement.tool_decisions)
    context = await history.follow_caller(context)
    (decision,) = await enforcement.decisions([call], context)
    publish_decision(enforcement.tool_decisions, data, call, decision)
    outcome = enforcement.outcome(call, decision)
    match outcome:
        case Pass(edited=edited, told=told):
            if edited is not None:
                _edit(data, call, edited, enforcement.tool_decisions.wording)
            if note := _note(enforcement, call, edited, told):
                note_approval(data, note)
            if edited is not None:
                call = replace(call, arguments=edited)
            await history.record_run(call, context)
            if results is not None:
                results.note(data, call, decision, context)
        case Withhold(notice=notice):
            raise ToolCallWithheld(notice, kind="tool_call_withheld")
        case _:
            assert_never(outcome)


def _edit(data: MutableMapping[str, Any], call: ToolCall, edited: Arguments, wording: Wording) -> None:
    """Put a person's arguments in place of the caller's, for the server and for the guardrails that come after."""
    if not edited and call.arguments:
        raise ToolCallWithheld(wording.edited_to_nothing.format(tool=call.name), kind="tool_call_withheld")
    data["mcp_arguments"] = data["modified_arguments"] = dict(edited)


def _note(enforcement: Enforcement, call: ToolCall, edited: Arguments | None, told: str) -> str:
    """What the caller reads with the result: what a person has changed, and what they say."""
    decisions, wording = enforcement.tool_decisions, enforcement.tool_decisions.wording
    if edited is None:
        return wording.approved(call.name, told)
    shown = json_text(decisions.redactor.redact(edited))
    return wording.approved(
        call.name, told, edited=wording.edited.format(tool=call.name, call_id="MCP", arguments=shown)
    )


def mcp_call(data: MutableMapping[str, Any]) -> ToolCall:
    """The call in one shape with all others. Its name is `server.tool`: policies must distinguish servers."""
    tool = text(data, "mcp_tool_name")
    name = ".".join(part for part in (text(data, "mcp_server_name"), tool) if part) if tool else ""
    try:
        arguments = read_arguments(json.dumps(data.get("mcp_arguments") or {}))
    except (UnreadableArguments, TypeError, ValueError) as error:
        reason = str(error) if isinstance(error, UnreadableArguments) else "the call holds something that is no JSON"
        return ToolCall("", "mcp", name, unreadable=reason, path="mcp")
    except RecursionError:
        return ToolCall("", "mcp", name, unreadable=TOO_DEEP, path="mcp")
    return ToolCall("", "mcp", name, arguments, unreadable=None if name else NO_NAME, path="mcp")
