"""The request that goes on where a Responses answer ended in calls: they are answered for the caller."""

from __future__ import annotations

from collections.abc import Mapping

from litellm_bighub.domain.payload import JsonMapping, JsonObject, Payload
from litellm_bighub.formats.payload.copies import plain, text
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.responses.item_kinds import is_call

_OUTPUTS = {"function_call": "function_call_output", "custom_tool_call": "custom_tool_call_output"}


def answering(request: JsonMapping, response: object, notices: Mapping[str, str]) -> JsonObject | None:
    """The fields of the request that change.

    Args:
        request: the one that was answered.
        response: its answer, whose items are replayed: that works whether the provider keeps answers or not.
        notices: what each call is answered with, by its id.

    Returns:
        `None` if a call cannot be answered: of another type (a computer's needs a screenshot), or without notice.
    """
    given: object = request.get("input")
    items: list[Payload] = [{"role": "user", "content": given}] if isinstance(given, str) else list(_listed(given))
    remembered = bool(request.get("conversation"))  # it holds the request and the answer already
    stored = request.get("store") is not False
    outputs: list[Payload] = []
    for item in _listed(get(response, "output")):
        replayed = plain(item)
        if not stored:
            replayed.pop("id", None)  # the provider has forgotten it
            if replayed.get("type") == "reasoning" and not replayed.get("encrypted_content"):
                continue
        items.append(replayed)
        if not is_call(item):
            continue
        output_type, call_id = _OUTPUTS.get(text(item, "type")), text(item, "call_id")
        if output_type is None or call_id not in notices:
            return None
        outputs.append({"type": output_type, "call_id": call_id, "output": notices[call_id]})
    changed: JsonObject = {"input": outputs if remembered else [*items, *outputs]}
    if request.get("tool_choice") not in (None, "auto", "none"):
        changed["tool_choice"] = "auto"  # who must call a tool would call this one again
    return changed


def _listed(items: object) -> list[Payload]:
    return list(items) if isinstance(items, list | tuple) else []
