"""What the model is told of a call that ran with a person's arguments."""

from __future__ import annotations

from typing import cast

from litellm_bighub.domain.decided_call import DecidedCall
from litellm_bighub.domain.payload import Payload
from litellm_bighub.formats.payload.copies import json_text, with_fields
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.wording import ENGLISH, Wording


def edited_note(call: DecidedCall, wording: Wording = ENGLISH) -> str:
    """What the model is told when a call ran with other arguments than its own."""
    return wording.edited.format(tool=call.tool, call_id=call.call_id, arguments=json_text(call.arguments))


def noted(holder: object, note: str) -> object:
    """A copy of a message or block whose content holds a note; the same if it does already."""
    content: object = get(holder, "content")
    if isinstance(content, list):
        parts, part = cast("list[Payload]", content), {"type": "text", "text": note}
        return holder if part in parts else with_fields(holder, content=[*parts, part])
    said = content if isinstance(content, str) else ""
    return holder if said.endswith(note) else with_fields(holder, content=f"{said}\n\n{note}" if said else note)
