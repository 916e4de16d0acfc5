"""Which texts of a payload are parts of one message, or of one result: whoever reads it reads them as one text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from litellm_bighub.formats.payload.slots import Slot, TextKind, Where

_FIELDS: Final = frozenset({"text", "refusal", "thinking", "stdout", "stderr"})
"""The fields of parts in which somebody speaks. Those of one name are joined."""
_PARTS: Final = frozenset({"content", "system", "summary", "output"})
"""The lists of parts, in which a text may stand without an object around it."""
_OF_PAYLOAD: Final = frozenset({"content", "system"})
"""The lists of a payload itself whose elements are parts. Those of others are messages, items, tools or documents."""
_OUTPUT: Final[Where] = (None, "output")


def message_parts(slots: Sequence[Slot]) -> list[list[int]]:
    """The texts that are parts of the same, by their indices in the order in which they stand; no text is alone."""
    parts: dict[tuple[Where, str], list[int]] = {}
    for index, slot in enumerate(slots):
        key = slot.key
        if (key in _FIELDS or type(key) is int) and slot.kind is not TextKind.JSON:
            place = _list_of(slot)
            if place is not None:
                parts.setdefault(place, []).append(index)
    return [indices for indices in parts.values() if len(indices) > 1]


def _list_of(slot: Slot) -> tuple[Where, str] | None:
    """The list in which the part stands that says this, and the field in which it says it."""
    where = slot.where
    if where is None:
        return None
    if type(slot.key) is int:
        listed, field = where[0], "text"
        if listed is None or listed[1] not in _PARTS:
            return None
    else:
        owner, field = where[0], str(slot.key)
        if owner is None or type(owner[1]) is not int:
            return None
        listed = owner[0]
    if listed is None or (listed[1] not in _OF_PAYLOAD and _is_of_payload(listed[0])):
        return None
    if slot.kind is TextKind.OUTPUT_TEXT and _is_of_answer(listed):
        return _OUTPUT, field
    return listed, field


def _is_of_payload(where: Where) -> bool:
    """Whether it is a whole payload: alone, or one of a list of answers."""
    return where is None or (where[0] is None and type(where[1]) is int)


def _is_of_answer(listed: Where) -> bool:
    """Whether it is the content of a message in a Responses answer, all of whose texts clients join."""
    return listed is not None and listed[0] is not None and listed[0][0] == _OUTPUT
