"""Which events of a Responses stream carry which text, and where in the item the same text stands.

A text of a stream is told up to four times: in deltas, in a done event, in the item (alone or as a content part), and
in the terminal envelope. All of them name the same place, `("content", 0, "text")` or `("arguments",)`, in the same
item.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias, cast

from litellm_bighub.domain.payload import Payload
from litellm_bighub.formats.payload.copies import text, whole, with_fields
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.payload.slots import Slot, TextKind, Where, still_fits
from litellm_bighub.formats.responses.event_kinds import COMMAND_ADDED, EVENTS, OUTPUT_DELTA, OUTPUT_DONE
from litellm_bighub.formats.responses.texts.text_finder import find_in_item, find_in_response

Place: TypeAlias = tuple[str | int, ...]
"""Where a text stands in its item; one that stands in no item that we know begins with its event's name."""

ANNOTATION = "response.output_text.annotation.added"
_DELTA = ".delta"
_DONE = ".done"
COMMAND = "response.shell_call_command"
_OPAQUE_DELTAS = frozenset({"response.audio.delta"})
_TEXTLESS = frozenset({"response.image_generation_call.partial_image"})
_PARTS = MappingProxyType(
    {
        "response.content_part.added": ("content", "content_index"),
        "response.content_part.done": ("content", "content_index"),
        "response.reasoning_summary_part.added": ("summary", "summary_index"),
        "response.reasoning_summary_part.done": ("summary", "summary_index"),
    }
)


@dataclass(frozen=True, slots=True)
class EventTexts:
    """How events tell one sort of text.

    Attributes:
        key: its field in the done event.
        way: the way to it in the item; for a number it names the event's field that holds it.
    """

    key: str
    way: tuple[str, ...]
    kind: TextKind = TextKind.TEXT

    def place(self, event: object) -> Place:
        """Where the text of this event stands in its item."""
        return tuple((whole(event, key) or 0) if key.endswith("_index") else key for key in self.way)


TOLD: Mapping[str, EventTexts] = MappingProxyType(
    {
        "response.output_text": EventTexts("text", ("content", "content_index", "text"), TextKind.OUTPUT_TEXT),
        "response.refusal": EventTexts("refusal", ("content", "content_index", "refusal")),
        "response.reasoning_text": EventTexts("text", ("content", "content_index", "text")),
        "response.reasoning_summary_text": EventTexts("text", ("summary", "summary_index", "text")),
        "response.function_call_arguments": EventTexts("arguments", ("arguments",), TextKind.JSON),
        "response.mcp_call_arguments": EventTexts("arguments", ("arguments",), TextKind.JSON),
        "response.custom_tool_call_input": EventTexts("input", ("input",)),
        "response.code_interpreter_call_code": EventTexts("code", ("code",)),
        COMMAND: EventTexts("command", ("action", "commands", "command_index")),
    }
)
"""By what stands before `.delta` and `.done`."""

_STREAMED_FIELDS = frozenset({"arguments", "input", "code"})
_STREAMED_LISTS = frozenset({"content", "summary"})


@dataclass(frozen=True, slots=True)
class StreamedText:
    """What a delta or done event says of a text."""

    place: Place
    kind: TextKind
    key: str
    text: str
    is_done: bool


@dataclass(frozen=True, slots=True)
class CarriedText:
    """A text that an event carries whole.

    Attributes:
        keys: the way from the event to it.
        place: where it stands in its item, `None` if in none.
        index: the item's place in an envelope's output.
        item_id: the item's id in an envelope.
    """

    keys: Place
    slot: Slot
    place: Place | None = None
    index: int | None = None
    item_id: str = ""


def streamed(event: object, event_type: str) -> StreamedText | None:
    """What a delta or done event says, `None` if it is neither."""
    is_done = event_type.endswith(_DONE)
    name = event_type[: -len(_DONE if is_done else _DELTA)]
    known = TOLD.get(name)
    if known is None:
        return None if is_done else _unknown_delta(event, event_type)
    key = known.key if is_done else "delta"
    value: object = get(event, key)
    if not (isinstance(value, str) or (is_done and value is None)) or not event_type.endswith((_DONE, _DELTA)):
        return None
    return StreamedText(known.place(event), known.kind, key, value or "", is_done)


def unknown_place(event: object, event_type: str) -> Place:
    """The place of a text of which only the event's name and indices are known, the same for its deltas and done."""
    name = event_type.rpartition(".")[0]
    return ("", name, *(whole(event, f"{counted}_index") or 0 for counted in ("content", "summary")))


def _unknown_delta(event: object, event_type: str) -> StreamedText | None:
    value: object = get(event, "delta")
    if not event_type.endswith(_DELTA) or event_type in _OPAQUE_DELTAS or not isinstance(value, str):
        return None
    return StreamedText(unknown_place(event, event_type), TextKind.TEXT, "delta", value, is_done=False)


def may_stream(place: Place | None) -> bool:
    """Whether deltas can tell the text at this place."""
    match place:
        case (str(key),):
            return key in _STREAMED_FIELDS
        case (str(key), int(), _):
            return key in _STREAMED_LISTS
        case ("action", "commands", int()):
            return True
        case _:
            return False


def carried(event: object, event_type: str) -> list[CarriedText]:
    """Every text that an event carries whole. Deltas and the done events of `TOLD` are read by `streamed`."""
    if event_type in _PARTS:
        listed, counter = _PARTS[event_type]
        prefix: Place = (listed, whole(event, counter) or 0)
        return [CarriedText(keys, slot, prefix + keys[1:]) for keys, slot in _slots(event, "part")]
    if event_type == ANNOTATION:
        return [CarriedText(keys, slot) for keys, slot in _slots(event, "annotation")]
    if event_type == COMMAND_ADDED:
        command = text(event, "command")
        slot = Slot(event, "command", command, TextKind.TEXT, (None, "command"))
        return [CarriedText(("command",), slot, TOLD[COMMAND].place(event))] if command else []
    if event_type in {OUTPUT_DELTA, OUTPUT_DONE}:
        return [CarriedText(_keys(slot.where), slot) for slot in find_in_item(event).slots]
    if event_type == "error":
        message = text(event, "message")
        return (
            [CarriedText(("message",), Slot(event, "message", message, TextKind.TEXT, (None, "message")))]
            if message
            else []
        )
    response: object = get(event, "response")
    if response is not None:
        return _in_envelope(response)
    if event_type in _TEXTLESS or (EVENTS.get(event_type) == "other"):
        return []
    if get(event, "item") is not None and event_type in EVENTS:
        return [CarriedText(keys, slot, keys[1:]) for keys, slot in _slots(event, "item")]
    return [CarriedText(_keys(slot.where), slot) for slot in find_in_item(event).slots]


def _in_envelope(response: object) -> list[CarriedText]:
    found: list[CarriedText] = []
    for slot in find_in_response(response).slots:
        match _keys(slot.where):
            case ("output", int(index), *rest) as keys:
                item_id = text(get(response, "output")[index], "id")
                found.append(CarriedText(("response", *keys), slot, tuple(rest), index, item_id))
            case keys:
                found.append(CarriedText(("response", *keys), slot))
    error: object = get(response, "error")
    if message := text(error, "message"):
        slot = Slot(error, "message", message, TextKind.TEXT, ((None, "error"), "message"))
        found.append(CarriedText(("response", "error", "message"), slot))
    return found


def _slots(event: object, key: str) -> Iterable[tuple[Place, Slot]]:
    owner: object = get(event, key)
    if owner is None:
        return ()
    return ((_keys(slot.where), slot) for slot in find_in_item(owner, (None, key)).slots)


def _keys(where: Where) -> Place:
    keys: list[str | int] = []
    while where is not None:
        where, key = where
        keys.append(key)
    return tuple(reversed(keys))


def with_texts(owner: object, changes: Iterable[tuple[Place, Slot, str]]) -> object:
    """A copy in which these texts are different. Only what stands on the way to them is copied."""
    below: dict[str | int, list[tuple[Place, Slot, str]]] = {}
    fields: dict[str | int, object] = {}
    rewritten: tuple[Slot, str] | None = None
    for keys, slot, value in changes:
        if len(keys) == 1:
            fields[keys[0]] = value
            if slot.kind is TextKind.OUTPUT_TEXT:
                rewritten = (slot, value)
        else:
            below.setdefault(keys[0], []).append((keys[1:], slot, value))
    for key, deeper in below.items():
        fields[key] = with_texts(_member(owner, key), deeper)
    if rewritten is not None:
        _fit(owner, *rewritten, fields)
    if isinstance(owner, list | tuple):
        elements = list(cast("list[object] | tuple[object, ...]", owner))
        for index, element in fields.items():
            elements[cast("int", index)] = element
        return elements
    return with_fields(owner, **cast("dict[str, object]", fields))


def _fit(owner: object, slot: Slot, value: str, fields: dict[str | int, object]) -> None:
    annotations: Payload = fields.get("annotations", get(owner, "annotations"))
    if annotations:
        fields["annotations"] = [kept for kept in annotations if still_fits(kept, slot.text, value)]
    if get(owner, "logprobs"):
        fields["logprobs"] = []


def _member(owner: object, key: str | int) -> object:
    return cast("list[object]", owner)[key] if isinstance(key, int) else get(owner, key)
