"""Saying what was scanned, and saying so when it was nothing.

LiteLLM's `applied_guardrails` names a guardrail as soon as its hook ran, whether or not it was handed anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from litellm.integrations.custom_guardrail import CustomGuardrail

from litellm_bighub.checks.contract import name_of
from litellm_bighub.checks.text_check import InputType, TextQuestion
from litellm_bighub.domain.payload import JsonObject

SCANS = "litellm_bighub_scans"
"""Key in the request's `litellm_metadata`: one entry for each guardrail and side, with what it was handed."""


def record_scan(guardrail: object, question: TextQuestion, hidden: Sequence[str], *, tasks: int = 0) -> None:
    """Record how many texts a guardrail got, and which places hold texts that we cannot see.

    `tasks` counts the texts that an override point checks in its own tasks.

    Requests that did not come through the proxy have no `litellm_metadata`; none is made, since it would go upstream.
    """
    metadata = _metadata(question.request_data)
    if metadata is None:
        return
    context = question.context
    scan: JsonObject = {
        "guardrail": name_of(guardrail),
        "input_type": question.input_type,
        "texts": len(question.texts) + tasks,
        "images": len(context.get("images", ())),
        "files": len(context.get("files", ())),
        "tools": len(context.get("tools", ())),
        "tool_calls": len(context.get("tool_calls", ())),
        "not_visible_here": list(hidden),
    }
    _add(metadata, scan)
    if question.is_empty and not tasks and isinstance(guardrail, CustomGuardrail):
        guardrail.add_standard_logging_guardrail_information_to_request_data(
            guardrail_json_response={"nothing_to_scan": scan},
            request_data=question.request_data,
            guardrail_status="not_run",
        )


def record_lone_text(guardrail: object, request_data: JsonObject, input_type: InputType) -> None:
    """Record that a guardrail was handed one text and nothing else."""
    metadata = request_data.get("litellm_metadata")
    if isinstance(metadata, dict):
        scan: JsonObject = {
            "guardrail": getattr(guardrail, "guardrail_name", None) or name_of(guardrail),
            "input_type": input_type,
            "texts": 1,
            "images": 0,
            "files": 0,
            "tools": 0,
            "tool_calls": 0,
            "not_visible_here": [],
        }
        _add(metadata, scan)


def _metadata(request_data: JsonObject) -> JsonObject | None:
    metadata = request_data.get("litellm_metadata")
    return cast("JsonObject", metadata) if isinstance(metadata, dict) else None


def _add(metadata: JsonObject, scan: JsonObject) -> None:
    scans = metadata.get(SCANS)
    metadata[SCANS] = [*scans, scan] if isinstance(scans, list) else [scan]
