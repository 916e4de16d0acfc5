"""Which item of a stream an event is about. Ids and indices of a stream may be missing, repeat or differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

from litellm_bighub.formats.stream.event_texts import CarriedText, Place
from litellm_bighub.formats.stream.lanes import NO_ITEM
from litellm_bighub.formats.stream.text_part import TextPart


class CallState(Enum):
    """How far an item has come as a tool call."""

    NONE = auto()
    """It is none, as far as anybody knows."""
    ANNOUNCED = auto()
    ASKED = auto()
    ANSWERED = auto()


@dataclass(slots=True, eq=False)
class Item:
    """What is known of an item.

    Attributes:
        index: its place in the output.
        id: as events name it.
        parts: its texts that deltas tell, by their places.
        call: how it was announced, if it is a tool call.
        call_state: how far it has come as a call.
    """

    index: int
    id: str = ""
    parts: dict[Place, TextPart] = field(default_factory=dict)
    call: object = None
    call_state: CallState = CallState.NONE


class Items:
    """All items of a stream.

    Attributes:
        none: stands for the stream itself, where an event names no item.
    """

    def __init__(self) -> None:
        self.none = Item(NO_ITEM)
        self._by_index: dict[int, Item] = {}
        self._by_id: dict[str, Item] = {}
        self._next = 0

    def of(self, item_id: str, index: int | None) -> Item:
        """The item that an event names, perhaps a new one."""
        if not item_id and index is None:
            return self.none
        item = self._known(item_id, index)
        if item is None:
            item = Item(self._next if index is None else index)
            self._by_index[item.index] = item
            self._next = max(self._next, item.index + 1)
        if item_id:
            item.id = item.id or item_id
            self._by_id[item_id] = item
        return item

    def all(self) -> Iterator[Item]:
        """Every item of the stream, in their order."""
        yield from self._by_index.values()

    def part_at(self, item: Item, found: CarriedText) -> TextPart | None:
        """The text that deltas told at this place, of the event's item or of one in its envelope."""
        known = item if found.index is None else self._known(found.item_id, found.index)
        return None if known is None or found.place is None else known.parts.get(found.place)

    def _known(self, item_id: str, index: int | None) -> Item | None:
        """The item of this id, or else of this index unless that has another id."""
        if item_id in self._by_id:
            return self._by_id[item_id]
        item = None if index is None else self._by_index.get(index)
        return None if item is not None and item_id and item.id else item
