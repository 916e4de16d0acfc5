"""One walk over a payload that finds every text with its place, by the tables of the payload's format.

It does not matter what the payload is made of: dicts, models of openai or LiteLLM, all mixed. Nothing is copied and
nothing is changed, with one exception: a tuple has to become a list, since nothing can be put back into a tuple.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Final, cast

from pydantic import BaseModel

from litellm_bighub.domain.payload import JsonMapping, Payload
from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.field_rules import (
    SCHEMA_CHOICES,
    SCHEMA_KEYWORDS,
    SCHEMA_MEANINGS,
    SCHEMA_NAMES,
    SCHEMA_VALUES,
    FieldRule,
    Rules,
    Vocabulary,
)
from litellm_bighub.formats.payload.file_texts import file_text, is_data_url
from litellm_bighub.formats.payload.json_escapes import unescaped
from litellm_bighub.formats.payload.nested import nested
from litellm_bighub.formats.payload.opaque_texts import readable, tokens
from litellm_bighub.formats.payload.slots import Found, Slot, SlotRun, TextKind, Where, render

MAX_DEPTH: Final = 64
_NAMED: Final = (SCHEMA_MEANINGS | SCHEMA_CHOICES) - {"type"}
_NO_CONTENT: Final = frozenset({"detail", "format", "type"})
_TOKENS_ALONE: Final = "holds numbers of tokens, which no guardrail can read; send it as text"
# Members of enums take several times as long to look up as names of a module.
_OPAQUE, _TEXT, _OUTPUT_TEXT = FieldRule.OPAQUE, FieldRule.TEXT, FieldRule.OUTPUT_TEXT
_FREE, _JSON, _SCHEMA, _NAME = FieldRule.FREE, FieldRule.JSON, FieldRule.SCHEMA, FieldRule.NAME
_TOKENS, _IMAGE, _FILE, _HIDDEN = FieldRule.TOKENS, FieldRule.IMAGE, FieldRule.FILE, FieldRule.HIDDEN
_TEXT_KIND, _OUTPUT_TEXT_KIND, _TOKENS_KIND = TextKind.TEXT, TextKind.OUTPUT_TEXT, TextKind.TOKENS
_PROMPT: Final = FieldRule.PROMPT
_JSON_KIND, _SIGNED_KIND, _FILE_KIND = TextKind.JSON, TextKind.SIGNED, TextKind.FILE
_APART: Final = FieldRule.APART
_ATOMS: Final = frozenset({str, int, float})
_NUMBERS: Final = frozenset({int, float})
_KINDS: Final = {
    _TEXT: TextKind.TEXT,
    _FREE: TextKind.TEXT,
    _SCHEMA: TextKind.TEXT,
    _OUTPUT_TEXT: TextKind.OUTPUT_TEXT,
    _JSON: TextKind.JSON,
    FieldRule.SIGNED: TextKind.SIGNED,
}
_NOT_SAID: Final = object()
_HERE: Final[Where] = (None, "names")


class TextWalk:
    """One walk; collects into `found`.

    Args:
        vocabulary: the format's.

    Attributes:
        found: what it has come upon.
        names: identifiers that it has come upon; `finish` makes one text of them.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.found = Found()
        self._vocabulary = vocabulary
        self._plain_text = vocabulary.plain_text or _NOT_SAID
        self.names: dict[str, None] = {}

    def finish(self) -> Found:
        """All that was found. Names are one text, in which nothing may be rewritten."""
        if self.names:
            self.found.add(None, "names", "\n".join(self.names), TextKind.NAME, _HERE)
            self.names = {}
        return self.found

    def item(  # noqa: C901 - a call for each field would take longer than all else here
        self,
        value: Payload,
        where: Where,
        depth: int = 0,
        untyped: Rules | None = None,
        *,
        placed: Rules | None = None,
        within: list[Payload] | None = None,
    ) -> None:
        """An object whose `type` says what its fields are.

        Args:
            value: the object.
            where: its place.
            depth: how deep it stands.
            untyped: the rules for one without a type, if not those of the vocabulary.
            placed: the rules of whatever stands at this place, of any type.
            within: the list that it stands in.
        """
        if depth > MAX_DEPTH:
            raise PayloadError(render(where), f"is nested more than {MAX_DEPTH} levels deep")
        known = self._vocabulary
        members = fields.members(value)
        kind = members.get("type")
        if kind == "item_reference":
            self.found.hidden.append(render(where))
        rules = self._rules(kind, untyped) if placed is None else placed
        untyped = self._untyped_within(rules, members)
        # Values are written while this goes over them, keys never: neither a dict nor a model minds.
        for key, child in members.items():
            if child is None or child is True or child is False:
                continue
            rule = rules.get(key)
            if rule is _OPAQUE and type(child) in _ATOMS:
                continue
            if type(child) is str and (rule is None or rule is _OUTPUT_TEXT or rule is _TEXT):
                if rule is None and child.lstrip()[4:5] == ":":
                    self._data_url(value, key, child, (where, key))
                if child and not (rule is None and known.opaque_ids and key.endswith("_id")):  # the most common field
                    kind_of_text = _OUTPUT_TEXT_KIND if rule is _OUTPUT_TEXT else _TEXT_KIND
                    self.found.said.append(child)
                    self.found.told.append((value, key, kind_of_text, where, None, None))
            elif rule is None:
                if type(child) not in _NUMBERS or key in known.text_fields:
                    self.field(value, key, child, _TEXT, where, depth, untyped, within)
            else:
                self.ruled(value, key, child, rule, where, depth, untyped, within)

    def _untyped_within(self, rules: Rules, members: JsonMapping) -> Rules:
        """The rules of objects without a type in an object with these. In an unknown one, keys are anybody's words."""
        if rules is not self._vocabulary.unknown:
            return self._vocabulary.untyped
        known = rules.keys() | self._vocabulary.text_fields
        self.names.update((str(key), None) for key, child in members.items() if child and key not in known)
        return rules

    def _rules(self, kind: object, untyped: Rules | None) -> Rules:
        known = self._vocabulary
        if isinstance(kind, str):
            return known.types.get(kind, known.unknown)
        return known.untyped if untyped is None else untyped

    def ruled(
        self,
        owner: Payload,
        key: str,
        value: object,
        rule: FieldRule | Rules,
        where: Where,
        depth: int = 0,
        untyped: Rules | None = None,
        within: list[Payload] | None = None,
    ) -> None:
        """One field, by its rule or by the rules of the objects that it holds."""
        if not isinstance(rule, FieldRule):
            self.placed(owner, key, value, rule, where, depth)
        elif rule is _OPAQUE:
            self.opaque(owner, key, value, where, depth)
        elif rule is not _APART:
            self.field(owner, key, value, rule, where, depth, untyped, within)

    def opaque(self, owner: Payload, key: str | int, value: object, where: Where, depth: int = 0) -> None:
        """A field that is no text: what objects hold there, in lists or alone, may be one all the same."""
        if isinstance(value, (list, tuple, Iterator)):
            elements = _as_list(owner, key, cast("list[Payload] | tuple[Payload, ...]", value))
            if any(type(each) not in _ATOMS for each in elements):
                for index, child in enumerate(elements):
                    self.opaque(elements, index, child, (where, key), depth + 1)
        elif fields.is_object(value):
            self.item(value, (where, key), depth + 1, self._vocabulary.unknown)

    def placed(self, owner: Payload, key: str | int, value: object, rules: Rules, where: Where, depth: int = 0) -> None:
        """A field whose objects, in lists or alone, have these rules. What stands there in their place is text."""
        where = (where, key)
        if fields.is_object(value):
            self.item(value, where, depth + 1, placed=rules)
        elif isinstance(value, (list, tuple)):
            elements = _as_list(owner, key, cast("list[Payload] | tuple[Payload, ...]", value))
            for index, child in enumerate(elements):
                self.placed_element(elements, index, child, rules, where, depth)
        else:
            self._nested(owner, key, value, where, depth, untyped=None)

    def placed_element(
        self, elements: list[Payload], index: int, child: Payload, rules: Rules, where: Where, depth: int
    ) -> None:
        """An element of a list whose objects have these rules."""
        if fields.is_object(child):
            self.item(child, (where, index), depth + 1, placed=rules, within=elements)
        else:
            self._nested(elements, index, child, (where, index), depth + 1, untyped=None)

    def field(
        self,
        owner: Payload,
        key: str,
        value: object,
        rule: FieldRule,
        where: Where,
        depth: int = 0,
        untyped: Rules | None = None,
        within: list[Payload] | None = None,
    ) -> None:
        """One field, by its rule. Empty values hold no text."""
        if not value:
            return
        where = (where, key)
        if key in self._vocabulary.text_fields:
            untyped = self._vocabulary.unknown  # an object where a text is meant: no field is known to be anything else
        if rule is _TOKENS:
            self._tokens(owner, key, value, where)
        elif rule is _PROMPT:
            if not isinstance(value, str) and _tells_tokens(value):
                raise PayloadError(render(where), _TOKENS_ALONE)
            self._nested(owner, key, value, where, depth, untyped=None)
        elif rule is _NAME:
            self.names.update(dict.fromkeys(_strings(value)))
        elif rule is _IMAGE or rule is _FILE:
            self._media(owner, key, value, rule, where, depth)
        elif rule is _SCHEMA and not isinstance(value, str):
            self.schema(value, where)
        elif isinstance(value, str):
            self._string(owner, key, value, rule, where, within)
        else:
            self._objects(owner, key, value, rule, where, depth, untyped or self._vocabulary.untyped)

    def _objects(
        self, owner: Payload, key: str, value: object, rule: FieldRule, where: Where, depth: int, untyped: Rules
    ) -> None:
        if rule is _FREE or rule is _JSON:
            self._nested(owner, key, value, where, depth, untyped=None)
        elif isinstance(value, (list, tuple)):
            if type(value) is not list or not self._are_said(cast("list[Payload]", value), where):
                self._nested(owner, key, value, where, depth, untyped=untyped)
        elif fields.is_object(value):
            self.item(value, where, depth + 1, untyped)
        elif key in self._vocabulary.text_fields or not isinstance(value, (int, float)):
            raise PayloadError(render(where), f"is a {type(value).__name__}, not a text")

    def _string(
        self,
        owner: Payload,
        key: str | int,
        value: str,
        rule: FieldRule,
        where: Where,
        within: list[Payload] | None = None,
    ) -> None:
        if rule is _HIDDEN:
            self._hidden(owner, key, value, where)
            return
        kind = _KINDS[rule]
        if kind is _JSON_KIND:
            value = unescaped(value)
        elif kind is _SIGNED_KIND and not fields.get(owner, "signature"):
            kind = _TEXT_KIND
        self.found.add(owner, key, value, kind, where, within)

    def _hidden(self, owner: Payload, key: str | int, value: str, where: Where) -> None:
        """What nobody here can read stays; what decodes to a text is one, and is left out where it is rewritten."""
        read = readable(value)
        if read is None:
            self.found.hidden.append(render(where))
        else:
            self.found.add(owner, key, read, _TOKENS_KIND, where)

    def _tokens(self, owner: Payload, key: str | int, value: object, where: Where) -> None:
        read = tokens(value)
        if read:
            self.found.add(owner, key, read, _TOKENS_KIND, where)

    def _nested(
        self, owner: Payload, key: str | int, value: object, where: Where, depth: int, *, untyped: Rules | None
    ) -> None:
        """Lists in lists, and, where no rules are given, whatever they hold."""
        if depth > MAX_DEPTH:
            raise PayloadError(render(where), f"is nested more than {MAX_DEPTH} levels deep")
        if isinstance(value, str):
            if untyped is not None:
                self._data_url(owner, key, value, where)
            if value:
                self.found.add(owner, key, value, _TEXT_KIND, where)
        elif isinstance(value, (list, tuple, Iterator)):  # an iterator is pydantic's own, where a model says Iterable
            elements = _as_list(owner, key, cast("list[Payload] | tuple[Payload, ...]", value))
            for index, child in enumerate(elements):
                if untyped is None or not self._is_said(child, where, index):
                    self._element(elements, index, child, where, depth, untyped)
        elif fields.is_object(value):
            for name, child in list(fields.members(value).items()):
                self.names[str(name)] = None
                self._nested(value, name, child, (where, name), depth + 1, untyped=None)

    def _element(
        self, elements: list[Payload], index: int, child: Payload, where: Where, depth: int, untyped: Rules | None
    ) -> None:
        if untyped is not None and fields.is_object(child):
            self.item(child, (where, index), depth + 2, untyped, within=elements)
        else:
            self._nested(elements, index, child, (where, index), depth + 1, untyped=untyped)

    def _are_said(self, elements: list[Payload], where: Where) -> bool:
        """Take a list of the simplest elements at once."""
        plain = fields.plain_texts(elements, "text", "type")
        if plain is None or plain[1].count(self._plain_text) != len(elements):
            return False
        self.found.add_run(plain[0], SlotRun(elements, "text", _TEXT_KIND, where))
        return True

    def _is_said(self, child: Payload, where: Where, index: int) -> bool:
        """Take the simplest and most common element: a text with its type, and nothing else."""
        if type(child) is not dict or len(child) != 2 or child.get("type") != self._plain_text:
            return False
        text: Payload = child.get("text")
        if type(text) is not str:
            return False
        if text:
            self.found.said.append(text)
            self.found.told.append((child, "text", _TEXT_KIND, where, index, None))
        return True

    def schema(self, value: object, where: Where, *, names: bool = False, depth: int = 0) -> None:
        """A JSON Schema: every text but those that give it its meaning. `names`: its keys are names, not keywords."""
        if depth > MAX_DEPTH:
            raise PayloadError(render(where), f"is nested more than {MAX_DEPTH} levels deep")
        entries: Iterable[tuple[Payload, Payload]]
        if isinstance(value, (list, tuple)):
            entries = enumerate(cast("list[Payload] | tuple[Payload, ...]", value))
        elif isinstance(value, (MutableMapping, BaseModel)):
            entries = list(fields.members(value).items())
        else:
            return
        for key, child in entries:
            keyword = None if names else key
            if isinstance(key, str) and (names or key not in SCHEMA_KEYWORDS):
                self.names[key] = None
            if keyword in _NAMED:
                self.names.update(dict.fromkeys(_strings(child)))
            elif keyword in SCHEMA_MEANINGS:
                continue
            elif isinstance(child, str) or keyword in SCHEMA_VALUES:
                self._nested(value, key, child, (where, key), depth + 1, untyped=None)
            else:
                self.schema(child, (where, key), names=keyword in SCHEMA_NAMES, depth=depth + 1)

    def _media(self, owner: Payload, key: str | int, value: object, rule: FieldRule, where: Where, depth: int) -> None:
        """Everything of an image or file that identifies its content; its name is a text, and so is what holds one."""
        if depth > MAX_DEPTH:
            raise PayloadError(render(where), f"is nested more than {MAX_DEPTH} levels deep")
        if isinstance(value, str):
            self._content(owner, key, value, rule, where)
        elif fields.is_object(value):
            for name, child in fields.members(value).items():
                if name == "filename" and isinstance(child, str):
                    self._string(value, name, child, _TEXT, (where, name))
                elif name not in _NO_CONTENT:
                    self._media(value, name, child, rule, (where, name), depth + 1)
        elif isinstance(value, (list, tuple)):
            for index, child in enumerate(cast("list[Payload] | tuple[Payload, ...]", value)):
                self._media(value, index, child, rule, (where, index), depth + 1)

    def _data_url(self, owner: Payload, key: str | int, value: str, where: Where) -> None:
        """A file in a field that no table knows, beside the text that it is: that alone nobody could read."""
        if is_data_url(value):
            self._content(owner, key, value, _IMAGE if value.strip()[5:11].lower() == "image/" else _FILE, where)

    def _content(self, owner: Payload, key: str | int, value: str, rule: FieldRule, where: Where) -> None:
        """An image or file, or where it is; one that holds a text is that text."""
        text, found = file_text(owner, key, value), self.found
        if text is not None:
            found.add(owner, key, text, _FILE_KIND, where)
            return
        is_image = rule is _IMAGE
        (found.images if is_image else found.files).append(value)
        slot = Slot(owner, key, value, TextKind.IMAGE if is_image else TextKind.MEDIA, where)
        (found.image_slots if is_image else found.file_slots).append(slot)


def _strings(value: object) -> Iterator[str]:
    """Every text below a value, and every key."""
    for each in nested(value):
        if isinstance(each, str):
            yield each
        elif isinstance(each, Mapping):
            yield from (key for key in cast("Mapping[object, object]", each) if isinstance(key, str))


def _tells_tokens(value: object) -> bool:
    """Whether it is a number, or has one in a list anywhere."""
    lists = (cast("list[object]", each) for each in nested(value) if isinstance(each, (list, tuple)))
    return isinstance(value, (int, float)) or any(isinstance(each, (int, float)) for held in lists for each in held)


def _as_list(owner: Payload, key: str | int, value: list[Payload] | tuple[Payload, ...]) -> list[Payload]:
    """The list itself; all else becomes one, where it stands."""
    if not isinstance(value, list):
        value = list(value)
        fields.put(owner, key, value)
    return value
