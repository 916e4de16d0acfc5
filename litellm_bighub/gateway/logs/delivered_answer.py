"""`DeliveredAnswer`: what the caller of one request got, for LiteLLM's loggers.

LiteLLM logs a request when it is over, and in its own form: what a provider has said, or what it was translated into.
The record stands among the details that LiteLLM logs from, so it lives as long as they do.
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any, Final, cast

from litellm_bighub.domain.payload import JsonMapping, JsonObject, Payload
from litellm_bighub.formats.format import Format
from litellm_bighub.formats.payload.fields import get

RECORD: Final = "litellm_bighub_delivered_answer"
"""The key of the record in the details."""

_CONVERSATION: Final = ("messages", "input")


class DeliveredAnswer:
    """The answer to one request, whole or streamed, as its caller got it.

    Args:
        wire_format: of the answer.
    """

    __slots__ = ("_events", "_whole", "logged", "wire_format")

    def __init__(self, wire_format: Format) -> None:
        self.wire_format = wire_format
        self.logged: tuple[object, object] | None = None
        self._whole: object = None
        self._events: list[Payload] | None = None

    def __repr__(self) -> str:
        return f"<DeliveredAnswer {self.wire_format.name}>"

    def keep(self, response: object) -> None:
        """Remember a whole answer. The guardrail that runs last has the last word."""
        self._whole = response

    def stream(self) -> list[Payload]:
        """A list for the events that leave. That of the guardrail that begins first counts: it stands outermost."""
        events: list[Payload] = []
        if self._events is None:
            self._events = events
        return events

    def answer(self) -> object:
        """The answer; `None` if it is not known, or if its stream did not end well."""
        if self._events is None:
            return self._whole
        heard = self.wire_format.joined_stream()
        for event in self._events:
            heard.hear(event)
        return _completed_text(self._events) or heard.heard()


def open_record(request: JsonMapping, wire_format: Format) -> None:
    """Begin the record of a request, if there is none: from here on, loggers get what it says."""
    details = _details(request)
    if details is not None and RECORD not in details:
        details[RECORD] = DeliveredAnswer(wire_format)


def keep_answer(request: JsonMapping, response: object, wire_format: Format | None) -> None:
    """Remember the whole answer to a request as its caller gets it."""
    if wire_format is not None:
        open_record(request, wire_format)
        record = _record_of(request)
        if record is not None:
            record.keep(response)


def keep_stream(request: JsonMapping, wire_format: Format) -> list[Payload]:
    """A list for the events of the answer to a request as they leave."""
    open_record(request, wire_format)
    record = _record_of(request)
    return [] if record is None else record.stream()


def _record_of(request: JsonMapping) -> DeliveredAnswer | None:
    details = _details(request)
    found = None if details is None else details.get(RECORD)
    return found if isinstance(found, DeliveredAnswer) else None


def log_request(request: JsonMapping, conversation: object) -> None:
    """Have the conversation of a request logged as it is now: LiteLLM took its copy before the request was changed."""
    details = _details(request)
    if details is None:
        return
    if isinstance(conversation, str):
        conversation = [{"role": "user", "content": conversation}] if conversation else []
    for name in _CONVERSATION:
        if name in details:
            details[name] = conversation
    logging = request["litellm_logging_obj"]
    if hasattr(logging, "messages"):
        logging.messages = conversation
    _refresh_body(request)


def _refresh_body(request: JsonMapping) -> None:
    """Have the body of a request logged with the fields that the request has now."""
    received = request.get("proxy_server_request")
    body = received.get("body") if isinstance(received, dict) else None
    if isinstance(received, dict) and isinstance(body, dict):
        received["body"] = {
            name: value if name in _LITELLMS else request[name]
            for name, value in body.items()
            if name in _LITELLMS or name in request
        }


_LITELLMS: Final = frozenset({"metadata", "litellm_metadata"})
"""Fields of a body that LiteLLM has replaced with records of its own in the request."""


def _details(request: JsonMapping) -> MutableMapping[str, Any] | None:
    found: JsonObject | None = getattr(request.get("litellm_logging_obj"), "model_call_details", None)
    return found if isinstance(found, dict) else None


def _completed_text(events: Sequence[Payload]) -> JsonObject | None:
    """The answer that the chunks of a text completion tell; `None` if they are of no text completion."""
    said: dict[int, list[str]] = {}
    for event in events:
        choices = get(event, "choices")
        for choice in cast("list[Payload]", choices) if isinstance(choices, list) else ():
            piece = get(choice, "text")
            if isinstance(piece, str):
                said.setdefault(get(choice, "index") or 0, []).append(piece)
    if not said:
        return None
    choices = [{"index": index, "text": "".join(pieces), "finish_reason": "stop"} for index, pieces in said.items()]
    return {"object": "text_completion", "choices": choices}
