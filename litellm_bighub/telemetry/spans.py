"""OpenTelemetry spans, named as the GenAI semantic conventions name them as far as those are settled.

A decision's span is `execute_tool {name}`, as long as the decision took: what the gateway does of a tool's execution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from opentelemetry.trace import (
    ProxyTracerProvider,
    SpanKind,
    Status,
    StatusCode,
    TracerProvider,
    get_tracer,
    get_tracer_provider,
)
from opentelemetry.util.types import AttributeValue

from litellm_bighub.domain.event import DecisionEvent

SCOPE: Final = "litellm_bighub"
_LONGEST_NAME = 128
_NANOSECONDS = 1_000_000_000
_TOOL_TYPES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("function", "custom", "shell", "local_shell", "apply_patch", "computer"), "function"),
    **dict.fromkeys(("mcp", "web_search", "code_interpreter", "image_generation"), "extension"),
    "file_search": "datastore",
    **dict.fromkeys(("tool_search", "program", "unknown"), ""),
}
"""Who runs a tool of each kind: the client, the agent's side, or a store of data. The conventions name no others."""


class DecisionSpans:
    """Makes a span for each decision.

    Args:
        provider: the operator's; the global one if not given.
    """

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._provider = provider
        self._tracer = get_tracer(SCOPE, tracer_provider=provider)

    def decided(self, event: DecisionEvent) -> None:
        """Record one span, already ended, under the current span."""
        if self._tracing_is_off():
            return
        name = event.tool[:_LONGEST_NAME]
        span = self._tracer.start_span(
            f"execute_tool {name}",
            kind=SpanKind.INTERNAL,
            attributes=_attributes(event, name),
            start_time=_nanoseconds(event.time - event.latency_ms / 1000),
        )
        if event.degraded:
            span.set_status(Status(StatusCode.ERROR, "the decider could not be reached"))
        span.end(_nanoseconds(event.time))

    def _tracing_is_off(self) -> bool:
        """Whether the operator has set up no tracing yet. A span's attributes would then be made for nothing."""
        return self._provider is None and isinstance(get_tracer_provider(), ProxyTracerProvider)

    def guardrail(self, name: str, events: Sequence[DecisionEvent]) -> None:
        """Record one span over the decisions on one answer."""
        if not events:
            return
        counts = dict.fromkeys(("allowed", "blocked", "requires_approval"), 0)
        for event in events:
            counts[event.verdict] += 1
        span = self._tracer.start_span(
            f"guardrail {name}",
            kind=SpanKind.INTERNAL,
            attributes={
                f"{SCOPE}.guardrail": name,
                f"{SCOPE}.trace_id": events[0].trace_id,
                **{f"{SCOPE}.{verdict}": count for verdict, count in counts.items()},
            },
            start_time=_nanoseconds(min(event.time - event.latency_ms / 1000 for event in events)),
        )
        span.end(_nanoseconds(max(event.time for event in events)))


def _attributes(event: DecisionEvent, name: str) -> dict[str, AttributeValue]:
    attributes: dict[str, AttributeValue] = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.call.id": event.call_id,
        "gen_ai.tool.type": _TOOL_TYPES.get(event.type, ""),
        f"{SCOPE}.verdict": event.verdict,
        f"{SCOPE}.decider": event.decider,
        f"{SCOPE}.event_id": event.event_id,
        f"{SCOPE}.decision_id": event.decision_id,
        f"{SCOPE}.approval_id": event.approval_id,
        f"{SCOPE}.blocked_by": event.blocked_by,
        f"{SCOPE}.trace_id": event.trace_id,
    }
    flags: dict[str, AttributeValue] = {
        f"{SCOPE}.enforced": event.enforced,
        f"{SCOPE}.degraded": event.degraded,
    }
    return {**{key: value for key, value in attributes.items() if value}, **flags}


def _nanoseconds(seconds: float) -> int:
    return int(seconds * _NANOSECONDS)
