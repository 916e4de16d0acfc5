"""The walk over a request whose conversation is a list of messages, as in chat completions and Messages."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Set as AbstractSet
from typing import Any, Final, cast

from litellm_bighub.domain.payload import JsonMapping, Payload
from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.field_rules import FieldRule, Rules, Vocabulary
from litellm_bighub.formats.payload.slots import Slot, TextKind, Where, render
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
_FIRST: Final[Where] = (((None, _MESSAGES), 0), "content")
_CHOSEN: Final = frozenset({"auto", "none", "required", "any"})
_FIELD_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


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
            self.field_name(key)
            if key == _LAID_OVER and fields.is_object(value):
                self.request(value, (where, key), frozenset())
            elif not isinstance(value, type):  # in code, a response format may be a class, whose words are the caller's
                self.ruled(data, key, value, self._request.get(key, _FREE), where)
        self.messages(data, where)
        self.metadata(data, where)

    def field_name(self, key: str) -> None:
        """The name of a field of a request, where no field of an API would be called so."""
        if key not in self._request and _FIELD_NAME.fullmatch(key) is None:
            self.names[key] = None

    def messages(self, data: Payload, where: Where) -> None:
        """The conversation."""
        value = fields.get(data, _MESSAGES)
        where = (where, _MESSAGES)
        if value is None:
            return
        if isinstance(value, tuple):
            value = list(cast("tuple[Any, ...]", value))
            fields.put(data, _MESSAGES, value)
        if not isinstance(value, list):
            raise PayloadError(render(where), f"is a {type(value).__name__}, not a list of messages")
        said, told = self.found.said.append, self.found.told.append
        skip_roles = self._skip_roles
        self.found.is_said = True
        for index, message in enumerate(cast("list[Payload]", value)):
            if type(message) is dict and len(message) == 2 and "role" in message and not skip_roles:
                content = message.get("content")
                if type(content) is str:  # a role and a text, as most are
                    if content:
                        said(content)
                        told((message, "content", _TEXT, where, index, None))
                    continue
            self.found.is_said = False
            if not fields.is_object(message):
                raise PayloadError(render((where, index)), f"is a {type(message).__name__}, not a message")
            if in_scope(message, skip_roles):
                self.message(message, (where, index))

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


def lone_message(data: JsonMapping, rules: Rules, unsent: AbstractSet[str]) -> Slot | None:
    """The text of a request that is one message with one text; `None` says only that this request is not so simple.

    Args:
        data: its arguments.
        rules: of its fields beside the conversation.
        unsent: names of fields that no provider gets.
    """
    messages = data.get(_MESSAGES)
    if type(messages) is not list or len(cast("list[Payload]", messages)) != 1:
        return None
    message: Payload = messages[0]
    if not fields.is_plain_message(message) or not message["content"] or "role" not in message:
        return None
    for key, value in data.items():
        if value and (key not in unsent or key == _METADATA) and not _is_silent(key, value, rules):
            return None
    return Slot(message, "content", message["content"], _TEXT, _FIRST)


def _is_silent(key: str, value: Payload, rules: Rules) -> bool:
    """Whether a field beside the conversation surely holds no text."""
    if key == _METADATA:
        noted = type(value) is dict and value.get(_REQUESTER)  # pyright: ignore[reportUnknownMemberType] - a payload
        return type(noted) is dict and not noted
    rule = rules.get(key)
    return key == _MESSAGES or (type(value) in (_ATOMS if rule is _OPAQUE else _NUMBERS if rule is None else ()))


def only_field(owner: Payload, rules: Rules, key: str) -> Payload:
    """A field beside which nothing holds a text; `None` if there is none, or one that may."""
    found: Payload = None
    for name, value in fields.members(owner).items():
        if name == key:
            found = value
        elif value and not _says_nothing(value, rules.get(name)):
            return None
    return found


def _says_nothing(value: Payload, rule: FieldRule | Rules | None) -> bool:
    """Whether a field surely holds no text: an opaque field may hold an object, in which texts may stand."""
    return type(value) in _ATOMS if rule is _OPAQUE else type(rule) is dict and _counts(value)


def _counts(value: Payload) -> bool:
    """Whether an object holds nothing but numbers."""
    told = fields.members(value).values() if fields.is_object(value) else (value,)
    return all(
        each is None or isinstance(each, (int, float)) or (fields.is_object(each) and _counts(each)) for each in told
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
