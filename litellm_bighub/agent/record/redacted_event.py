"""A run's events as they go to BIGHUB: without secrets, with the outcome of each call that ran."""

from __future__ import annotations

from collections.abc import Mapping

from litellm_bighub.agent.tools.result_text import jsonable
from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.domain.redaction import Redactor

_OUTCOMES: Mapping[str, str] = {"executed": "SUCCESS", "tool_error": "FAILURE"}


def redacted_event(event: JsonMapping, redactor: Redactor) -> JsonObject:
    """A copy without secrets in its arguments, output and error."""
    payload = {"arguments": event["arguments"], "output": jsonable(event["output"]), "error": event["error"]}
    return {**event, **redactor.redact(payload)}


def outcome_of(event: JsonMapping) -> JsonObject | None:
    """The report of how a call ended; `None` for one that did not run, or that BIGHUB knows no id of.

    Args:
        event: without secrets.
    """
    status = _OUTCOMES.get(event["status"])
    if status is None or not event["request_id"]:
        return None
    details = {"tool": event["tool"], "call_id": event["call_id"], "event_id": event["event_id"]}
    report = {"status": status, "request_id": event["request_id"], "details": details}
    return {**report, "description": event["error"]} if event["error"] else report
