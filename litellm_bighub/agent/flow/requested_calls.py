"""The tool calls of a response, as the model made them, and the outputs that go back for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from litellm_bighub.agent.record.events import GuardedToolResult, output
from litellm_bighub.agent.tools.result_text import result_text
from litellm_bighub.domain.payload import JsonMapping, JsonObject

Kind = Literal["function", "custom"]
_KINDS: Mapping[str, Kind] = {"function_call": "function", "custom_tool_call": "custom"}
_ENDED = frozenset({"completed", ""})


@dataclass(frozen=True, slots=True)
class Requested:
    """A call as it stands in the response.

    Attributes:
        raw: the arguments as the model wrote them; of a custom tool its text.
        path: where it stands.
    """

    kind: Kind
    call_id: str
    name: str
    raw: object
    path: str


def requested(response: JsonMapping) -> list[Requested]:
    """The calls that a client is to run."""
    return [_requested(item, place) for place, item in enumerate(output(response)) if item.get("type") in _KINDS]


def foreign(response: JsonMapping) -> list[str]:
    """Types of calls that no tool of an agent can answer: a shell, a computer, or what ran at the provider."""
    types = (str(item.get("type") or "") for item in output(response))
    return [each for each in types if (each.endswith("_call") or each == "mcp_approval_request") and each not in _KINDS]


def is_complete(response: JsonMapping) -> bool:
    """Whether the model said all that it wanted to; only then its calls are whole."""
    return str(response.get("status") or "") in _ENDED


def call_output(call: Requested, result: GuardedToolResult) -> JsonObject:
    """The item with the outcome of a call, for the model. The policy's inner reasons stay here."""
    body: JsonObject = {"status": result.status}
    if result.status == "executed":
        body["output"] = result.output
    else:
        body["error"] = result.error
    kind = "function_call_output" if call.kind == "function" else "custom_tool_call_output"
    return {"type": kind, "call_id": call.call_id, "output": result_text(body)}


def _requested(item: JsonMapping, place: int) -> Requested:
    kind = _KINDS[item["type"]]
    return Requested(
        kind=kind,
        call_id=str(item.get("call_id") or item.get("id") or ""),
        name=str(item.get("name") or ""),
        raw=item.get("arguments" if kind == "function" else "input"),
        path=f"output[{place}]",
    )
