"""The assistant message that stands where a withheld call stood."""

from __future__ import annotations

from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.formats.payload.fields import get


def wants_refusals(request: object) -> bool:
    """Whether the caller will parse the answer's text, so that a notice must not be part of it.

    With structured outputs a message that is no answer is a refusal: official clients leave those unparsed.
    """
    if get(request, "text_format") is not None:
        return True
    return get(get(get(request, "text"), "format"), "type") not in {None, "text"}


def notice_item(item_id: str, text: str, *, refusal: bool = False) -> JsonObject:
    """A complete message item, whose text is an answer or a refusal to answer."""
    return {
        "id": item_id,
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [_refusal(text) if refusal else _answer(text)],
    }


def _answer(text: str) -> JsonObject:
    return {"type": "output_text", "text": text, "annotations": []}


def _refusal(text: str) -> JsonObject:
    return {"type": "refusal", "refusal": text}
