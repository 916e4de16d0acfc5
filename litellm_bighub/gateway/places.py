"""Task mappings: the tuples by which the override points say where a text came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litellm_bighub.errors import PayloadError
from litellm_bighub.wire import fields
from litellm_bighub.wire.slots import Kind, Slot, Where


class Place(tuple[Any, ...]):  # noqa: SLOT001 - a tuple with slots can hold no attribute
    """`(item index, content index)`, `(item index, None)` for an item's only text, or `(item index, path)`.

    A tuple like those of the first release, which also remembers its slot.
    """

    slot: Slot

    @classmethod
    def of(cls, slot: Slot, index: int) -> Place:
        """The place of a slot found in the item at `index`."""
        place = cls((index, _second(slot.where)))
        place.slot = slot
        return place

    @property
    def is_classic(self) -> bool:
        """Whether the first release's override points would know what it means."""
        return not isinstance(self[1], str)


def _second(where: Where) -> int | str | None:
    match where:
        case ((_, "content"), int(part)), "text":
            return part
        case (_, int()), "content":
            return None
        case _:
            keys: list[str] = []
            while where is not None and len(keys) < 3:
                where, key = where
                keys.append(str(key))
            return ".".join(reversed(keys))


def slot_at(items: Sequence[Any], mapping: tuple[Any, ...], root: str) -> Slot:
    """The slot that a mapping means, also one that a subclass made by hand.

    Raises:
        PayloadError: the mapping means no text.
    """
    if isinstance(mapping, Place):
        return mapping.slot
    index, part = mapping
    where: Where = (((None, root), index), "content")
    item = items[index]
    content = fields.get(item, "content")
    if part is None:
        if isinstance(content, str):
            return Slot(item, "content", content, Kind.TEXT, where)
        raise PayloadError(f"{root}[{index}].content", "a task mapping points here, but there is no text")
    text = fields.get(content[part], "text")
    if not isinstance(text, str):
        raise PayloadError(f"{root}[{index}].content[{part}]", "a task mapping points here, but there is no text")
    kind = Kind.OUTPUT_TEXT if fields.get(content[part], "type") == "output_text" else Kind.TEXT
    return Slot(content[part], "text", text, kind, ((where, part), "text"))
