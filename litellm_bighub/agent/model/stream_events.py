"""The provider's stream events in the words of `run_stream`.

The ids of response and call stand in the provider's first events only; later ones name an item, so they are remembered.
"""

from __future__ import annotations

from collections.abc import Mapping

from litellm_bighub.agent.flow.effects import Event
from litellm_bighub.domain.payload import JsonMapping, JsonObject

_ENDS: Mapping[str, str] = {
    "response.completed": "response_done",
    "response.done": "response_done",
    "response.incomplete": "response_incomplete",
    "response.failed": "response_failed",
    "error": "response_failed",
}
_PLACES = ("item_id", "output_index", "content_index")


class StreamReader:
    """Reads the events of one response.

    Attributes:
        response: the whole response, once the last event has come.
        error: what the provider said in an `error` event.
    """

    def __init__(self) -> None:
        self.response: JsonObject | None = None
        self.error: JsonObject | None = None
        self._response_id: str | None = None
        self._call_ids: dict[str, str | None] = {}
        self._names: dict[str, str | None] = {}

    def read(self, event: JsonMapping) -> Event | None:
        """The event for the caller; `None` for those that the stream of a run does not have."""
        kind = str(event.get("type") or "")
        response = event.get("response")
        if kind == "final":  # read out of the client after its stream, which may have had no last event
            self.response = self.response or dict(event["response"])
            return None
        if isinstance(response, Mapping):
            self._response_id = response.get("id") or self._response_id
        if kind in _ENDS:
            return self._end(kind, event)
        fields = self._fields(kind, event)
        if fields is None:
            return None
        places = {key: event[key] for key in _PLACES if event.get(key) is not None}
        return {**fields, **places, "response_id": self._response_id}

    def _fields(self, kind: str, event: JsonMapping) -> Event | None:
        item = str(event.get("item_id") or event.get("output_index") or "")
        calls = {"call_id": self._call_ids.get(item), "name": event.get("name") or self._names.get(item)}
        match kind:
            case "response.output_text.delta":
                return {"type": "llm_delta", "delta": event.get("delta")}
            case "response.output_text.done":
                return {"type": "llm_text_done", "text": event.get("text")}
            case "response.refusal.delta":
                return {"type": "refusal_delta", "delta": event.get("delta")}
            case "response.output_item.added":
                return self._added(event)
            case "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta":
                return {"type": "function_call_args_delta", "delta": event.get("delta"), **calls}
            case "response.function_call_arguments.done":
                return {"type": "function_call_args_done", "arguments": event.get("arguments"), **calls}
            case "response.custom_tool_call_input.done":
                return {"type": "function_call_args_done", "arguments": event.get("input"), **calls}
            case _:
                return None

    def _added(self, event: JsonMapping) -> Event:
        item: JsonMapping = event.get("item") or {}
        for key in (item.get("id"), event.get("output_index")):
            self._call_ids[str(key or "")] = item.get("call_id")
            self._names[str(key or "")] = item.get("name")
        added: Event = {"type": "output_item_added", "item_type": item.get("type")}
        return {**added, "call_id": item["call_id"]} if item.get("call_id") else added

    def _end(self, kind: str, event: JsonMapping) -> Event:
        response = event.get("response")
        self.response = dict(response) if isinstance(response, Mapping) else None
        end: Event = {"type": _ENDS[kind], "response_id": self._response_id}
        if _ENDS[kind] == "response_failed":
            self.error = dict((self.response or {}).get("error") or event)
            end["error"] = {key: self.error.get(key) for key in ("code", "message")}
        return end
