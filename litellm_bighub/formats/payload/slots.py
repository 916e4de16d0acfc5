"""Texts found once, with the place they stand in, so that what a guardrail answers can be put back exactly there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple, TypeAlias

from pydantic import BaseModel

from litellm_bighub.domain.payload import Payload
from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.file_texts import with_file_text
from litellm_bighub.formats.payload.media import replacement

Where: TypeAlias = "tuple[Where, str | int] | None"
"""A place as a chain of keys, rendered only when an error names it."""


class TextKind(Enum):
    """What has to hold for a text that a guardrail rewrote."""

    __hash__ = object.__hash__  # that of enums is a function of Python's

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
    IMAGE = "image"
    """No text, but an image, or where it is: what takes its place is one, in the shape of that place."""
    MEDIA = "media"
    """The same of a file that is no image."""
    FILE = "file"
    """The text of a file: what takes its place is written in the file's encoding."""


_TEXT, _OUTPUT_TEXT, _JSON, _OBJECT = TextKind.TEXT, TextKind.OUTPUT_TEXT, TextKind.JSON, TextKind.OBJECT
_NAME, _SIGNED, _TOKENS = TextKind.NAME, TextKind.SIGNED, TextKind.TOKENS
_FILE: Final = TextKind.FILE
TWICE: Final = "was rewritten in two ways, as where it is both a text and a file"
NO_TEXTS: Final = (TextKind.IMAGE, TextKind.MEDIA)
"""The kinds of slots that guardrails are handed apart from texts, in this order."""


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


Told: TypeAlias = "tuple[Payload, str | int, TextKind, Where, int | None, list[Payload] | None]"
"""All of a slot but its text: owner, key, kind, the owner's place (of a list, and in that), the list that holds it.

Most texts are written back as they are, and never need more.
"""

LoneText: TypeAlias = "tuple[str, Told]"
"""The only text of a payload, and what its slot would say."""


class SlotRun(NamedTuple):
    """Texts that stand in the same field of each element of a list, as those of plain messages and blocks.

    Attributes:
        owners: what holds them.
        key: the field.
        kind: what has to hold for what takes their places.
        where: the place of the list.
        below: the field of an element that holds the owner, if that is not the element itself.
    """

    owners: Sequence[Payload]
    key: str
    kind: TextKind
    where: Where
    below: str | None = None

    @property
    def told(self) -> Iterable[Told]:
        """What their slots will say."""
        owners, key, kind, where, below = self
        if below is None:
            return [(owner, key, kind, where, index, None) for index, owner in enumerate(owners)]
        return [(owner, key, kind, ((where, index), below), None, None) for index, owner in enumerate(owners)]


class Found:
    """Everything of a payload that a guardrail has to be handed.

    Args:
        slots: texts.
        images: URLs, data URLs or file ids.
        files: contents, URLs or ids of files and audio.
        image_slots: where the images stand, in their order.
        file_slots: where the files stand, in their order.
        hidden: places that name texts which are not here (`previous_response_id`, `encrypted_content`, …).

    Attributes:
        said: texts that have no slot yet; a walk adds to it.
        run: what their slots will say, as long as all of them are one run, and nobody has asked for `told`.
        is_said: whether the conversation is texts and nothing else, so that there are no calls in it.
    """

    __slots__ = ("_slots", "_told", "file_slots", "files", "hidden", "image_slots", "images", "is_said", "run", "said")

    def __init__(
        self,
        slots: Iterable[Slot] = (),
        images: list[str] | None = None,
        files: list[str] | None = None,
        image_slots: list[Slot] | None = None,
        file_slots: list[Slot] | None = None,
        hidden: list[str] | None = None,
    ) -> None:
        self._slots = [*slots]
        self.said: list[str] = []
        self._told: list[Told] = []
        self.run: SlotRun | None = None
        self.is_said = False
        self.images: list[str] = [] if images is None else images
        self.files: list[str] = [] if files is None else files
        self.image_slots: list[Slot] = [] if image_slots is None else image_slots
        self.file_slots: list[Slot] = [] if file_slots is None else file_slots
        self.hidden: list[str] = [] if hidden is None else hidden

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Found):
            return NotImplemented
        return self._everything == other._everything

    __hash__ = None  # type: ignore[assignment] # it changes while a walk adds to it

    @property
    def _everything(self) -> tuple[object, ...]:
        return self.slots, self.images, self.files, self.image_slots, self.file_slots, self.hidden

    @property
    def slots(self) -> list[Slot]:
        """The texts, in the order in which they stand."""
        if self.said:
            self._slots += map(slot_of, self.said, self.told)
            self.said.clear()
            self._told.clear()
        return self._slots

    @property
    def texts(self) -> list[str]:
        """The texts alone, in the order of `slots`."""
        return [*(slot.text for slot in self._slots), *self.said] if self._slots else [*self.said]

    @property
    def everything(self) -> list[Slot]:
        """The slots of texts, of images and of files, in this order."""
        return [*self.slots, *self.image_slots, *self.file_slots]

    def add(
        self,
        owner: Payload,
        key: str | int,
        text: str,
        kind: TextKind,
        where: Where,
        within: list[Payload] | None = None,
    ) -> None:
        """Take one more text, with what its slot says."""
        self.said.append(text)
        self.told.append((owner, key, kind, None if where is None else where[0], None, within))

    def add_run(self, texts: Iterable[str], run: SlotRun) -> None:
        """Take the texts of a run."""
        if self.said or self._slots:
            self.told.extend(run.told)
        else:
            self.run = run
        self.said += texts

    @property
    def told(self) -> list[Told]:
        """What the slots of `said` will say, in the same order; a walk adds to it."""
        if self.run is not None:
            self._told += self.run.told
            self.run = None
        return self._told

    def rewrite(self, texts: Sequence[str]) -> None:
        """Write texts back, as `rewrite` does, of which those that did not change need no slots.

        Args:
            texts: one for each, in the same order; what there is more of them is of no concern.

        Raises:
            PayloadError: a text cannot stand where it would. Nothing has been written.
        """
        if not self._slots and texts == self.said:
            return
        if self.run is not None and self._rewrite_run(self.run, texts):
            return
        given = iter(texts)
        changed = [(slot, text) for slot, text in zip(self._slots, given, strict=False) if text != slot.text]
        plain: list[tuple[dict[Any, Any], Any, str]] = []
        places: dict[tuple[int, str | int], tuple[TextKind, str]] = {}
        for text, said, told in zip(given, self.said, self.told, strict=False):
            if text == said:
                continue
            held = fields.held(told[0], told[1]) if told[2] is _TEXT else None
            if held is None:
                changed.append((slot_of(said, told), text))
            else:
                plain.append((held, told[1], text))
                places[id(told[0]), told[1]] = (_TEXT, text)
        ways = ((slot, (slot.kind, text)) for slot, text in changed)
        twice = next((slot for slot, way in ways if places.get((id(slot.owner), slot.key), way) != way), None)
        if twice is not None:
            raise PayloadError(twice.path, TWICE)
        if changed:
            rewrite([slot for slot, _ in changed], [text for _, text in changed])
        for held, key, text in plain:
            held[key] = text
        if self.said:
            self.said[:] = texts[len(self._slots) : len(self._slots) + len(self.said)]

    def _rewrite_run(self, run: SlotRun, texts: Sequence[str]) -> bool:
        """Write texts back into a run; `False` if there is more to do than that, and nothing was written."""
        held = fields.held_by_all(run.owners, run.key) if run.kind is _TEXT else None
        if held is None:
            return False
        for owner, text, said in zip(held, texts, self.said, strict=False):
            if text != said:
                owner[run.key] = text
        self.said[:] = texts[: len(self.said)]
        return True


def slot_of(text: str, told: Told) -> Slot:
    """The slot of a text."""
    owner, key, kind, where, at, within = told
    return Slot(owner, key, text, kind, (where if at is None else (where, at), key), within)


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
    for slot, text in {(id(slot.owner), slot.key): (slot, text) for slot, text in changed}.values():
        if slot.kind in NO_TEXTS:
            _put_media(slot, text)
        else:
            fields.put(slot.owner, slot.key, value_of(slot, text))
        if slot.kind is _OUTPUT_TEXT:
            _fit_annotations(slot.owner, slot.text, text)
        if slot.kind is _SIGNED and slot.within is not None:
            slot.within[:] = [kept for kept in slot.within if kept is not slot.owner]
    for slot, text in changed:
        slot.text = text
    return len(changed)


def verify(slots: Sequence[Slot], texts: Sequence[str]) -> None:
    """Raise what `rewrite` would raise, and write nothing."""
    written: dict[tuple[int, str | int], tuple[TextKind, str]] = {}
    for slot, text in zip(slots, texts, strict=True):
        if text == slot.text:
            continue
        # The same object may stand in a payload twice, as of a caller in code who says a message again.
        if written.setdefault((id(slot.owner), slot.key), (slot.kind, text)) != (slot.kind, text):
            raise PayloadError(slot.path, TWICE)
        if slot.kind is _NAME or (slot.kind is _SIGNED and slot.within is None):
            raise PayloadError(slot.path, "was rewritten, but means something only as it stands")
        if not fields.is_writable(slot.owner):
            raise PayloadError(slot.path, "was rewritten, but what holds it cannot be written to")
        if slot.kind is _JSON and _is_json(slot.text) and not _is_json(text):
            raise PayloadError(slot.path, "the guardrail's rewrite is no valid JSON any more")
        if slot.kind is _OBJECT or slot.kind is _FILE:
            value_of(slot, text)
        if slot.kind in NO_TEXTS:
            media_fields(slot, text)


def media_fields(slot: Slot, text: str) -> Mapping[str | int, Payload]:
    """The fields that are written for an image or a file, with `None` for those that are left out.

    Raises:
        PayloadError: it cannot stand there.
    """
    try:
        return replacement(slot.owner, slot.key, slot.text, text)
    except ValueError as error:
        raise PayloadError(slot.path, "was replaced by what cannot stand there") from error


def _put_media(slot: Slot, text: str) -> None:
    for key, value in media_fields(slot, text).items():
        if value is None and isinstance(slot.owner, MutableMapping):
            del slot.owner[key]
        else:
            fields.put(slot.owner, key, value)


def value_of(slot: Slot, text: str) -> Payload:
    """What is written for a text.

    Raises:
        PayloadError: it cannot stand there.
    """
    if slot.kind is not _OBJECT and slot.kind is not _TOKENS and slot.kind is not _FILE:
        return text
    before: Payload = slot.owner[slot.key] if isinstance(slot.key, int) else fields.get(slot.owner, slot.key)
    if slot.kind is _FILE:
        try:
            return with_file_text(slot.owner, slot.key, before, text)
        except ValueError as error:
            raise PayloadError(slot.path, "the guardrail's rewrite cannot stand in this file") from error
    if slot.kind is _TOKENS:
        return [] if isinstance(before, (list, tuple)) else None
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
