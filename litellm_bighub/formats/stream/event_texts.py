"""What an event of a stream tells of texts: each format reads its own events into one of these.

A text of a stream is told up to four times: in deltas, in an event that ends it, in the item that it stands in, and in
the whole answer. All of them name the same *place* in the same item, so that they get one answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias, cast

from litellm_bighub.domain.payload import Payload
from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.payload.copies import with_fields, without
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.payload.slots import (
    NO_TEXTS,
    TWICE,
    Slot,
    TextKind,
    Where,
    media_fields,
    still_fits,
    value_of,
)

Place: TypeAlias = tuple[str | int, ...]
"""Where a text stands in its item, or the way from an event to it."""


@dataclass(frozen=True, slots=True)
class CarriedText:
    """A text that an event carries whole.

    Attributes:
        keys: the way from the event to it.
        place: where it stands in its item, `None` if in none.
        index: the item's place in the answer that the event carries.
        item_id: the item's id in that answer.
        joins: whether it is all output texts of the same event once more, joined.
    """

    keys: Place
    slot: Slot
    place: Place | None = None
    index: int | None = None
    item_id: str = ""
    joins: bool = False


@dataclass(frozen=True, slots=True)
class StreamedText:
    """A delta of a text, or what ends it.

    Attributes:
        place: where the text stands in its item.
        keys: the way from the event to what it tells; empty if it only ends the text.
        text: what it tells; with `is_done` the whole text.
        item_id: the item's id, if the event names it.
        index: the item's place, if the event names it.
    """

    place: Place
    kind: TextKind
    keys: Place
    text: str
    is_done: bool
    item_id: str = ""
    index: int | None = None


@dataclass(frozen=True, slots=True)
class ToldTexts:
    """Texts told whole.

    Attributes:
        ends: texts of the item whose places begin so get no more deltas; `None` ends none.
        call: the item, if it is a finished call.
    """

    texts: list[CarriedText]
    item_id: str = ""
    index: int | None = None
    ends: Place | None = None
    call: object = None


@dataclass(frozen=True, slots=True)
class AnnouncedTexts:
    """Texts of an item that begins: deltas may tell more of them, or the same again.

    Attributes:
        call: the item, if it is a call.
    """

    texts: list[CarriedText]
    item_id: str = ""
    index: int | None = None
    call: object = None


@dataclass(frozen=True, slots=True)
class PieceTexts:
    """Pieces of texts that a later event tells whole."""

    texts: list[CarriedText]
    item_id: str = ""
    index: int | None = None


@dataclass(frozen=True, slots=True)
class AnnotationTexts:
    """An annotation of a text that deltas tell.

    Attributes:
        place: of the annotated text.
        end: where in that text the annotation ends, `None` if it does not say so.
    """

    texts: list[CarriedText]
    place: Place
    end: int | None
    item_id: str = ""
    index: int | None = None


@dataclass(frozen=True, slots=True)
class LastTexts:
    """What the last event of a stream tells.

    Attributes:
        answer: the whole answer, if it carries one.
    """

    texts: list[CarriedText]
    answer: object = None


@dataclass(frozen=True, slots=True)
class GroupedTexts:
    """Pieces of texts that cannot be rewritten one by one: the event leaves as it is, or not at all.

    Attributes:
        pieces: each text's place in the item, and what the event adds to it.
        item_id: the item's.
        beside: the item and the place of a text that the event tells of; it is dropped with what no longer fits.
        end: where in that text the last of what it tells of ends; `None` if all of it counts.
        index: the item's place, if the event names it.
    """

    pieces: tuple[tuple[Place, str], ...]
    item_id: str
    beside: tuple[str, Place] | None = None
    end: int | None = None
    index: int | None = None


EventTexts: TypeAlias = (
    StreamedText | ToldTexts | AnnouncedTexts | PieceTexts | AnnotationTexts | GroupedTexts | LastTexts
)


def keys_of(where: Where) -> Place:
    """A place as the keys on the way to it."""
    keys: list[str | int] = []
    while where is not None:
        where, key = where
        keys.append(key)
    return tuple(reversed(keys))


def with_delta(owner: object, keys: Place, text: str) -> object:
    """A copy in which a delta tells this text; the log probabilities beside it are those of another one."""
    key, *rest = keys
    fields: dict[str | int, object] = {key: with_delta(_member(owner, key), tuple(rest), text) if rest else text}
    if get(owner, "logprobs"):
        fields["logprobs"] = None if rest else []
    return _with_members(owner, fields)


def with_texts(owner: object, changes: Iterable[tuple[Place, Slot, str]]) -> object:
    """A copy in which these texts are different. Only what stands on the way to them is copied.

    Raises:
        PayloadError: two of them stand in one place.
    """
    below: dict[str | int, list[tuple[Place, Slot, str]]] = {}
    fields: dict[str | int, object] = {}
    rewritten: tuple[Slot, str] | None = None
    for keys, slot, value in changes:
        if len(keys) == 1 and keys[0] in fields:
            raise PayloadError(slot.path, TWICE)
        if len(keys) == 1 and slot.kind in NO_TEXTS:
            media = media_fields(slot, value)
            owner = without(owner, *(str(key) for key, told in media.items() if told is None))
            fields |= {key: told for key, told in media.items() if told is not None}
        elif len(keys) == 1:
            fields[keys[0]] = value_of(slot, value)
            if slot.kind is TextKind.OUTPUT_TEXT:
                rewritten = (slot, value)
        else:
            below.setdefault(keys[0], []).append((keys[1:], slot, value))
    for key, deeper in below.items():
        fields[key] = with_texts(_member(owner, key), deeper)
    if rewritten is not None:
        _fit(owner, *rewritten, fields)
    return _with_members(owner, fields)


def _with_members(owner: object, fields: dict[str | int, object]) -> object:
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
