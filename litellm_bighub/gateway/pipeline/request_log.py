"""Writes decisions into LiteLLM's guardrail logging, which spend logs and traces show."""

from __future__ import annotations

from collections.abc import Sequence

from litellm.integrations.custom_guardrail import CustomGuardrail
from litellm.types.guardrails import GuardrailEventHooks

from litellm_bighub.deciders.event_sinks import InstantSink
from litellm_bighub.domain.event import DecisionEvent, UnapprovedResult
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.gateway.conversation.note_check import NoteCheck
from litellm_bighub.gateway.pipeline.request_scope import enter, request_scope
from litellm_bighub.telemetry.spans import DecisionSpans

PROVIDER = "bighub"
"""Marks our entries in the guardrail information."""

_POINTER = ("verdict", "tool", "rule")
"""The fields of an allowed call, besides an id that finds the rest in the audit file and the control plane."""

_OUTCOME = (
    *(*_POINTER, "cause", "type", "actor", "domain", "decider", "approval_id", "blocked_by", "policy_version", "risk"),
    *("degraded", "caller_rules"),
)
"""Those of any other: nothing that the model wrote, which the caller did not get."""


class RequestLog(InstantSink):
    """Collects the decisions of the current request."""

    def keep(self, event: DecisionEvent) -> None:
        """Add the event to the current request; outside of a request it is dropped."""
        collected = request_scope().decisions
        if collected is not None:
            collected.append(event)


class logged_decisions:  # noqa: N801 - used like a function; a generator context manager would be slower
    """Logs the decisions made inside as guardrail information, and as a span if `spans` are given.

    `names_blocked` tells whether callers get the names of blocked calls, as notices tell them. `note_check` checks what
    people write to the agent with those decisions.
    """

    __slots__ = ("_before", "_events", "_guardrail", "_names_blocked", "_note_check", "_request_data", "_spans")

    def __init__(
        self,
        guardrail: CustomGuardrail,
        request_data: JsonObject,
        *,
        names_blocked: bool = True,
        spans: DecisionSpans | None = None,
        note_check: NoteCheck | None = None,
    ) -> None:
        self._guardrail = guardrail
        self._request_data = request_data
        self._names_blocked = names_blocked
        self._spans = spans
        self._note_check = note_check
        self._events: list[DecisionEvent] = []

    def __enter__(self) -> None:
        scope = request_scope()
        self._before = scope.decisions, scope.note_check
        enter(scope._replace(decisions=self._events, note_check=self._note_check))

    def __exit__(self, *_raised: object) -> None:
        decisions, note_check = self._before
        enter(request_scope()._replace(decisions=decisions, note_check=note_check))
        if self._events:
            self._tell(self._events)

    def _tell(self, events: Sequence[DecisionEvent]) -> None:
        intervened = any(not event.allowed for event in events)
        self._guardrail.add_standard_logging_guardrail_information_to_request_data(
            guardrail_json_response=[_logged_fields(event, names_blocked=self._names_blocked) for event in events],
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
    """Log results that nobody approved as guardrail information."""
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


def _logged_fields(event: DecisionEvent, *, names_blocked: bool) -> JsonObject:
    """The fields of an event for LiteLLM's entry. They are few, since LiteLLM searches each value for secrets."""
    pointer = {"decision_id": event.decision_id} if event.decision_id else {"event_id": event.event_id}
    names = _POINTER if event.verdict == "allowed" and not event.degraded else _OUTCOME
    told = {name: value for name in names if (value := getattr(event, name)) not in (None, "", False)} | pointer
    if event.verdict == "blocked" and event.enforced and not names_blocked:
        told.pop("tool", None)
    return told if event.enforced else {**told, "enforced": False}
