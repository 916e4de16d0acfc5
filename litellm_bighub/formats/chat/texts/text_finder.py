"""Where the texts of a chat completion's request or answer are."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, MutableMapping, Set as AbstractSet
from typing import Any, Final, Literal, cast

from litellm_bighub.domain.payload import JsonMapping, Payload
from litellm_bighub.errors import PayloadError
from litellm_bighub.formats.chat.texts.field_rules import ANSWER, MESSAGE, REQUEST, RESULT_MESSAGE, VOCABULARY
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.field_rules import FieldRule
from litellm_bighub.formats.payload.slots import Found, Slot, TextKind, Where, render
from litellm_bighub.formats.payload.text_walk import TextWalk

_MESSAGES: Final = "messages"
_RESULTS: Final = frozenset({"tool", "function"})
_LAID_OVER: Final = "extra_body"
_METADATA: Final = "metadata"
_REQUESTER: Final = "requester_metadata"
_LITELLMS: Final = "user_api_key"
_CHOICES: Final = frozenset({"tool_choice", "function_call"})
_CHOSEN: Final = frozenset({"auto", "none", "required", "any"})


def find_in_request(
    data: MutableMapping[str, Any],
    *,
    skip_roles: Collection[str] = (),
    tools: Collection[int] | Literal["all"] = "all",
    unsent: AbstractSet[str] = frozenset(),
) -> Found:
    """Find everything a caller, a tool or an earlier turn wrote into a request.

    Args:
        data: the keyword arguments of `completion`, as LiteLLM hands them to a hook.
        skip_roles: roles whose messages are out of the guardrail's scope.
        tools: makes no difference: what tools say is text, beside being handed over as tools.
        unsent: names of fields that no provider gets.

    Raises:
        PayloadError: it cannot be read.
    """
    del tools
    walk = _Walk(skip_roles)
    walk.request(data, None, unsent)
    return walk.finish()


def find_in_answer(response: object) -> Found:
    """Find everything in an answer, or in each of a list of answers, that a model, a tool or a provider wrote."""
    walk = _Walk()
    if isinstance(response, list):
        for index, answer in enumerate(cast("list[object]", response)):
            walk.item(answer, (None, index), placed=ANSWER)
    else:
        walk.item(response, None, placed=ANSWER)
    return walk.finish()


def find_in_message(message: object, where: Where = None) -> Found:
    """Find the texts of one message."""
    walk = _Walk()
    walk.message(message, where)
    return walk.finish()


def in_scope(message: object, skip_roles: Collection[str]) -> bool:
    """Whether a message is to be looked into."""
    return not skip_roles or _role(message) not in skip_roles


class _Walk(TextWalk):
    """One walk; collects into `found`."""

    def __init__(self, skip_roles: Collection[str] = ()) -> None:
        super().__init__(VOCABULARY)
        self._skip_roles = skip_roles

    def request(self, data: Payload, where: Where, unsent: AbstractSet[str]) -> None:
        """A request, or what is laid over one."""
        for key, value in list(fields.members(data).items()):
            if key in unsent or key in {_MESSAGES, _METADATA} or value is None or isinstance(value, bool):
                continue
            if key in _CHOICES and isinstance(value, str) and value in _CHOSEN:
                continue
            if key == _LAID_OVER and fields.is_object(value):
                self.request(value, (where, key), frozenset())
            elif not isinstance(value, type):  # in code, a response format may be a class, whose words are the caller's
                self.ruled(data, key, value, REQUEST.get(key, FieldRule.FREE), where)
        self.messages(data, where)
        self.metadata(fields.get(data, _METADATA), (where, _METADATA))

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
        for index, message in enumerate(cast("list[Payload]", value)):
            if not fields.is_object(message):
                raise PayloadError(render((where, index)), f"is a {type(message).__name__}, not a message")
            if in_scope(message, self._skip_roles):
                self.message(message, (where, index))

    def message(self, message: Payload, where: Where) -> None:
        """One message, by who says it."""
        if fields.is_plain_message(message):  # a role and a text, as most are
            content = message["content"]
            if content:
                where = (where, "content")
                self.found.slots.append(Slot(message, "content", content, TextKind.OUTPUT_TEXT, where))
            return
        self.item(message, where, placed=RESULT_MESSAGE if _role(message) in _RESULTS else MESSAGE)

    def metadata(self, metadata: object, where: Where) -> None:
        """What a caller notes about a request. LiteLLM keeps its own records among it, which no provider gets."""
        if metadata is None:
            return
        for owner, place in ((metadata, where), (fields.get(metadata, _REQUESTER), (where, _REQUESTER))):
            for key, value in _noted(owner, metadata):
                self.names[key] = None
                self.field(owner, key, value, FieldRule.TEXT, place)


def _noted(owner: object, metadata: object) -> Iterator[tuple[str, str]]:
    """The caller's own notes: all, or in the proxy those that it has set apart."""
    members = fields.members(owner)
    apart: JsonMapping | None = fields.get(metadata, _REQUESTER)
    in_proxy = isinstance(apart, Mapping) or any(key.startswith(_LITELLMS) for key in members)
    for key, value in members.items():
        if isinstance(value, str) and (not in_proxy or (apart is not None and key in apart)):
            yield key, value


def _role(message: object) -> str:
    role = fields.get(message, "role")
    return role.lower() if isinstance(role, str) else ""
