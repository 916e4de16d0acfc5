"""A run's events as they go to BIGHUB: without secrets, with the outcome of each call that ran."""

from __future__ import annotations

from collections.abc import Mapping

from litellm_bighub.agent.tools.result_text import jsonable
from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.domain.redaction import Redactor

_OUTCOMES: Mapping[str, str] = {"executed": "SUCCESS", "tool_error": "FAILURE"}
_FOLLOWED: Mapping[str, bool] = {
    "proceed": True,
    "proceed_with_caution": True,
    "review_recommended": False,
    "do_not_proceed": False,
}
"""Whether a call that ran has followed the recommendation."""


def redacted_event(event: JsonMapping, redactor: Redactor) -> JsonObject:
    """A copy without secrets in its arguments, output and error."""
    payload = {"arguments": event["arguments"], "output": jsonable(event["output"]), "error": event["error"]}
    return {**event, **redactor.redact(payload)}


def outcome_of(event: JsonMapping, *, actor: str = "") -> JsonObject | None:
    """The report of how a call ended; `None` for one that did not run, or that BIGHUB knows no id of.

    Args:
        event: without secrets.
        actor: who reports it.
    """
    status = _OUTCOMES.get(event["status"])
    if status is None or not event["request_id"]:
        return None
    tool, error, decision = event["tool"], event["error"], event["decision"]
    details = {
        "tool": tool,
        "call_id": event["call_id"],
        "event_id": event["event_id"],
        "recommendation": event.get("recommendation"),
        "risk_score_was": event.get("risk_score"),
        "error": error,
    }
    report: JsonObject = {
        "status": status,
        "request_id": event["request_id"],
        "description": error or f"Tool {tool} executed successfully",
        "production_action": tool,
        "recommendation_followed": _FOLLOWED.get(str(event.get("recommendation"))),
        "outcome_label_quality": "runtime",
        "correction_needed": True if error else None,
        "details": {key: each for key, each in details.items() if each is not None},
        "decision_snapshot": _snapshot(decision) or None,
        "reported_by": actor or None,
    }
    return {key: each for key, each in report.items() if each is not None}


def _snapshot(decision: JsonMapping) -> JsonMapping:
    """What BIGHUB itself wants to be told again with the outcome."""
    packet = decision.get("decision_packet")
    metadata = packet.get("metadata") if isinstance(packet, Mapping) else None
    found = (each for each in (decision.get("learning_snapshot"), metadata) if isinstance(each, Mapping))
    return next(found, {})
