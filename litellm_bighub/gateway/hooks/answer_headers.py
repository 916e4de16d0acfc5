"""Response headers with the number of decisions and the ids that find them in logs and audit.

The headers of a whole answer are written after its calls were decided. The headers of a stream are sent before that, so
they hold only the trace id. LiteLLM's own header `x-litellm-call-id` is the trace id unless the request names one.
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


def decision_headers(request_data: JsonMapping) -> dict[str, str]:
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
    """The decisions that our guardrails have logged in the request's metadata.

    Where another guardrail has run, LiteLLM may hold the same entries in both places.
    """
    seen: list[object] = []
    for bucket in ("litellm_metadata", "metadata"):
        metadata = request_data.get(bucket)
        entries = metadata.get(_INFORMATION) if isinstance(metadata, dict) else None
        for entry in entries if isinstance(entries, list) else ():
            if not isinstance(entry, dict) or entry.get("guardrail_provider") != PROVIDER or entry in seen:
                continue
            seen.append(entry)
            found = entry.get("guardrail_response")
            decisions = found if isinstance(found, list) else []
            yield from (each for each in decisions if isinstance(each, dict) and "verdict" in each)


def _id(value: object) -> str:
    """The value if it is safe as a header, or empty: a caller may write trace ids, and must not inject headers."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""
