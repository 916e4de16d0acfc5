"""What an event of a Messages stream tells of texts.

A block is an item of the stream, known by its index. What its deltas add to one of its fields is one text, which ends
with the block. All else that an event says is told whole.
"""

from __future__ import annotations

from typing import Final

from litellm_bighub.formats.messages.calls import CALL_REASON, PROVIDER_RUNS
from litellm_bighub.formats.messages.texts.field_rules import DELTA, ERROR_EVENT, EVENT, VOCABULARY
from litellm_bighub.formats.payload.copies import members, text, whole
from litellm_bighub.formats.payload.field_rules import FieldRule, Rules
from litellm_bighub.formats.payload.fields import get, is_object
from litellm_bighub.formats.payload.slots import TextKind
from litellm_bighub.formats.payload.text_walk import TextWalk
from litellm_bighub.formats.stream.event_texts import (
    AnnouncedTexts,
    CarriedText,
    EventTexts,
    GroupedTexts,
    LastTexts,
    Place,
    StreamedText,
    ToldTexts,
    keys_of,
)

START: Final = "content_block_start"
ADDED: Final = "content_block_delta"
STOP: Final = "content_block_stop"
CALLS: Final = frozenset({CALL_REASON, *PROVIDER_RUNS})
"""Types of blocks that are tool calls, whoever runs them."""
_BESIDE: Final[Rules] = {**EVENT, "index": FieldRule.OPAQUE}
_BESIDE_PART: Final = {part: {**_BESIDE, part: FieldRule.APART} for part in ("content_block", "delta")}
_ENDS: Final = frozenset({"message_stop", "error"})
_INPUT: Final = "partial_json"
_STREAMED: Final = frozenset({"text", "thinking", "content"})
"""The fields of blocks that begin in their first event, and which deltas go on with."""


def read(event: object) -> EventTexts:
    """What an event tells."""
    event_type = text(event, "type")
    index = whole(event, "index")
    item_id = "" if index is None else str(index)
    if event_type == ADDED:
        return _read_delta(event, item_id, index)
    if event_type == START:
        block: object = get(event, "content_block")
        texts = [CarriedText(each.keys, each.slot, each.keys[1:]) for each in _found(block, None, "content_block")]
        call = block if text(block, "type") in CALLS else None
        return AnnouncedTexts([*texts, *_beside(event, "content_block")], item_id, index, call)
    if event_type == STOP:
        return ToldTexts(_found(event, EVENT), item_id, index, ends=())
    texts = _found(event, ERROR_EVENT if event_type == "error" else EVENT)
    return LastTexts(texts) if event_type in _ENDS else ToldTexts(texts)


def may_stream(place: Place | None) -> bool:
    """Whether deltas can tell the text at this place."""
    return place is not None and len(place) == 1 and place[0] in _STREAMED


def _read_delta(event: object, item_id: str, index: int | None) -> EventTexts:
    """A delta adds to one text; the texts of one that adds to several, or that says more, stay together."""
    delta: object = get(event, "delta")
    said = {
        key: value
        for key, value in members(delta).items()
        if value and DELTA.get(key) is not FieldRule.OPAQUE and not isinstance(value, (int, float))
    }
    beside = _beside(event, "delta")
    if len(said) == 1 and not beside:
        ((key, value),) = said.items()
        if isinstance(value, str) and key not in DELTA:
            place, kind = (("input",), TextKind.JSON) if key == _INPUT else ((key,), TextKind.TEXT)
            return StreamedText(place, kind, ("delta", key), value, is_done=False, item_id=item_id, index=index)
    found = _found(delta, DELTA, "delta")
    if len(found) + len(beside) > 1 and all(isinstance(value, str) for value in said.values()):
        pieces = [(each.keys[1:], each.slot.text) for each in found]
        return GroupedTexts((*pieces, *((("", *each.keys), each.slot.text) for each in beside)), item_id)
    return ToldTexts([*found, *beside], item_id, index)


def _beside(event: object, key: str) -> list[CarriedText]:
    """What an event says beside the part that makes it one."""
    return _found(event, _BESIDE_PART[key] if is_object(get(event, key)) else _BESIDE)


def _found(value: object, rules: Rules | None, key: str | None = None) -> list[CarriedText]:
    """The texts of an object, which stands under this key in its event if it is not the event itself."""
    if not is_object(value):
        return []
    walk = TextWalk(VOCABULARY)
    walk.item(value, None if key is None else (None, key), placed=rules)
    return [CarriedText(keys_of(slot.where), slot) for slot in walk.finish().everything]
