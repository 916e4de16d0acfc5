"""Response headers that tell what was decided, and by which id it is found again in logs and audit.

A whole answer's headers are written after its calls were decided. A stream's headers leave before: they hold the trace
id alone. `x-litellm-call-id`, which LiteLLM sends itself, is the trace id unless the request named one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from litellm_bighub.domain.payload import JsonMapping
from litellm_bighub.gateway.pipeline.request_log import PROVIDER

TRACE: Final = "x-bighub-trace-id"
DECISIONS: Final = "x-bighub-decisions"
COUNTS: Final = {
    "allowed": "x-bighub-allowed",
    "blocked": "x-bighub-blocked",
    "requires_approval": "x-bighub-requires-approval",
}
_MOST_IDS = 20
_ID = re.compile(r"[\w.:-]{1,128}", re.ASCII)
_INFORMATION = "standard_logging_guardrail_information"


def headers(request_data: JsonMapping) -> dict[str, str]:
    """The headers of the answer to this request."""
    written: dict[str, str] = {}
    trace = _id(request_data.get("litellm_trace_id")) or _id(request_data.get("litellm_call_id"))
    if trace:
        written[TRACE] = trace
    decisions = list(_decisions(request_data))
    if not decisions:
        return written
    verdicts = [decision.get("verdict") for decision in decisions]
    written |= {header: str(verdicts.count(verdict)) for verdict, header in COUNTS.items()}
    ids = [_id(decision.get("decision_id")) or _id(decision.get("event_id")) for decision in decisions]
    written[DECISIONS] = ",".join(filter(None, ids[:_MOST_IDS]))
    return written


def _decisions(request_data: JsonMapping) -> Iterator[JsonMapping]:
    """The decisions that every guardrail of ours has told LiteLLM's logging of."""
    for bucket in ("litellm_metadata", "metadata"):
        metadata = request_data.get(bucket)
        entries = metadata.get(_INFORMATION) if isinstance(metadata, dict) else None
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and entry.get("guardrail_provider") == PROVIDER:
                found = entry.get("guardrail_response")
                decisions = found if isinstance(found, list) else []
                yield from (each for each in decisions if isinstance(each, dict) and "verdict" in each)


def _id(value: object) -> str:
    """Nothing that a caller wrote may become more than one header."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""
