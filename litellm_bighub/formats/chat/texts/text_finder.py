"""Where the texts of a chat completion's request or answer are."""

from __future__ import annotations

from collections.abc import Collection, MutableMapping, Sequence, Set as AbstractSet
from typing import Any, Final, cast

from litellm_bighub.domain.payload import Payload
from litellm_bighub.formats.chat.texts.field_rules import ANSWER, CHOICE, MESSAGE, REQUEST, RESULT_MESSAGE, VOCABULARY
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.payload.field_rules import Rules
from litellm_bighub.formats.payload.request_walk import LoneField, LoneMessage, RequestWalk, role_of
from litellm_bighub.formats.payload.slots import Found, LoneText, SlotRun, TextKind, Where
from litellm_bighub.formats.payload.text_walk import TextWalk

_FIRST: Final[Where] = (((None, "choices"), 0), "message")
_TEXT: Final = TextKind.TEXT
_NUMBERED: Final = 3
"""How many fields a choice has that tells why it ends, and has no log probabilities."""
_OF_CHOICE: Final = frozenset({"index", "finish_reason", "message"})
_SAYING: Final = frozenset({"role", "content"})
_NOBODY: Final = (None,)
_RESULTS: Final = frozenset({"tool", "function"})
_CHOICES: Final = LoneField("choices", ANSWER, VOCABULARY.text_fields)
_MESSAGE: Final = LoneField("message", CHOICE, VOCABULARY.text_fields)
_CONTENT: Final = LoneField("content", MESSAGE, VOCABULARY.text_fields)
lone_text_in_request: Final = LoneMessage(REQUEST).find


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


def lone_text_in_answer(response: object) -> LoneText | None:
    """The text of an answer that is one message with one text; `None` says only that it is not so simple."""
    choices = _CHOICES.of(response)
    if type(choices) is not list or len(cast("list[Payload]", choices)) != 1:
        return None
    message = _MESSAGE.of(choices[0])
    text = _CONTENT.of(message)
    return (text, (message, "content", _TEXT, _FIRST, None, None)) if type(text) is str and text else None


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
        messages = _only_messages(choices)
        if messages is not None:
            self.found.add_run(messages[1], SlotRun(messages[0], "content", _TEXT, where, "message"))
            self.silent += 1
            return
        self.silent += not choices
        for index, choice in enumerate(choices):
            self.placed_element(choices, index, choice, CHOICE, where, depth)


def _only_messages(choices: Sequence[Payload]) -> tuple[Sequence[Payload], Sequence[str]] | None:
    """The messages of choices, and what they say, if each is one text and nothing stands beside them.

    `None` says only that they are not so simple.
    """
    told = fields.columns(choices)
    if told is None or len(told) != _NUMBERED or not told.keys() >= _OF_CHOICE:
        return None
    messages = told["message"]
    said = fields.columns(messages)
    if said is None or "content" not in said or None in said.get("role", _NOBODY):
        return None
    texts = cast("Sequence[str]", said["content"])
    silent = all(values.count(None) == len(values) for key, values in said.items() if key not in _SAYING)
    return (messages, texts) if silent and fields.are_texts(texts) else None


def _walk(skip_roles: Collection[str] = ()) -> RequestWalk:
    return RequestWalk(VOCABULARY, REQUEST, _rules_of, skip_roles)


def _rules_of(message: object) -> Rules:
    """By who says it."""
    return RESULT_MESSAGE if role_of(message) in _RESULTS else MESSAGE
