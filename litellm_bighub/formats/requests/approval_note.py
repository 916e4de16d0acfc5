"""What the model is told of a call that a person has approved: their arguments, and their note."""

from __future__ import annotations

from typing import cast

from litellm_bighub.domain.decided_call import DecidedCall
from litellm_bighub.domain.payload import Payload
from litellm_bighub.formats.payload.copies import json_text, with_fields
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.wording import ENGLISH, Wording


def approval_note(call: DecidedCall, wording: Wording = ENGLISH) -> str:
    """What the model is told when a call ran with other arguments than its own, or a person says something of it."""
    shown = json_text(call.arguments) if call.edited else ""
    changed = wording.edited.format(tool=call.tool, call_id=call.call_id, arguments=shown) if shown else ""
    return wording.approved(call.tool, call.told, edited=changed)


def noted(holder: object, note: str) -> object:
    """A copy of a message or block whose content holds a note; the same if it does already."""
    content: object = get(holder, "content")
    if isinstance(content, list):
        parts, part = cast("list[Payload]", content), {"type": "text", "text": note}
        return holder if part in parts else with_fields(holder, content=[*parts, part])
    said = content if isinstance(content, str) else ""
    return holder if said.endswith(note) else with_fields(holder, content=f"{said}\n\n{note}" if said else note)
