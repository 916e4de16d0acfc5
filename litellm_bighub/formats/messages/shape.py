"""The shape of a Messages answer and of its events: what has another one is refused."""

from __future__ import annotations

from typing import cast

from litellm_bighub.errors import UnreadableAnswerError
from litellm_bighub.formats.payload.copies import text
from litellm_bighub.formats.payload.fields import get, is_object


def check_answer(response: object) -> None:
    """Raise `UnreadableAnswerError` if this is no message."""
    if not is_object(response):
        raise UnreadableAnswerError(f"a {type(response).__name__} is no message")
    if text(response, "type") != "message":
        raise UnreadableAnswerError("its type is not message")
    content: object = get(response, "content")
    if not isinstance(content, list):
        raise UnreadableAnswerError(f"content is a {type(content).__name__}, not a list")
    for at, block in enumerate(cast("list[object]", content)):
        if not text(block, "type"):
            raise UnreadableAnswerError(f"content[{at}] has no type")


def check_event(event: object) -> None:
    """Raise `UnreadableAnswerError` if this is no event of a stream, or one without the part that makes it one."""
    event_type = text(event, "type") if is_object(event) else ""
    if not event_type:
        raise UnreadableAnswerError(f"an event is a {type(event).__name__} without a type")
    match event_type:
        case "message":
            raise UnreadableAnswerError("an event is a whole message")
        case "message_start" if not is_object(get(event, "message")):
            raise UnreadableAnswerError("a message_start has no message")
        case "content_block_start" if not text(get(event, "content_block"), "type"):
            raise UnreadableAnswerError("the block of a content_block_start has no type")
        case "content_block_delta" if not text(get(event, "delta"), "type"):
            raise UnreadableAnswerError("the delta of a content_block_delta has no type")
        case _:
            return
