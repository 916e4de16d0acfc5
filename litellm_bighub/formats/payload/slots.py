"""Texts found once, with the place they stand in, so that what a guardrail answers can be put back exactly there."""

from __future__ import annotations

import json
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from pydantic import BaseModel

from litellm_bighub.domain.payload import Payload
from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.media import replacement

Where: TypeAlias = "tuple[Where, str | int] | None"
"""A place as a chain of keys, rendered only when an error names it."""


class TextKind(Enum):
    """What has to hold for a text that a guardrail rewrote."""

    TEXT = "text"
    OUTPUT_TEXT = "output_text"
    """A text with annotations and log probabilities beside it, which have to fit it."""
    JSON = "json"
    """A JSON text, which has to stay one."""
    OBJECT = "object"
    """An object, told as a JSON text: what takes its place is read as one of its kind."""
    NAME = "name"
    """Identifiers, which stand elsewhere, too: nothing may take their place."""
    SIGNED = "signed"
    """A text that is signed: rewritten it would be refused, so the object that holds it is left out of its list."""
    TOKENS = "tokens"
    """What a field tells in another form than a text: where that is rewritten, the field is left out."""
    MEDIA = "media"
    """No text, but an image or a file, or where it is: what takes its place is one, in the shape of that place."""


@dataclass(slots=True)
class Slot:
    """One text: its value, and the owner and key by which it is written back.

    Attributes:
        owner: the dict, list or model that holds it.
        key: where in its owner it stands.
        text: as guardrails read it; that of a JSON text has no escapes that need not be there.
        kind: what has to hold for what takes its place.
        where: its place in the payload.
        within: the list that holds its owner, for a text that is left out with it.
    """

    owner: Payload
    key: str | int
    text: str
    kind: TextKind
    where: Where
    within: list[Payload] | None = None

    @property
    def path(self) -> str:
        """The place, as in `input[3].content[1].text`."""
        return render(self.where)


def _empty() -> list[Payload]:
    """`list[str]()` takes ten times as long."""
    return []


@dataclass(slots=True)
class Found:
    """Everything of a payload that a guardrail has to be handed.

    Attributes:
        slots: the texts, in the order in which they stand.
        images: URLs, data URLs or file ids.
        files: contents, URLs or ids of files and audio.
        image_slots: where the images stand, in their order.
        file_slots: where the files stand, in their order.
        hidden: places that name texts which are not here (`previous_response_id`, `encrypted_content`, …).
    """

    slots: list[Slot] = field(default_factory=_empty)
    images: list[str] = field(default_factory=_empty)
    files: list[str] = field(default_factory=_empty)
    image_slots: list[Slot] = field(default_factory=_empty)
    file_slots: list[Slot] = field(default_factory=_empty)
    hidden: list[str] = field(default_factory=_empty)

    @property
    def texts(self) -> list[str]:
        """The texts alone, in the order of `slots`."""
        return [slot.text for slot in self.slots]


def render(where: Where) -> str:
    """Write a place the way people write it."""
    keys: list[str | int] = []
    while where is not None:
        where, key = where
        keys.append(key)
    path = ""
    for key in reversed(keys):
        path += f"[{key}]" if isinstance(key, int) else f".{key}" if path else key
    return path


def stands_in(slot: Slot, outer: Slot) -> bool:
    """Whether a text is a part of what another slot tells."""
    return slot.path.startswith((f"{outer.path}.", f"{outer.path}["))


def rewrite(slots: Sequence[Slot], texts: Sequence[str]) -> int:
    """Write texts back into their slots; either all of them, or none and an error.

    Args:
        slots: as found.
        texts: one for each slot, in the same order.

    Returns:
        How many texts differ from what stood there.

    Raises:
        PayloadError: a text for a JSON field is no JSON any more. Nothing has been written.
        ValueError: not exactly one text for each slot. Nothing has been written.
    """
    verify(slots, texts)
    changed = [(slot, text) for slot, text in zip(slots, texts, strict=True) if text != slot.text]
    for slot, text in changed:
        if slot.kind is TextKind.MEDIA:
            _put_media(slot, text)
        else:
            fields.put(slot.owner, slot.key, _value(slot, text))
        if slot.kind is TextKind.OUTPUT_TEXT:
            _fit_annotations(slot.owner, slot.text, text)
        if slot.kind is TextKind.SIGNED and slot.within is not None:
            slot.within[:] = [kept for kept in slot.within if kept is not slot.owner]
        slot.text = text
    return len(changed)


def verify(slots: Sequence[Slot], texts: Sequence[str]) -> None:
    """Raise what `rewrite` would raise, and write nothing."""
    for slot, text in zip(slots, texts, strict=True):
        if text == slot.text:
            continue
        if slot.kind is TextKind.NAME or (slot.kind is TextKind.SIGNED and slot.within is None):
            raise PayloadError(slot.path, "was rewritten, but means something only as it stands")
        if not fields.is_writable(slot.owner):
            raise PayloadError(slot.path, "was rewritten, but what holds it cannot be written to")
        if slot.kind is TextKind.JSON and _is_json(slot.text) and not _is_json(text):
            raise PayloadError(slot.path, "the guardrail's rewrite is no valid JSON any more")
        if slot.kind is TextKind.OBJECT:
            _value(slot, text)
        if slot.kind is TextKind.MEDIA:
            _media(slot, text)


def _media(slot: Slot, text: str) -> Mapping[str | int, Payload]:
    """The fields that are written for an image or a file.

    Raises:
        PayloadError: it cannot stand there.
    """
    try:
        return replacement(slot.owner, slot.key, slot.text, text)
    except ValueError as error:
        raise PayloadError(slot.path, "was replaced by what cannot stand there") from error


def _put_media(slot: Slot, text: str) -> None:
    for key, value in _media(slot, text).items():
        if value is None and isinstance(slot.owner, MutableMapping):
            del slot.owner[key]
        else:
            fields.put(slot.owner, key, value)


def _value(slot: Slot, text: str) -> Payload:
    """What is written for a text.

    Raises:
        PayloadError: it cannot stand there.
    """
    if slot.kind is TextKind.TOKENS:
        return None
    if slot.kind is not TextKind.OBJECT:
        return text
    before: Payload = slot.owner[slot.key] if isinstance(slot.key, int) else fields.get(slot.owner, slot.key)
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
        if isinstance(before, BaseModel):
            return type(before).model_validate(value)
    except (ValueError, RecursionError) as error:
        raise PayloadError(slot.path, "the guardrail's rewrite is none of its kind any more") from error
    if not isinstance(value, type(before)):
        raise PayloadError(slot.path, f"the guardrail made a {type(value).__name__} of a {type(before).__name__}")
    return value


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse_constant(name: str) -> None:
    """`NaN` and `Infinity`, which Python reads and JSON does not know."""
    raise ValueError(name)


def _fit_annotations(part: object, before: str, after: str) -> None:
    """Drop annotations that no longer point at what they were made for, and the tokens of the text that is gone."""
    annotations = fields.get(part, "annotations")
    if annotations:
        fields.put(part, "annotations", [kept for kept in annotations if still_fits(kept, before, after)])
    if fields.get(part, "logprobs"):
        fields.put(part, "logprobs", [])


def still_fits(annotation: object, before: str, after: str) -> bool:
    """Whether an annotation's offsets mean the same in the rewritten text. One without offsets always fits."""
    end = fields.get(annotation, "end_index")
    if end is None:  # chat completions have them one level deeper
        end = fields.get(fields.get(annotation, "url_citation"), "end_index")
    return not isinstance(end, int) or before[:end] == after[:end]
