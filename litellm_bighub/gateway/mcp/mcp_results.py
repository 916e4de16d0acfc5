"""Reports the results of MCP calls that the gateway made: `post_mcp_call`.

Between the hook before a call and the one after it LiteLLM keeps one thing, its own record of the call. What was
decided is noted there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic_core import to_json

from litellm_bighub.deciders.event_sinks import Outcomes
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Decision
from litellm_bighub.domain.event import CallOutcome
from litellm_bighub.domain.ids import random_id
from litellm_bighub.domain.payload import Payload
from litellm_bighub.formats.payload.fields import get

_NOTE: Final = "litellm_bighub_call"
_APPROVAL: Final = "litellm_bighub_approval"


def note_approval(data: MutableMapping[str, Payload], told: str) -> None:
    """Note what a person has changed or says of a call that is about to be made: it is told with the result."""
    record: object = get(data.get("litellm_logging_obj"), "model_call_details")
    if isinstance(record, dict):
        record[_APPROVAL] = told


def tell_approval(record: MutableMapping[str, Payload], result: object) -> bool:
    """Put what was noted behind the content of a call's result, once.

    LiteLLM turns a result with structured content into an error where a hook changes its content alone. Such a result
    waits for `tell_approval_late`.

    Args:
        record: LiteLLM's, of the call.
        result: as LiteLLM gives it to its hooks.

    Returns:
        Whether the result is changed.
    """
    content: object = get(result, "mcp_tool_call_response")
    if not isinstance(content, list) or get(record.get("original_response"), "structured_content") is not None:
        return False
    return _tell(record, content)


def tell_approval_late(record: MutableMapping[str, Payload]) -> None:
    """Put what was noted behind the content of the result that the record holds, which is about to be sent."""
    content: object = get(record.get("original_response"), "content")
    if isinstance(content, list):
        _tell(record, content)


def _tell(record: MutableMapping[str, Payload], content: list[Payload]) -> bool:
    told = record.pop(_APPROVAL, None)
    if told is None:
        return False
    # Of the proxy's extra, and there wherever a gateway calls MCP servers.
    from mcp.types import TextContent  # noqa: PLC0415

    content.append(TextContent(type="text", text=told))
    return True


@dataclass(frozen=True, slots=True)
class McpResults:
    """Reports the result of each noted call, once.

    Attributes:
        outcomes: where to report.
        clock: POSIX seconds.
        new_id: makes ids of events.
    """

    outcomes: Outcomes
    clock: Callable[[], float] = time.time
    new_id: Callable[[], str] = random_id

    def note(
        self, data: MutableMapping[str, Payload], call: ToolCall, decision: Decision, context: CallContext
    ) -> None:
        """Note a call that is about to be made."""
        record: object = get(data.get("litellm_logging_obj"), "model_call_details")
        if isinstance(record, dict):
            record[_NOTE] = {
                "tool": call.name,
                "type": call.type,
                "decision_id": decision.basis.decision_id,
                "arguments_digest": call.digest,
                **{key: getattr(context, key) for key in ("actor", "domain", "surface", "trace_id", "user", "team")},
            }

    def tell(
        self, record: MutableMapping[str, Payload], start: datetime, end: datetime, *, failed: bool = False
    ) -> None:
        """Report the result of the call of this record, if it was noted.

        Args:
            record: LiteLLM's, of the call.
            start: when the call began.
            end: when it ended.
            failed: it has no result.
        """
        note = record.pop(_NOTE, None)
        if note is None:
            return
        result = None if failed else record.get("original_response")
        outcome = CallOutcome(
            event_id=self.new_id(),
            time=self.clock(),
            ok=not failed and not _is_error(result),
            size=_size(result),
            seconds=(end - start).total_seconds(),
            **note,
        )
        self.outcomes.tell(outcome)


def _is_error(result: object) -> bool:
    return get(result, "is_error") is True or get(result, "isError") is True


def _size(result: object) -> int:
    return 0 if result is None else len(to_json(result, serialize_unknown=True))
