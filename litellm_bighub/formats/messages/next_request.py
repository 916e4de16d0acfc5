"""The request that goes on where a Messages answer ended in calls: they are answered for the caller."""

from __future__ import annotations

from collections.abc import Mapping

from litellm_bighub.domain.payload import JsonMapping, JsonObject, Payload
from litellm_bighub.formats.messages.calls import is_call
from litellm_bighub.formats.payload.copies import plain, text
from litellm_bighub.formats.payload.fields import get

_FREE = frozenset({"auto", "none"})


def answering(request: JsonMapping, response: object, notices: Mapping[str, str]) -> JsonObject | None:
    """The fields of the request that change.

    Args:
        request: the one that was answered.
        response: its answer.
        notices: what each call is answered with, by its id.

    Returns:
        `None` if a call has no notice.
    """
    content: object = get(response, "content")
    blocks: list[Payload] = content if isinstance(content, list) else []
    ids = [text(block, "id") for block in blocks if is_call(block)]
    if any(call_id not in notices for call_id in ids):
        return None
    answers = [
        {"type": "tool_result", "tool_use_id": call_id, "content": notices[call_id], "is_error": True}
        for call_id in ids
    ]
    turns = [{"role": "assistant", "content": plain(blocks)}, {"role": "user", "content": answers}]
    changed: JsonObject = {"messages": [*request.get("messages", ()), *turns]}
    choice: object = request.get("tool_choice")
    if choice is not None and text(choice, "type") not in _FREE:
        changed["tool_choice"] = {"type": "auto"}  # who must call a tool would call this one again
    return changed
