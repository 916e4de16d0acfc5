"""The shape of a response and of its events: what has another one is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from litellm_bighub.errors import UnreadableAnswerError
from litellm_bighub.formats.payload.copies import text
from litellm_bighub.formats.payload.fields import get, is_object
from litellm_bighub.formats.responses.event_kinds import ADDED, BEGINNING, TERMINAL

_DONE = "response.output_item.done"
_ENVELOPES = BEGINNING | TERMINAL


def check_answer(response: object) -> None:
    """Raise `UnreadableAnswerError` if this is no response, nor one that was only begun."""
    if not is_object(response):
        raise UnreadableAnswerError(f"a {type(response).__name__} is no response")
    output: object = get(response, "output")
    if output is None and text(response, "object") == "response":
        return
    if not isinstance(output, list):
        raise UnreadableAnswerError(f"output is a {type(output).__name__}, not a list")
    _check_output(output, "output")


def type_of_event(event: object) -> str:
    """The type of a stream's event.

    Raises:
        UnreadableAnswerError: this is no event, or one without the part that makes it one.
    """
    event_type = text(event, "type") if is_object(event) else ""
    if not event_type:
        raise UnreadableAnswerError(f"an event is a {type(event).__name__} without a type")
    if event_type in {ADDED, _DONE} and not text(get(event, "item"), "type"):
        raise UnreadableAnswerError(f"the item of a {event_type} has no type")
    response: object = get(event, "response")
    if response is None:
        return event_type
    if is_object(response):
        if (output := get(response, "output")) is not None:
            _check_output(output, f"response.output of a {event_type}")
    elif event_type in _ENVELOPES:
        raise UnreadableAnswerError(f"the response of a {event_type} is a {type(response).__name__}")
    return event_type


def _check_output(output: object, path: str) -> None:
    if not isinstance(output, list | tuple):
        raise UnreadableAnswerError(f"{path} is a {type(output).__name__}, not a list")
    for at, item in enumerate(cast("Sequence[object]", output)):
        if not (text(item, "type") or (is_object(item) and text(item, "role"))):
            raise UnreadableAnswerError(f"{path}[{at}] has no type")
