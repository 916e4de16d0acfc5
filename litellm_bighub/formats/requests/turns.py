"""The turns of a replayed conversation: which answers stand in it, and what each of them went on from.

An answer has no id in a replay. What stood before it is the same each time that a client sends it, but for what clients
drop or move: ids, thoughts, marks for caches, instructions with the time of day.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from litellm_bighub.domain.decided_call import DecidedCall
from litellm_bighub.domain.payload import Payload
from litellm_bighub.formats.payload.copies import plain, text
from litellm_bighub.formats.payload.fields import elements, get, is_plain_message

Author: TypeAlias = Literal["caller", "model", "thought", "instructions"]
"""Whose an item is. Thoughts are the model's, but clients drop them, as they change instructions."""

_DROPPED = frozenset(
    {
        *("id", "index", "status", "phase", "annotations", "logprobs", "cache_control", "signature"),
        *("reasoning", "reasoning_content", "thinking_blocks", "provider_specific_fields"),
    }
)
_THOUGHTS = frozenset({"thinking", "redacted_thinking"})
_TEXTS = frozenset({"text", "input_text", "output_text"})
_WRITER = json.JSONEncoder(sort_keys=True, default=str)


@dataclass(frozen=True, slots=True)
class FoundTurn:
    """An answer in a request: items in a row that the model has made.

    Attributes:
        digest: of what it went on from.
        start: the place of its first item.
        end: the place behind its last.
    """

    digest: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Turns:
    """The turns of a conversation.

    Attributes:
        found: the answers in it.
        coming: the digest of all of it, which the coming answer goes on from; empty if the request holds only a part.
    """

    found: tuple[FoundTurn, ...] = ()
    coming: str = ""


@dataclass(frozen=True, slots=True)
class LostCalls:
    """Withheld calls of an answer in a request, which the request does not show.

    Attributes:
        turn: the answer.
        calls: in the order in which they were made.
        continued: whether the model was told of those whose notice stands nowhere, and went on.
    """

    turn: FoundTurn
    calls: Sequence[DecidedCall]
    continued: bool = False


def find_turns(items: Sequence[object], author: Callable[[object], Author]) -> Turns:
    """The turns of a conversation, from its first item on."""
    heard = hashlib.sha256()
    found: list[FoundTurn] = []
    begun: tuple[str, int] | None = None
    for index, item in enumerate(items):
        whose = author(item)
        if whose == "instructions":
            continue
        if whose != "caller":
            begun = begun or (heard.hexdigest(), index)
        elif begun is not None:
            found.append(FoundTurn(*begun, index))
            begun = None
        if whose != "thought":
            heard.update(_written(item))
    if begun is not None:
        found.append(FoundTurn(*begun, len(items)))
    return Turns(tuple(found), heard.hexdigest())


def unlike(calls: Iterable[DecidedCall]) -> list[DecidedCall]:
    """The calls without repetitions: a request may have been sent again, and its answer may have been the same."""
    return list({(call.tool, call.digest): call for call in calls}.values())


def said(message: object) -> str:
    """The text of a message, whether it is one or stands in parts."""
    content: object = get(message, "content")
    if isinstance(content, str):
        return content
    parts = elements(content)
    return "".join(text(part, "text") or text(part, "refusal") for part in parts)


def _written(item: object) -> bytes:
    if is_plain_message(item) and isinstance(role := get(item, "role"), str):  # as most are
        kept: Payload = {"content": [get(item, "content")], "role": role}
    else:
        kept = _kept(plain(item))
    said = _WRITER.encode(kept)
    return hashlib.sha256(said.encode(errors="backslashreplace")).digest()


def _kept(value: Payload) -> Payload:
    if isinstance(value, list):
        return [_kept(each) for each in cast("list[Payload]", value) if not _is_thought(each)]
    if not isinstance(value, dict):
        return value
    members = cast("dict[str, Payload]", value)
    if members.get("type") in _TEXTS and isinstance(members.get("text"), str):
        return members["text"]
    kept = {key: _kept(member) for key, member in members.items() if key not in _DROPPED}
    if kept.get("type") == "message":
        del kept["type"]
    if isinstance(kept.get("content"), str):
        kept["content"] = [kept["content"]]
    return kept


def _is_thought(value: object) -> bool:
    return isinstance(value, dict) and cast("dict[str, Payload]", value).get("type") in _THOUGHTS
