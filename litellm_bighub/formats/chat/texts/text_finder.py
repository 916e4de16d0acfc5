"""Where the texts of a chat completion's request or answer are."""

from __future__ import annotations

from collections.abc import Collection, MutableMapping, Set as AbstractSet
from typing import Any, Final, cast

from litellm_bighub.domain.payload import Payload
from litellm_bighub.formats.chat.texts.field_rules import ANSWER, CHOICE, MESSAGE, REQUEST, RESULT_MESSAGE, VOCABULARY
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.field_rules import Rules
from litellm_bighub.formats.payload.request_walk import RequestWalk, lone_message, only_field, role_of
from litellm_bighub.formats.payload.slots import Found, Slot, TextKind, Where
from litellm_bighub.formats.payload.text_walk import TextWalk

_FIRST: Final[Where] = ((((None, "choices"), 0), "message"), "content")
_TEXT: Final = TextKind.TEXT
_NUMBERED: Final = 3
"""How many fields a choice has that tells why it ends, and has no log probabilities."""
_RESULTS: Final = frozenset({"tool", "function"})


def find_in_request(
    data: MutableMapping[str, Any],
    *,
    skip_roles: Collection[str] = (),
    unsent: AbstractSet[str] = frozenset(),
) -> Found:
    """Find everything a caller, a tool or an earlier turn wrote into a request.

    Args:
        data: the keyword arguments of `completion`, as LiteLLM hands them to a hook.
        skip_roles: roles whose messages are out of the guardrail's scope.
        unsent: names of fields that no provider gets.

    Raises:
        PayloadError: it cannot be read.
    """
    walk = _walk(skip_roles)
    walk.request(data, None, unsent)
    return walk.finish()


def find_in_answer(response: object) -> Found:
    """Find everything in an answer, or in each of a list of answers, that a model, a tool or a provider wrote."""
    walk = _AnswerWalk()
    answers = cast("list[object]", response) if isinstance(response, list) else None
    for index, answer in enumerate(answers or ()):
        walk.item(answer, (None, index), placed=ANSWER)
    if answers is None:
        walk.item(response, None, placed=ANSWER)
    found = walk.finish()
    found.is_said = walk.silent == (1 if answers is None else len(answers))
    return found


def lone_text_in_request(data: MutableMapping[str, Any], *, unsent: AbstractSet[str] = frozenset()) -> Slot | None:
    """The text of a request that is one message with one text; `None` says only that it is not so simple."""
    return lone_message(data, REQUEST, unsent)


def lone_text_in_answer(response: object) -> Slot | None:
    """The text of an answer that is one message with one text; `None` says only that it is not so simple."""
    choices = only_field(response, ANSWER, "choices")
    if type(choices) is not list or len(cast("list[Payload]", choices)) != 1:
        return None
    message = only_field(choices[0], CHOICE, "message")
    text = only_field(message, MESSAGE, "content")
    return Slot(message, "content", text, TextKind.OUTPUT_TEXT, _FIRST) if type(text) is str and text else None


def find_in_message(message: object, where: Where = None) -> Found:
    """Find the texts of one message."""
    walk = _walk()
    walk.message(message, where)
    return walk.finish()


class _AnswerWalk(TextWalk):
    """One walk over answers; collects into `found`.

    Attributes:
        silent: how many of them say texts and nothing else.
    """

    def __init__(self) -> None:
        super().__init__(VOCABULARY)
        self.silent = 0

    def placed(self, owner: Payload, key: str | int, value: object, rules: Rules, where: Where, depth: int = 0) -> None:
        """A field whose objects have these rules. Most choices are one message with one text."""
        if rules is CHOICE and type(value) is list:
            self._choices(value, (where, key), depth)
        else:
            super().placed(owner, key, value, rules, where, depth)

    def _choices(self, choices: list[Payload], where: Where, depth: int) -> None:
        said = 0
        for index, choice in enumerate(choices):
            message = _only_message(choice)
            if message is None:
                self.placed_element(choices, index, choice, CHOICE, where, depth)
            else:
                said += 1
                place = (((where, index), "message"), "content")
                self.found.add(message, "content", fields.members(message)["content"], _TEXT, place)
        self.silent += said == len(choices)


def _only_message(choice: Payload) -> Payload:
    """The message of a choice if that is one text, and if nothing stands beside it."""
    told = fields.members(choice)
    if len(told) != _NUMBERED or "index" not in told or "finish_reason" not in told:
        return None
    message = told.get("message")
    said = fields.members(message)
    content = said.get("content")
    if type(content) is not str or not content or said.get("role") is None:
        return None
    return message if [*said.values()].count(None) == len(said) - 2 else None


def _walk(skip_roles: Collection[str] = ()) -> RequestWalk:
    return RequestWalk(VOCABULARY, REQUEST, _rules_of, skip_roles)


def _rules_of(message: object) -> Rules:
    """By who says it."""
    return RESULT_MESSAGE if role_of(message) in _RESULTS else MESSAGE
