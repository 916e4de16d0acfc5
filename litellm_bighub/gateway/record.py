"""Saying what was scanned, and saying so when it was nothing.

LiteLLM's `applied_guardrails` names a guardrail as soon as its hook ran, whether or not it was handed anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litellm.integrations.custom_guardrail import CustomGuardrail

from litellm_bighub.guardrails.check import Question
from litellm_bighub.guardrails.contract import name_of

SCANS = "litellm_bighub_scans"
"""Key in the request's `litellm_metadata`: one entry for each guardrail and side, with what it was handed."""


def record_scan(guardrail: object, question: Question, hidden: Sequence[str], *, tasks: int = 0) -> None:
    """Record how much a guardrail was handed, and which places stand for texts that nobody here can see.

    `tasks` counts the texts that an override point checks in tasks of its own.

    Requests that did not come through the proxy have no `litellm_metadata`; none is made, since it would go upstream.
    """
    metadata = question.request_data.get("litellm_metadata")
    if not isinstance(metadata, dict):
        return
    context = question.context
    scan: dict[str, Any] = {
        "guardrail": name_of(guardrail),
        "input_type": question.input_type,
        "texts": len(question.texts) + tasks,
        "images": len(context.get("images", ())),
        "files": len(context.get("files", ())),
        "tools": len(context.get("tools", ())),
        "tool_calls": len(context.get("tool_calls", ())),
        "not_visible_here": list(hidden),
    }
    scans = metadata.get(SCANS)
    metadata[SCANS] = [*scans, scan] if isinstance(scans, list) else [scan]
    if question.is_empty and not tasks and isinstance(guardrail, CustomGuardrail):
        guardrail.add_standard_logging_guardrail_information_to_request_data(
            guardrail_json_response={"nothing_to_scan": scan},
            request_data=question.request_data,
            guardrail_status="not_run",
        )
