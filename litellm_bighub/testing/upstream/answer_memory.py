"""What a strict upstream remembers of its answers, and what it therefore refuses, as OpenAI does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest

from litellm_bighub.domain.payload import JsonMapping
from litellm_bighub.testing.upstream.items import Item


@dataclass(slots=True)
class AnswerMemory:
    """Every response and conversation with all items that led to it."""

    responses: dict[str, list[Item]] = field(default_factory=dict)
    conversations: dict[str, list[Item]] = field(default_factory=dict)
    followers: dict[str, Item] = field(default_factory=dict)
    """What followed each reasoning item, by the latter's id and by its encrypted content, which holds the id."""
    leaders: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By what the reasoning right before an item is known, by the item's id."""
    items: dict[str, Item] = field(default_factory=dict)
    """Every item that an answer gave an id, unless its request said that nothing is to be stored."""

    def refuses(self, body: JsonMapping) -> str:
        """Why the request cannot be answered; empty if it can."""
        previous = body.get("previous_response_id")
        if previous is not None and previous not in self.responses:
            return f"Previous response with id '{previous}' not found."
        items = [*self._before(body), *self._given(body)]
        return self._repeated(items) or self._unpaired(items) or self._orphaned(items) or self._unled(items)

    def keep(self, response_id: str, body: JsonMapping, output: Sequence[Item]) -> None:
        """Remember an answer."""
        items = [*self._before(body), *self._given(body), *output]
        self.responses[response_id] = items
        if conversation := _conversation(body):
            self.conversations[conversation] = items
        for item, follower in pairwise(output):
            if item["type"] == "reasoning":
                self.followers |= dict.fromkeys(filter(None, _names(item)), follower)
                if follower.get("id"):
                    self.leaders[str(follower["id"])] = _names(item)
        if body.get("store") is not False:
            self.items |= {str(item["id"]): item for item in output if item.get("id")}

    def _before(self, body: JsonMapping) -> list[Item]:
        return self.responses.get(str(body.get("previous_response_id")), []) + self.conversations.get(
            _conversation(body), []
        )

    def _given(self, body: JsonMapping) -> list[Item]:
        """The input, with the stored items that it refers to. A reference may leave out its type."""
        return [self.items.get(str(item.get("id")), item) if _refers(item) else item for item in _given(body)]

    @staticmethod
    def _repeated(items: Sequence[Item]) -> str:
        counts = Counter(str(item["id"]) for item in items if item.get("id"))
        repeated = next((item_id for item_id, count in counts.items() if count > 1), "")
        return f"Duplicate item found with id {repeated}." if repeated else ""

    @staticmethod
    def _unpaired(items: Sequence[Item]) -> str:
        calls = Counter(call_id for item in items if (call_id := _call(item)))
        outputs = Counter(call_id for item in items if (call_id := _output(item)))
        for call_id in calls:
            if outputs[call_id] == 0:
                return f"No tool output found for function call {call_id}."
        for call_id, count in outputs.items():
            if call_id not in calls:
                return f"No tool call found for function call output with call_id {call_id}."
            if count > calls[call_id]:
                return f"Duplicate output for function call {call_id}."
        return ""

    def _orphaned(self, items: Sequence[Item]) -> str:
        for item, follower in zip_longest(items, items[1:]):
            item_id = str(item.get("id"))
            if item.get("type") == "item_reference":
                return f"Item with id '{item_id}' not found."
            expected = next((self.followers[name] for name in _names(item) if name in self.followers), None)
            if item.get("type") == "reasoning" and expected is not None and not _is_copy(follower or {}, expected):
                return f"Item '{item_id}' of type 'reasoning' was provided without its required following item."
        return ""

    def _unled(self, items: Sequence[Item]) -> str:
        for before, item in zip((None, *items), items, strict=False):
            item_id, names = str(item.get("id")), _names(before or {})
            leader = self.leaders.get(item_id)
            if leader is not None and not any(name and name in leader for name in names):
                told = f"of type '{item.get('type', 'message')}' was provided without its required 'reasoning' item"
                return f"Item '{item_id}' {told}: '{leader[0]}'."
        return ""


def _given(body: JsonMapping) -> list[Item]:
    given = body.get("input") or []
    return [{"type": "message", "role": "user", "content": given}] if isinstance(given, str) else list(given)


def _refers(item: Item) -> bool:
    return item.get("type") == "item_reference" or (item.get("type") is None and item.keys() == {"id"})


def _is_copy(item: Item, kept: Item) -> bool:
    """Whether an item is the kept one. Ids of calls and messages may be left out in an input."""
    if item.get("id"):
        return item.get("id") == kept.get("id")
    return item.get("type", "message") == kept.get("type") and item.get("call_id") == kept.get("call_id")


def _names(reasoning: Item) -> tuple[str, str]:
    return str(reasoning.get("id") or ""), str(reasoning.get("encrypted_content") or "")


def _conversation(body: JsonMapping) -> str:
    wanted = body.get("conversation") or ""
    return str(wanted["id"]) if isinstance(wanted, Mapping) else str(wanted)


def _call(item: Item) -> str:
    kind = str(item.get("type", ""))
    if kind == "mcp_approval_request":
        return str(item.get("id", ""))
    return str(item.get("call_id", "")) if kind.endswith("_call") else ""


def _output(item: Item) -> str:
    match item.get("type"):
        case "mcp_approval_response":
            return str(item.get("approval_request_id", ""))
        case "local_shell_call_output":
            return str(item.get("call_id") or item.get("id", ""))
        case str(kind) if kind.endswith("_output"):
            return str(item.get("call_id", ""))
        case _:
            return ""
