"""The item by which a Responses answer asks its client for an approval, in the place of a withheld call."""

from __future__ import annotations

from litellm_bighub.domain.call import Arguments
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.formats.payload.copies import json_text
from litellm_bighub.formats.requests.approval_answers import SERVER_LABEL

TYPE = "mcp_approval_request"


def request_item(approval_id: str, name: str, arguments: Arguments) -> JsonObject:
    """The item: the call as the model made it, and the approval's id."""
    return {
        "id": approval_id,
        "type": TYPE,
        "server_label": SERVER_LABEL,
        "name": name,
        "arguments": json_text(arguments),
    }


def request_events(item: JsonObject, output_index: int) -> list[JsonObject]:
    """The events by which a stream tells of the item. They have no sequence numbers yet."""
    place = {"output_index": output_index, "item": item}
    return [{"type": "response.output_item.added", **place}, {"type": "response.output_item.done", **place}]
