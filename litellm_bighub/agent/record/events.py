"""The events of a run, one for each tool call, and its payload at the end.

The shapes are those of `bighub_openai`: plain dictionaries with these keys, so that code written for it goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypedDict, cast

from litellm_bighub.agent.record.signals import DecisionSignals
from litellm_bighub.domain.call import Arguments
from litellm_bighub.domain.payload import JsonMapping, JsonObject

Status = Literal["executed", "blocked", "approval_required", "tool_error"]
SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class GuardedToolResult:
    """What became of one call.

    Attributes:
        status: the outcome.
        decision: the decision in BIGHUB's words, empty without a decision.
        output: what the tool returned, as JSON.
        error: why there is no output; for people, the model hears less.
    """

    status: Status
    decision: JsonObject = field(default_factory=JsonObject)
    output: Any = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ToolExecutionEvent(DecisionSignals):
    """One thing that happened to one tool call of a run.

    Attributes:
        decision: everything that BIGHUB said, with what holds of it here; empty without a decision.
        event_id: unique; consumers drop repeats by it.
        trace_id: the run's.
        request_id: BIGHUB's id of the decision, or of the approval that it waits for.
        seq: the position within the run, from 0 without gaps.
    """

    tool: str
    call_id: str | None
    status: Status
    decision: JsonObject
    arguments: Arguments
    output: Any
    error: str | None
    event_id: str
    trace_id: str
    request_id: str | None
    seq: int
    schema_version: int = SCHEMA_VERSION
    source_version: str | None = None

    def as_dict(self) -> JsonObject:
        """A copy in plain containers, with `allowed` added."""
        copied = {name: _copied(getattr(self, name)) for name in _NAMES}
        return {**copied, "allowed": bool(self.decision.get("allowed"))}


_NAMES = tuple(each.name for each in fields(ToolExecutionEvent))


class Execution(TypedDict):
    """What the tools of a run did."""

    events: list[JsonObject]
    last: JsonObject | None


class Payload(TypedDict):
    """What `run` returns, and the `final_response` of a stream holds."""

    response_id: str | None
    output_text: str
    output: list[JsonObject]
    llm_response: JsonObject
    execution: Execution


class ApprovedPayload(Payload):
    """What `run_with_approval` returns."""

    approval_loop: JsonObject


def payload(response: JsonMapping, events: Sequence[ToolExecutionEvent]) -> Payload:
    """The payload for a response and what happened until then."""
    copied = [event.as_dict() for event in events]
    response_id, text, items = response.get("id"), output_text(response), output(response)
    return Payload(
        response_id=response_id,
        output_text=text,
        output=items,
        llm_response={"response_id": response_id, "output_text": text, "output": items},
        execution=Execution(events=copied, last=copied[-1] if copied else None),
    )


def output(response: JsonMapping) -> list[JsonObject]:
    """The items of a response."""
    return list(response.get("output") or ())


def output_text(response: JsonMapping) -> str:
    """All text that the model wrote in a response."""
    copied = response.get("output_text")
    if isinstance(copied, str) and copied:
        return copied
    parts = [part for item in output(response) if item.get("type") == "message" for part in item.get("content") or ()]
    return "".join(part.get("text") or "" for part in parts if part.get("type") == "output_text")


def _copied(value: Any) -> Any:
    """A copy of plain containers; `dataclasses.asdict` takes ten times as long, and a turn has many events."""
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in cast("JsonObject", value).items()}
    if isinstance(value, list):
        return [_copied(each) for each in cast("list[Any]", value)]
    return value
