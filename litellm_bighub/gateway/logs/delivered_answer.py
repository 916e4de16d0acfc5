"""`DeliveredAnswer`: what the caller of one request got, for LiteLLM's loggers.

LiteLLM logs a request when it is over, and in its own form: what a provider has said, or what it was translated into.
The record stands among the details that LiteLLM logs from, so it lives as long as they do.
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any, Final, cast

from typing_extensions import Self

from litellm_bighub.domain.payload import JsonMapping, JsonObject, Payload
from litellm_bighub.formats.format import Format, TextFormat
from litellm_bighub.formats.payload.fields import get

RECORD: Final = "litellm_bighub_delivered_answer"
"""The key of the record in the details."""

_METADATA: Final = ("litellm_metadata", "metadata")
"""Fields of a body that LiteLLM replaces with records of its own in the request."""

_ASKED: Final = ("messages", "input", "prompt", "query")
"""Fields of a request, and of what LiteLLM logs, that say what is asked."""


class DeliveredAnswer:
    """The answer to one request, whole or streamed, as its caller got it.

    Args:
        wire_format: of the answer.
    """

    __slots__ = ("_events", "_whole", "logged", "wire_format")

    def __init__(self, wire_format: TextFormat) -> None:
        self.wire_format = wire_format
        self.logged: tuple[object, object] | None = None
        self._whole: object = None
        self._events: list[Payload] | None = None

    def __repr__(self) -> str:
        return f"<DeliveredAnswer {self.wire_format.name}>"

    def __deepcopy__(self, _: object) -> Self:
        """There is one of a request, however often LiteLLM copies what it stands in."""
        return self

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
        if self._events is None or not isinstance(self.wire_format, Format):
            return self._whole
        heard = self.wire_format.joined_stream()
        for event in self._events:
            heard.hear(event)
        return _completed_text(self._events) or heard.heard()


def open_record(request: JsonMapping, wire_format: TextFormat) -> None:
    """Begin the record of a request, if there is none: from here on, loggers get what it says."""
    place = _place(request)
    if place is not None and RECORD not in place:
        place[RECORD] = DeliveredAnswer(wire_format)


def found_record(details: JsonObject) -> DeliveredAnswer | None:
    """The record of the request that these details are of; `None` if there is none."""
    if RECORD not in details:
        for metadata in metadata_of(details):
            if RECORD in metadata:
                details[RECORD] = metadata.pop(RECORD)
    found = details.get(RECORD)
    return found if isinstance(found, DeliveredAnswer) else None


def metadata_of(details: JsonMapping) -> list[JsonObject]:
    """LiteLLM's own metadata of a request, wherever it stands among the details."""
    parameters = details.get("litellm_params")
    places: list[JsonMapping] = [details, parameters] if isinstance(parameters, dict) else [details]
    found = [place.get(name) for place in places for name in _METADATA]
    return [each for each in found if isinstance(each, dict)]


def keep_answer(request: JsonMapping, response: object, wire_format: TextFormat | None) -> None:
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
    place = _place(request)
    found = None if place is None else place.get(RECORD)
    return found if isinstance(found, DeliveredAnswer) else None


def log_request(request: JsonMapping, conversation: str) -> None:
    """Have a request logged as it is now: LiteLLM took its copy before the request was changed.

    Args:
        request: the request.
        conversation: the field that holds its conversation, empty if it has none.
    """
    _refresh_body(request)
    details = _details(request)
    if details is None:
        return
    fields = [name for name in (conversation, *_ASKED) if name in request]
    asked = request[fields[0]] if fields else ""
    if conversation and isinstance(asked, str):
        asked = [{"role": "user", "content": asked}] if asked else []
    for name in details.keys() & set(_ASKED):
        details[name] = asked
    logging = request["litellm_logging_obj"]
    if hasattr(logging, "messages"):
        logging.messages = asked


def _refresh_body(request: JsonMapping) -> None:
    """Have the body of a request logged with the fields that the request has now."""
    received = request.get("proxy_server_request")
    body = received.get("body") if isinstance(received, dict) else None
    if isinstance(received, dict) and isinstance(body, dict):
        received["body"] = {
            name: value if name in _METADATA else request[name]
            for name, value in body.items()
            if name in _METADATA or name in request
        }


def _place(request: JsonMapping) -> MutableMapping[str, Any] | None:
    """Where the record of a request stands: among the details, or before there are any in LiteLLM's metadata."""
    details = _details(request)
    if details is not None:
        return details
    given = [request.get(name) for name in _METADATA]
    return next((each for each in given if isinstance(each, dict) and "user_api_key" in each), None)


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
