"""The events of a run, one for each tool call, and its payload at the end.

The shapes are those of `bighub_openai`: plain dictionaries with these keys, so that code written for it goes on. What
BIGHUB adds to its verdict (`Signals`) is an event too and decides nothing:
`deciders.hosted.strict_answer` reads the decision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal, TypedDict, cast

from litellm_bighub.domain.call import Arguments
from litellm_bighub.domain.payload import JsonMapping, JsonObject

_LISTS: Final = frozenset({"salient_factors", "performative_contracts"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionSignals:
    """Each field is `None` where BIGHUB does not say it, or says it in another shape than its contract has."""

    recommendation: str | None = None
    risk_score: float | None = None
    enforcement_mode: str | None = None
    trajectory_health: Any = None
    decision_packet: JsonObject | None = None
    responsible_action_space: JsonObject | None = None
    salient_factors: list[JsonObject] | None = None
    operational_intent: JsonObject | None = None
    agent_operational_body: JsonObject | None = None
    action_interpretation_layer: JsonObject | None = None
    performative_contracts: list[JsonObject] | None = None
    catastrophic_ceiling: JsonObject | None = None
    expected_regret_vector: JsonObject | None = None
    signal_epistemology: JsonObject | None = None
    safe_novelty_lane: JsonObject | None = None


def signals(decision: JsonMapping) -> JsonObject:
    """The fields of `DecisionSignals` out of a decision in BIGHUB's words."""
    found: JsonObject = {each.name: _container(each.name, decision.get(each.name)) for each in fields(DecisionSignals)}
    found["recommendation"] = _text(decision.get("recommendation"))
    found["enforcement_mode"] = _text(decision.get("enforcement_mode"))
    found["risk_score"] = _number(decision.get("risk_score"))
    health = (_inside(decision, key).get("trajectory_health") for key in ("decision_intelligence", "intelligence"))
    found["trajectory_health"] = next((each for each in health if each), None)
    return found


def _container(name: str, value: object) -> object:
    if name in _LISTS:
        return [each for each in cast("list[object]", value) if isinstance(each, dict)] if _is_list(value) else None
    return value if isinstance(value, dict) else None


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _inside(decision: JsonMapping, key: str) -> JsonMapping:
    inner = decision.get(key)
    return cast("JsonMapping", inner) if isinstance(inner, Mapping) else {}


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
