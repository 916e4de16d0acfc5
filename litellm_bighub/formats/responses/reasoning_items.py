"""Reasoning items: by what one is known again, and which of them a provider would refuse.

A provider takes no reasoning back without the item that followed it. It refuses every request from then on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from litellm_bighub.domain.call import ReasoningMark
from litellm_bighub.formats.payload.copies import text
from litellm_bighub.formats.requests.results import NOTICE_PREFIX

_WRAPPED = "litellm_enc:"
"""How LiteLLM begins encrypted content around which it has written the model that can read it."""
_CALLERS = frozenset({"mcp_approval_response", "additional_tools", "compaction_trigger", "configuration_update"})
"""Types of items that are the caller's, besides messages and outputs."""


def is_reasoning(item: object) -> bool:
    """Whether the item is reasoning itself, and no reference to it."""
    return text(item, "type") == "reasoning"


def reasoning_mark(item: object) -> ReasoningMark:
    """By what reasoning is known, or what a reference may refer to; empty for other items.

    Clients that drop ids send the encrypted content, of which no two are alike. Summaries may be.
    """
    match text(item, "type"):
        case "reasoning":
            encrypted = text(item, "encrypted_content")
            if encrypted.startswith(_WRAPPED):
                encrypted = encrypted.partition(";")[2]
            digest = hashlib.sha256(encrypted.encode(errors="backslashreplace")).hexdigest() if encrypted else ""
            return ReasoningMark(text(item, "id"), digest)
        case "item_reference":
            return ReasoningMark(text(item, "id"))
        case "" if not text(item, "role"):
            return ReasoningMark(text(item, "id"))
        case _:
            return ReasoningMark()


def orphans(items: Sequence[object]) -> set[int]:
    """The places of reasoning that nothing of the model follows.

    A client that keeps no trace of a withheld call keeps the reasoning that led to it.
    """
    found: set[int] = set()
    follows = False
    for index in range(len(items) - 1, -1, -1):
        if not is_reasoning(items[index]):
            follows = is_models(items[index])
        elif not follows:
            found.add(index)
    return found


def is_models(item: object) -> bool:
    """Whether the item may be one that the model has made."""
    kind, role = text(item, "type"), text(item, "role")
    if kind in {"", "message"}:
        return role == "assistant" and not text(item, "id").startswith(NOTICE_PREFIX)
    return kind not in _CALLERS and not kind.endswith("_output")
