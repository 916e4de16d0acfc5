"""The walk over a request whose conversation is a list of messages, as in chat completions and Messages."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Set as AbstractSet
from functools import lru_cache
from typing import Any, Final, cast

from litellm_bighub.domain.payload import JsonMapping, JsonObject, Payload
from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.field_rules import FieldRule, Rules, Vocabulary
from litellm_bighub.formats.payload.slots import LoneText, SlotRun, TextKind, Where, render
from litellm_bighub.formats.payload.text_walk import TextWalk

_MESSAGES: Final = "messages"
_LAID_OVER: Final = "extra_body"
_METADATA: Final = "metadata"
_REQUESTER: Final = "requester_metadata"
_LITELLMS: Final = "user_api_key"
_CHOICES: Final = frozenset({"tool_choice", "function_call"})
_FREE, _OPAQUE, _TEXT = FieldRule.FREE, FieldRule.OPAQUE, TextKind.TEXT
_NUMBERS: Final = frozenset({bool, int, float})
_ATOMS: Final = _NUMBERS | {str}
_FIRST: Final[Where] = ((None, _MESSAGES), 0)
_CHOSEN: Final = frozenset({"auto", "none", "required", "any"})
_FIELD_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_LONGEST_NAME: Final = 40
_NONE: Final = frozenset({type(None)})
_NUMBERS_OR_NONE: Final = _NUMBERS | _NONE
_ATOMS_OR_NONE: Final = _ATOMS | _NONE
_SIMPLE: Final = frozenset({list, str, dict})
_ROLE_AND_TEXT: Final = 2


class RequestWalk(TextWalk):
    """One walk; collects into `found`.

    Args:
        vocabulary: the format's.
        request: the rules of the fields beside the conversation and the metadata; all others are free text.
        message: the rules of a message.
        skip_roles: roles whose messages are out of the guardrail's scope.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        request: Rules,
        message: Callable[[Payload], Rules],
        skip_roles: Collection[str] = (),
    ) -> None:
        super().__init__(vocabulary)
        self._request = request
        self._message = message
        self._skip_roles = skip_roles

    def request(self, data: Payload, where: Where, unsent: AbstractSet[str]) -> None:
        """A request, or what is laid over one.

        Args:
            data: its arguments.
            where: its place.
            unsent: names of fields that no provider gets.

        Raises:
            PayloadError: it cannot be read.
        """
        for key, value in list(fields.members(data).items()):
            if key in unsent or key in {_MESSAGES, _METADATA} or value is None or isinstance(value, bool):
                continue
            if key in _CHOICES and isinstance(value, str) and value in _CHOSEN:
                continue
            rule = self._request.get(key)
            if type(value) in (_ATOMS if rule is _OPAQUE else ()):
                continue
            self.field_name(key)
            if rule is None and type(value) in _NUMBERS:
                continue
            if key == _LAID_OVER and fields.is_object(value):
                self.request(value, (where, key), frozenset())
            elif not isinstance(value, type):  # in code, a response format may be a class, whose words are the caller's
                self.ruled(data, key, value, _FREE if rule is None else rule, where)
        self.messages(data, where)
        self.metadata(data, where)

    def field_name(self, key: str) -> None:
        """The name of a field of a request, where no field of an API would be called so."""
        if key not in self._request and not _is_field_name(key):
            self.names[key] = None

    def messages(self, data: Payload, where: Where) -> None:
        """The conversation."""
        where = (where, _MESSAGES)
        messages = _messages(data, where)
        self.found.is_said = messages is not None
        if not messages or (not self._skip_roles and self._are_plain(messages, where)):
            return
        for index, message in enumerate(messages):
            if type(message) is dict and len(message) == 2 and "role" in message and not self._skip_roles:
                content = message.get("content")
                if type(content) is str:  # a role and a text, as most are
                    if content:
                        self.found.said.append(content)
                        self.found.told.append((message, "content", _TEXT, where, index, None))
                    continue
            self.found.is_said = False
            if not fields.is_object(message):
                raise PayloadError(render((where, index)), f"is a {type(message).__name__}, not a message")
            if in_scope(message, self._skip_roles):
                self.message(message, (where, index))

    def _are_plain(self, messages: list[Payload], where: Where) -> bool:
        """Take messages at once of which each is a role and a text."""
        plain = fields.plain_texts(messages, "content", "role")
        if plain is None:
            return False
        self.found.add_run(plain[0], SlotRun(messages, "content", _TEXT, where))
        return True

    def message(self, message: Payload, where: Where) -> None:
        """One message."""
        if fields.is_plain_message(message):
            content = message["content"]
            if content:
                self.found.add(message, "content", content, _TEXT, (where, "content"))
            return
        self.item(message, where, placed=self._message(message))

    def metadata(self, data: Payload, where: Where) -> None:
        """What a caller notes about a request. LiteLLM keeps its own records among it, which no provider gets."""
        metadata = fields.get(data, _METADATA)
        if not fields.is_object(metadata):
            self.field(data, _METADATA, metadata, _FREE, where)
            return
        where = (where, _METADATA)
        for owner, place in ((metadata, where), (fields.get(metadata, _REQUESTER), (where, _REQUESTER))):
            for key, value in _noted(owner, metadata):
                self.names[key] = None
                self.field(owner, key, value, _FREE, place)


def _messages(data: Payload, where: Where) -> list[Payload] | None:
    """The conversation of a request, as a list that can be written into."""
    value = fields.get(data, _MESSAGES)
    if isinstance(value, tuple):
        value = list(cast("tuple[Any, ...]", value))
        fields.put(data, _MESSAGES, value)
    if value is not None and not isinstance(value, list):
        raise PayloadError(render(where), f"is a {type(value).__name__}, not a list of messages")
    return cast("list[Payload] | None", value)


def _is_field_name(key: str) -> bool:
    """Whether a field of some API would be called so. Any other name is somebody's own word."""
    return len(key) <= _LONGEST_NAME and _is_well_formed(key)


@lru_cache(maxsize=1024)
def _is_well_formed(key: str) -> bool:
    return _FIELD_NAME.fullmatch(key) is not None


class LoneField:
    """A field, and whether nothing beside it in its owner may hold a text.

    The rules are turned into the types of what is harmless under each name, so that a field costs one look-up.

    Args:
        key: the field.
        rules: those of the owner's fields.
        text_fields: the names under which a number is refused, as those of a vocabulary.
    """

    def __init__(self, key: str, rules: Rules, text_fields: AbstractSet[str]) -> None:
        self._key = key
        self._text_fields = text_fields
        self._harmless = {name: _harmless(rule) for name, rule in rules.items()} | {key: _SIMPLE}
        self._counting = frozenset(name for name, rule in rules.items() if type(rule) is dict)

    def of(self, owner: Payload) -> Payload:
        """The field of this owner; `None` if there is none, or another one that may hold a text."""
        members = fields.members(owner)
        harmless = self._harmless
        for name, value in members.items():
            if type(value) not in harmless.get(name, _NONE) and value and not self._is_silent(name, value):
                return None
        return members.get(self._key)

    def _is_silent(self, name: str, value: Payload) -> bool:
        return name == self._key or (name in self._counting and _counts(value, self._text_fields))


class LoneMessage:
    """Looks quickly for the text of a request that is one message with one text.

    Args:
        rules: of the fields of a request beside the conversation.
    """

    def __init__(self, rules: Rules) -> None:
        self._harmless = {name: _harmless(rule) for name, rule in rules.items()} | {_MESSAGES: _SIMPLE}

    def find(self, data: JsonMapping, *, unsent: AbstractSet[str] = frozenset()) -> LoneText | None:
        """The text; `None` says only that this request is not so simple.

        Args:
            data: its arguments.
            unsent: names of fields that no provider gets.
        """
        messages = data.get(_MESSAGES)
        if type(messages) is not list or len(cast("list[Payload]", messages)) != 1:
            return None
        message: Payload = messages[0]
        if type(message) is not dict or len(cast("JsonObject", message)) != _ROLE_AND_TEXT or "role" not in message:
            return None
        text: Payload = message.get("content")
        if type(text) is not str or not text:
            return None
        harmless = self._harmless
        for name, value in data.items():
            if type(value) in harmless.get(name, _NONE) or (name in unsent and name != _METADATA):
                continue
            is_ruled = name in harmless
            if (not value or (type(value) in _NUMBERS and not is_ruled)) and (is_ruled or _is_field_name(name)):
                continue
            if name != _METADATA or not _notes_nothing(value):
                return None
        return text, (message, "content", _TEXT, _FIRST, None, None)


def _harmless(rule: FieldRule | Rules) -> AbstractSet[type]:
    """The types of what is no text under a rule."""
    return _ATOMS_OR_NONE if rule is _OPAQUE else _NUMBERS_OR_NONE if type(rule) is dict else _NONE


def _notes_nothing(metadata: Payload) -> bool:
    """Whether a caller has noted nothing: what LiteLLM itself notes, no provider gets."""
    noted = type(metadata) is dict and metadata.get(_REQUESTER)  # pyright: ignore[reportUnknownMemberType] - a payload
    return type(noted) is dict and not noted


def _counts(value: Payload, text_fields: AbstractSet[str]) -> bool:
    """Whether an object holds nothing but numbers, and none where a text is meant."""
    told = fields.members(value)
    if not told:
        return fields.is_object(value)
    if not text_fields.isdisjoint(told):
        return False
    return _NUMBERS_OR_NONE.issuperset(map(type, told.values())) or all(
        type(each) in _NUMBERS_OR_NONE or _counts(each, text_fields) for each in told.values()
    )


def in_scope(message: object, skip_roles: Collection[str]) -> bool:
    """Whether a message is to be looked into."""
    return not skip_roles or role_of(message) not in skip_roles


def role_of(message: object) -> str:
    """Who says a message, in lower case."""
    role = fields.get(message, "role")
    return role.lower() if isinstance(role, str) else ""


def _noted(owner: object, metadata: object) -> Iterator[tuple[str, Payload]]:
    """The caller's own notes: all, or in the proxy those that it has set apart."""
    members = fields.members(owner)
    apart: JsonMapping | None = fields.get(metadata, _REQUESTER)
    in_proxy = isinstance(apart, Mapping) or any(key.startswith(_LITELLMS) for key in members)
    for key, value in members.items():
        is_plain = isinstance(value, (str, dict, list))
        if key != _REQUESTER and is_plain and (not in_proxy or (apart is not None and key in apart)):
            yield key, value
