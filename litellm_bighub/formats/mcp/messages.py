"""MCP messages as records: one of calls of tools, of which a hook is handed the most, and one of all others."""

from __future__ import annotations

from collections.abc import Collection, MutableMapping, Set as AbstractSet
from functools import partial
from typing import Any, Final

from litellm_bighub.formats.format import TextFormat
from litellm_bighub.formats.format_texts import FormatTexts
from litellm_bighub.formats.mcp import field_rules as rules
from litellm_bighub.formats.payload.field_rules import Rules, Vocabulary
from litellm_bighub.formats.payload.slots import Found, Where
from litellm_bighub.formats.payload.text_walk import TextWalk


def _in_message(vocabulary: Vocabulary, placed: Rules, message: object) -> Found:
    return _in_item(vocabulary, placed, message, None)


def _in_item(vocabulary: Vocabulary, placed: Rules, message: object, where: Where) -> Found:
    walk = TextWalk(vocabulary)
    walk.item(message, where, placed=placed)
    return walk.finish()


def _in_request(
    vocabulary: Vocabulary,
    placed: Rules,
    data: MutableMapping[str, Any],
    /,
    *,
    skip_roles: Collection[str] = (),
    unsent: AbstractSet[str] = frozenset(),
) -> Found:
    del skip_roles, unsent
    return _in_message(vocabulary, placed, data)


def _messages(name: str, vocabulary: Vocabulary, placed: Rules) -> TextFormat:
    return TextFormat(
        name=name,
        routes=(),
        texts=FormatTexts(
            call_types=(),
            in_request=partial(_in_request, vocabulary, placed),
            in_answer=partial(_in_message, vocabulary, placed),
            in_item=partial(_in_item, vocabulary, placed),
        ),
        merges_extra_body=False,
    )


MCP: Final = _messages("MCP", rules.VOCABULARY, rules.MESSAGE)
"""Whatever client and server say."""

MCP_CALLS: Final = _messages("MCP calls", rules.CALL_VOCABULARY, rules.CALL)
"""Calls of tools and their results, without what hooks are handed of them."""
