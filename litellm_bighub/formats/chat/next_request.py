"""The request that goes on where a chat completion ended in calls: they are answered for the caller."""

from __future__ import annotations

from collections.abc import Mapping

from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.formats.payload.copies import plain, text
from litellm_bighub.formats.payload.fields import get

_KEPT = ("content", "tool_calls", "function_call", "reasoning_content", "thinking_blocks")


def answering(request: JsonMapping, response: object, notices: Mapping[str, str]) -> JsonObject | None:
    """The fields of the request that change.

    Args:
        request: the one that was answered.
        response: its answer.
        notices: what each call is answered with, by its id; a legacy call has none.

    Returns:
        `None` if a call cannot be answered: one without notice, or of several choices, which are several conversations.
    """
    choices: object = get(response, "choices")
    if not isinstance(choices, list) or len(choices) != 1:
        return None
    message: object = get(choices[0], "message")
    replayed = {"role": "assistant", "content": None}
    replayed |= {key: plain(value) for key in _KEPT if (value := get(message, key)) is not None}
    answers: list[JsonObject] = []
    for call in get(message, "tool_calls") or ():
        call_id = text(call, "id")
        if call_id not in notices:
            return None
        answers.append({"role": "tool", "tool_call_id": call_id, "content": notices[call_id]})
    legacy: object = get(message, "function_call")
    if legacy is not None:
        if "" not in notices:
            return None
        answers.append({"role": "function", "name": text(legacy, "name"), "content": notices[""]})
    changed: JsonObject = {"messages": [*request.get("messages", ()), replayed, *answers]}
    for key in ("tool_choice", "function_call"):
        if request.get(key) not in (None, "auto", "none"):
            changed[key] = "auto"  # who must call a tool would call this one again
    return changed
