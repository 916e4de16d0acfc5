"""Which events of a Responses stream tell which text, and where in the item the same text stands.

The place of a text in its item is, for example, `("content", 0, "text")` or `("arguments",)`. One that stands in no
item that we know begins with its event's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from litellm_bighub.formats.payload.copies import text, whole, with_fields
from litellm_bighub.formats.payload.field_rules import FieldRule, Rules
from litellm_bighub.formats.payload.fields import get, members
from litellm_bighub.formats.payload.json_escapes import unescaped
from litellm_bighub.formats.payload.slots import Slot, TextKind
from litellm_bighub.formats.responses.event_kinds import (
    ADDED,
    BEGINNING,
    COMMAND_ADDED,
    EVENTS,
    OUTPUT_DELTA,
    OUTPUT_DONE,
    TERMINAL,
)
from litellm_bighub.formats.responses.item_kinds import is_call
from litellm_bighub.formats.responses.texts.field_rules import EVENT, UNKNOWN
from litellm_bighub.formats.responses.texts.text_finder import find_in_item, find_in_response
from litellm_bighub.formats.stream.event_texts import (
    AnnotationTexts,
    AnnouncedTexts,
    CarriedText,
    EventTexts,
    GroupedTexts,
    LastTexts,
    PieceTexts,
    Place,
    StreamedText,
    ToldTexts,
    keys_of,
)

ANNOTATION = "response.output_text.annotation.added"
ITEM_DONE = "response.output_item.done"
_PART_DONE = frozenset({"response.content_part.done", "response.reasoning_summary_part.done"})
_ANNOUNCING = frozenset({ADDED, "response.content_part.added", "response.reasoning_summary_part.added", COMMAND_ADDED})
_DELTA = ".delta"
_DONE = ".done"
COMMAND = "response.shell_call_command"
_OPAQUE_DELTAS = frozenset({"response.audio.delta"})
_PARTIAL_IMAGE = "response.image_generation_call.partial_image"
_PARTIAL_DATA = "partial_image_b64"
_PARTS = MappingProxyType(
    {
        "response.content_part.added": ("content", "content_index"),
        "response.content_part.done": ("content", "content_index"),
        "response.reasoning_summary_part.added": ("summary", "summary_index"),
        "response.reasoning_summary_part.done": ("summary", "summary_index"),
    }
)


@dataclass(frozen=True, slots=True)
class _StreamedKind:
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


TOLD: Mapping[str, _StreamedKind] = MappingProxyType(
    {
        "response.output_text": _StreamedKind("text", ("content", "content_index", "text"), TextKind.OUTPUT_TEXT),
        "response.refusal": _StreamedKind("refusal", ("content", "content_index", "refusal")),
        "response.reasoning_text": _StreamedKind("text", ("content", "content_index", "text")),
        "response.reasoning_summary_text": _StreamedKind("text", ("summary", "summary_index", "text")),
        "response.function_call_arguments": _StreamedKind("arguments", ("arguments",), TextKind.JSON),
        "response.mcp_call_arguments": _StreamedKind("arguments", ("arguments",), TextKind.JSON),
        "response.custom_tool_call_input": _StreamedKind("input", ("input",)),
        "response.code_interpreter_call_code": _StreamedKind("code", ("code",)),
        COMMAND: _StreamedKind("command", ("action", "commands", "command_index")),
    }
)
"""By what stands before `.delta` and `.done`."""

_INDICES = frozenset({"output_index", "content_index", "summary_index", "command_index", "annotation_index"})
_OF_DELTAS = _INDICES | {"type", "item_id", "sequence_number", "delta", "text", "arguments", "obfuscation"}
"""The fields of nearly all deltas and done events."""
_PARTS_OF: Mapping[str, str] = {
    **{f"{name}{_DELTA}": "delta" for name in TOLD},
    **{f"{name}{_DONE}": told.key for name, told in TOLD.items()},
    **dict.fromkeys(_PARTS, "part"),
    **dict.fromkeys((ADDED, ITEM_DONE), "item"),
    **dict.fromkeys((*TERMINAL, *BEGINNING), "response"),
    ANNOTATION: "annotation",
    COMMAND_ADDED: "command",
    "response.audio.delta": "delta",
    _PARTIAL_IMAGE: _PARTIAL_DATA,
}
"""The field that makes an event what it is."""
_BESIDE: Mapping[str, Rules] = {
    event_type: {**EVENT, **({_PARTS_OF[event_type]: FieldRule.APART} if event_type in _PARTS_OF else {})}
    for event_type in EVENTS
    if event_type not in {OUTPUT_DELTA, OUTPUT_DONE}
}
"""What else may stand in the events that we know; all others are looked through as they are."""

_STREAMED_FIELDS = frozenset({"arguments", "input", "code"})
_STREAMED_LISTS = frozenset({"content", "summary"})


def read(event: object) -> EventTexts:
    """What an event tells of texts."""
    event_type = text(event, "type")
    told = _streamed(event, event_type)
    if told is not None:
        return told if members(event).keys() <= _OF_DELTAS else _with_beside(event, told)
    own: object = get(event, "item")
    texts = [*_carried(event, event_type), *_beside(event, event_type)]
    if event_type in TERMINAL:
        return LastTexts(texts, get(event, "response"))
    item_id, index = text(own, "id") or text(event, "item_id"), whole(event, "output_index")
    if event_type == ANNOTATION:
        place = ("content", whole(event, "content_index") or 0, "text")
        return AnnotationTexts(texts, place, whole(get(event, "annotation"), "end_index"), item_id, index)
    if event_type == OUTPUT_DELTA:
        return PieceTexts(texts, item_id, index)
    if event_type in _ANNOUNCING:
        return AnnouncedTexts(texts, item_id, index, own if event_type == ADDED and is_call(own) else None)
    ends: Place | None = None
    call: object = None
    if event_type == ITEM_DONE:
        ends, call = (), own if is_call(own) else None
    elif event_type in _PART_DONE:
        ends = next((found.place[:2] for found in texts if found.place), None)
    elif event_type not in EVENTS and event_type.endswith(_DONE):
        ends = _unknown_place(event, event_type)
    return ToldTexts(texts, item_id, index, ends, call)


def taken(event: object) -> object:
    """An event without what cannot be checked in pieces: padding, and the tokens of a delta, which `done` tells too."""
    changed: dict[str, object] = {}
    if get(event, "obfuscation"):
        changed["obfuscation"] = None
    if get(event, "logprobs") and text(event, "type").endswith(_DELTA):
        changed["logprobs"] = []
    return with_fields(event, **changed) if changed else event


def _streamed(event: object, event_type: str) -> StreamedText | None:
    """What a delta or done event says, `None` if it is neither."""
    is_done = event_type.endswith(_DONE)
    name = event_type[: -len(_DONE if is_done else _DELTA)]
    told = TOLD.get(name)
    if told is None:
        return None if is_done else _unknown_delta(event, event_type)
    key = told.key if is_done else "delta"
    value: object = get(event, key)
    if not (isinstance(value, str) or (is_done and value is None)) or not event_type.endswith((_DONE, _DELTA)):
        return None
    place, item_id, index = told.place(event), text(event, "item_id"), whole(event, "output_index")
    keys = () if value is None else (key,)
    return StreamedText(place, told.kind, keys, value or "", is_done, item_id, index)


def _with_beside(event: object, told: StreamedText) -> EventTexts:
    """What a delta or done event says, with what it says beside its text."""
    beside = _beside(event, text(event, "type"))
    if not beside:
        return told
    if not told.is_done:
        pieces = [(("", *each.keys), each.slot.text) for each in beside]
        return GroupedTexts(((told.place, told.text), *pieces), told.item_id, index=told.index)
    own: list[CarriedText] = []
    if told.keys:
        whole_text = unescaped(told.text) if told.kind is TextKind.JSON else told.text
        slot = Slot(event, told.keys[-1], whole_text, told.kind, (None, told.keys[-1]))
        own = [CarriedText(told.keys, slot, told.place)]
    return ToldTexts([*own, *beside], told.item_id, told.index, ends=told.place)


def _beside(event: object, event_type: str) -> list[CarriedText]:
    """What an event says beside the part that makes it one."""
    rules = _BESIDE.get(event_type)
    if rules is None:
        return []
    return [CarriedText(keys_of(slot.where), slot) for slot in find_in_item(event, rules=rules).everything]


def _unknown_place(event: object, event_type: str) -> Place:
    """The place of a text of which only the event's name and indices are known, the same for its deltas and done."""
    name = event_type.rpartition(".")[0]
    return ("", name, *(whole(event, f"{counted}_index") or 0 for counted in ("content", "summary")))


def _unknown_delta(event: object, event_type: str) -> StreamedText | None:
    value: object = get(event, "delta")
    if not event_type.endswith(_DELTA) or event_type in _OPAQUE_DELTAS or not isinstance(value, str):
        return None
    place, item_id, index = _unknown_place(event, event_type), text(event, "item_id"), whole(event, "output_index")
    return StreamedText(place, TextKind.TEXT, ("delta",), value, is_done=False, item_id=item_id, index=index)


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


def _carried(event: object, event_type: str) -> list[CarriedText]:
    """Every text that an event carries whole. Deltas and the done events of `TOLD` are read by `_streamed`."""
    if event_type in _PARTS:
        listed, counter = _PARTS[event_type]
        prefix: Place = (listed, whole(event, counter) or 0)
        return [CarriedText(keys, slot, prefix + keys[1:]) for keys, slot in _slots(event, "part")]
    if event_type == ANNOTATION:
        rules = None if get(get(event, "annotation"), "type") else UNKNOWN
        return [CarriedText(keys, slot) for keys, slot in _slots(event, "annotation", rules)]
    if event_type == COMMAND_ADDED:
        command = text(event, "command")
        slot = Slot(event, "command", command, TextKind.TEXT, (None, "command"))
        return [CarriedText(("command",), slot, TOLD[COMMAND].place(event))] if command else []
    if event_type in {OUTPUT_DELTA, OUTPUT_DONE}:
        return [CarriedText(keys_of(slot.where), slot) for slot in find_in_item(event).everything]
    response: object = get(event, "response")
    if response is not None:
        return _in_envelope(response)
    if event_type == _PARTIAL_IMAGE:
        data = text(event, _PARTIAL_DATA)
        slot = Slot(event, _PARTIAL_DATA, data, TextKind.IMAGE, (None, _PARTIAL_DATA))
        return [CarriedText((_PARTIAL_DATA,), slot)] if data else []
    if EVENTS.get(event_type) == "other":
        return []
    if get(event, "item") is not None and event_type in EVENTS:
        return [CarriedText(keys, slot, keys[1:]) for keys, slot in _slots(event, "item")]
    return [CarriedText(keys_of(slot.where), slot) for slot in find_in_item(event).everything]


def _in_envelope(response: object) -> list[CarriedText]:
    found: list[CarriedText] = []
    for slot in find_in_response(response).everything:
        match keys_of(slot.where):
            case ("output", int(index), *rest) as keys:
                item_id = text(get(response, "output")[index], "id")
                found.append(CarriedText(("response", *keys), slot, tuple(rest), index, item_id))
            case keys:
                found.append(CarriedText(("response", *keys), slot, joins=keys == ("output_text",)))
    return found


def _slots(event: object, key: str, rules: Rules | None = None) -> Iterable[tuple[Place, Slot]]:
    owner: object = get(event, key)
    if owner is None:
        return ()
    return ((keys_of(slot.where), slot) for slot in find_in_item(owner, (None, key), rules=rules).everything)
