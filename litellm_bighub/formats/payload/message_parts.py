"""Which texts of a payload are parts of one message, or of one result: whoever reads it reads them as one text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from litellm_bighub.formats.payload.slots import Found, Slot, TextKind, Where

_FIELDS: Final = frozenset({"text", "refusal", "thinking", "stdout", "stderr"})
"""The fields of parts in which somebody speaks. Those of one name are joined."""
_PARTS: Final = frozenset({"content", "system", "summary", "output"})
"""The lists of parts, in which a text may stand without an object around it."""
_OF_PAYLOAD: Final = frozenset({"content", "system"})
"""The lists of a payload itself whose elements are parts. Those of others are messages, items, tools or documents."""
_JSON, _OUTPUT_TEXT = TextKind.JSON, TextKind.OUTPUT_TEXT
_List: TypeAlias = tuple[Where, str]
_OUTPUT: Final[Where] = (None, "output")


def message_parts(slots: Sequence[Slot]) -> list[list[int]]:
    """The texts that are parts of the same, by their indices in the order in which they stand; no text is alone."""
    parts: dict[_List, list[int]] = {}
    for index, slot in enumerate(slots):
        _add(parts, index, slot.key, slot.kind, slot.where)
    return [indices for indices in parts.values() if len(indices) > 1]


def parts_of(found: Found) -> list[list[int]]:
    """The same, of all texts that were found. No slots are made for it."""
    run = found.run
    if run is not None:
        is_message = run.key in _FIELDS and _list_of(run.key, run.kind, ((run.where, 0), run.key)) is not None
        return [[*range(len(found.said))]] if is_message and len(found.said) > 1 else []
    if len(found.told) != len(found.texts):
        return message_parts(found.slots)
    parts: dict[_List, list[int]] = {}
    last: tuple[Where, str | int, TextKind] | None = None
    same: list[int] = []
    for index, (_, key, kind, where, at, _) in enumerate(found.told):
        if key not in _FIELDS and type(key) is not int:
            continue
        if at is not None and last is not None and where is last[0] and key == last[1] and kind is last[2]:
            same.append(index)  # the next part of the same list
            continue
        same = _add(parts, index, key, kind, (where if at is None else (where, at), key))
        last = None if at is None else (where, key, kind)
    return [indices for indices in parts.values() if len(indices) > 1]


def _add(parts: dict[_List, list[int]], index: int, key: str | int, kind: TextKind, where: Where) -> list[int]:
    """Put a text to those that stand in the same list; none of them if it is no part."""
    place = _list_of(key, kind, where) if key in _FIELDS or type(key) is int else None
    if place is None or kind is _JSON:
        return []
    same = parts.setdefault(place, [])
    same.append(index)
    return same


def _list_of(key: str | int, kind: TextKind, where: Where) -> _List | None:
    """The list in which the part stands that says this, and the field in which it says it."""
    if where is None:
        return None
    if type(key) is int:
        listed, field = where[0], "text"
        if listed is None or listed[1] not in _PARTS:
            return None
    else:
        owner, field = where[0], str(key)
        if owner is None or type(owner[1]) is not int:
            return None
        listed = owner[0]
    if listed is None or (listed[1] not in _OF_PAYLOAD and _is_of_payload(listed[0])):
        return None
    if kind is _OUTPUT_TEXT and _is_of_answer(listed):
        return _OUTPUT, field
    return listed, field


def _is_of_payload(where: Where) -> bool:
    """Whether it is a whole payload: alone, or one of a list of answers."""
    return where is None or (where[0] is None and type(where[1]) is int)


def _is_of_answer(listed: Where) -> bool:
    """Whether it is the content of a message in a Responses answer, all of whose texts clients join."""
    return listed is not None and listed[0] is not None and listed[0][0] == _OUTPUT
