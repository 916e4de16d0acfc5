"""Task mappings: the tuples by which the override points say where a text came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from litellm_bighub.domain.payload import Payload
from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.slots import Slot, TextKind, Where, render


class TaskMapping(tuple[Any, ...]):  # noqa: SLOT001 - a tuple with slots can hold no attribute
    """`(item index, content index)`, `(item index, None)` for an item's only text, or `(item index, path)`.

    A tuple like those of the first release, which also remembers its slot.
    """

    slot: Slot

    @classmethod
    def of(cls, slot: Slot, index: int) -> TaskMapping:
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
            return render(where)


def slot_at(items: Sequence[Payload], mapping: tuple[Any, ...], root: str) -> Slot:
    """The slot that a mapping means, also one that a subclass made by hand.

    Raises:
        PayloadError: the mapping means no text.
    """
    if isinstance(mapping, TaskMapping):
        return mapping.slot
    match mapping:
        case int(index), int() | None as part:
            pass
        case _:
            raise PayloadError(root, "a task mapping is no pair of an item's index and a part's")
    where: Where = (((None, root), index), "content")
    item = _element(items, index)
    content = fields.get(item, "content")
    if part is None:
        if isinstance(content, str):
            return Slot(item, "content", content, TextKind.TEXT, where)
        raise PayloadError(f"{root}[{index}].content", "a task mapping points here, but there is no text")
    owner = _element(content, part)
    text = fields.get(owner, "text")
    if not isinstance(text, str):
        raise PayloadError(f"{root}[{index}].content[{part}]", "a task mapping points here, but there is no text")
    kind = TextKind.OUTPUT_TEXT if fields.get(owner, "type") == "output_text" else TextKind.TEXT
    return Slot(owner, "text", text, kind, ((where, part), "text"))


def _element(elements: object, index: int) -> Payload:
    if not isinstance(elements, (list, tuple)) or not 0 <= index < len(cast("Sequence[Payload]", elements)):
        return None
    return cast("Sequence[Payload]", elements)[index]
