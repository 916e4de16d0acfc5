"""Decisions in LiteLLM's own guardrail logging, where spend logs and traces show them."""

from __future__ import annotations

from collections.abc import Sequence

from litellm.integrations.custom_guardrail import CustomGuardrail
from litellm.types.guardrails import GuardrailEventHooks

from litellm_bighub.domain.event import DecisionEvent, UnapprovedResult
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.gateway.pipeline.request_scope import enter, request_scope
from litellm_bighub.telemetry.spans import DecisionSpans

PROVIDER = "bighub"
"""By this name other entries of the guardrail information are told from ours."""

_KNOWN = frozenset(
    {"time", "latency_ms", "trace_id", "request_id", "surface", "model", "response_id", "user", "team", "enforced"}
)
"""What an entry of LiteLLM's log says in fields of its own, and what nearly always is the same."""

_POINTER = ("verdict", "tool", "rule")
"""What it says of a call that simply passed, beside an id by which audit file and control plane tell the rest."""


class RequestLog:
    """A sink that keeps the decisions of the request that is being governed."""

    async def write(self, event: DecisionEvent) -> None:
        """Keep the event with its request; outside of any request there is nobody to tell."""
        collected = request_scope().decisions
        if collected is not None:
            collected.append(event)

    async def aclose(self) -> None:
        """Nothing to release."""


class logged:  # noqa: N801 - used as a function is; a generator's context would cost every request more
    """Records the decisions made inside in the request's guardrail information, and in a span if `spans` are given."""

    __slots__ = ("_before", "_events", "_guardrail", "_request_data", "_spans")

    def __init__(
        self, guardrail: CustomGuardrail, request_data: JsonObject, *, spans: DecisionSpans | None = None
    ) -> None:
        self._guardrail = guardrail
        self._request_data = request_data
        self._spans = spans
        self._events: list[DecisionEvent] = []

    def __enter__(self) -> None:
        scope = request_scope()
        self._before = scope.decisions
        enter(scope._replace(decisions=self._events))

    def __exit__(self, *_raised: object) -> None:
        enter(request_scope()._replace(decisions=self._before))
        if self._events:
            self._tell(self._events)

    def _tell(self, events: Sequence[DecisionEvent]) -> None:
        intervened = any(not event.allowed for event in events)
        self._guardrail.add_standard_logging_guardrail_information_to_request_data(
            guardrail_json_response=[_telling(event) for event in events],
            request_data=self._request_data,
            guardrail_status="guardrail_intervened" if intervened else "success",
            guardrail_provider=PROVIDER,
            start_time=events[0].time - events[0].latency_ms / 1000,
            end_time=events[-1].time,
            duration=max(event.latency_ms for event in events) / 1000,
            event_type=GuardrailEventHooks.post_call,
        )
        if self._spans is not None:
            self._spans.guardrail(self._guardrail.guardrail_name or type(self._guardrail).__name__, events)


def log_results(guardrail: CustomGuardrail, request_data: JsonObject, results: Sequence[UnapprovedResult]) -> None:
    """Record results that nobody approved in the request's guardrail information."""
    if results:
        guardrail.add_standard_logging_guardrail_information_to_request_data(
            guardrail_json_response=[result.as_dict() for result in results],
            request_data=request_data,
            guardrail_status="guardrail_intervened",
            guardrail_provider=PROVIDER,
            start_time=results[0].time,
            end_time=results[-1].time,
            duration=results[-1].time - results[0].time,
            event_type=GuardrailEventHooks.pre_call,
        )


def _telling(event: DecisionEvent) -> JsonObject:
    """What LiteLLM's entry does not tell anyway: few values, since it looks for secrets in each of them."""
    if event.verdict == "allowed" and not event.degraded:
        pointer = {"decision_id": event.decision_id} if event.decision_id else {"event_id": event.event_id}
        return {name: value for name in _POINTER if (value := getattr(event, name))} | pointer
    filled = {name: value for name, value in event.as_dict().items() if value not in (None, "") and name not in _KNOWN}
    return filled if event.enforced else {**filled, "enforced": False}
