"""Where the texts of a chat completion's request or answer are."""

from __future__ import annotations

from collections.abc import Collection, MutableMapping, Set as AbstractSet
from typing import Any, Final, Literal, cast

from litellm_bighub.formats.chat.texts.field_rules import ANSWER, MESSAGE, REQUEST, RESULT_MESSAGE, VOCABULARY
from litellm_bighub.formats.payload.field_rules import Rules
from litellm_bighub.formats.payload.request_walk import RequestWalk, role_of
from litellm_bighub.formats.payload.slots import Found, Where

_RESULTS: Final = frozenset({"tool", "function"})


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
    walk = _walk(skip_roles)
    walk.request(data, None, unsent)
    return walk.finish()


def find_in_answer(response: object) -> Found:
    """Find everything in an answer, or in each of a list of answers, that a model, a tool or a provider wrote."""
    walk = _walk()
    if isinstance(response, list):
        for index, answer in enumerate(cast("list[object]", response)):
            walk.item(answer, (None, index), placed=ANSWER)
    else:
        walk.item(response, None, placed=ANSWER)
    return walk.finish()


def find_in_message(message: object, where: Where = None) -> Found:
    """Find the texts of one message."""
    walk = _walk()
    walk.message(message, where)
    return walk.finish()


def _walk(skip_roles: Collection[str] = ()) -> RequestWalk:
    return RequestWalk(VOCABULARY, REQUEST, _rules_of, skip_roles)


def _rules_of(message: object) -> Rules:
    """By who says it."""
    return RESULT_MESSAGE if role_of(message) in _RESULTS else MESSAGE
