"""What goes to the model on each turn: the whole conversation again, or only what is new.

With `store: false` the provider keeps nothing, so every item is sent again, its reasoning in encrypted form. With
`store: true` the provider knows the conversation by the id of its last response. Every other argument of the first
turn goes with every turn.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from litellm_bighub.agent.model.plain import plain
from litellm_bighub.agent.record.events import output
from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.errors import AdapterConfigurationError

Context = Literal["auto", "replay", "previous_response_id"]
Item = JsonObject

_OURS = frozenset({"tools", "input", "model", "stream", "background"})
# Models without reasoning answer 400 when they are asked for it in encrypted form.
_REASONING = re.compile(r"(^|/)(o\d|gpt-[5-9]|codex|computer-use)")
_ENCRYPTED = "reasoning.encrypted_content"


@dataclass(slots=True)
class ModelInput:
    """One run's side of the conversation with the model.

    Attributes:
        arguments: what goes with every turn.
        items: the input of the next turn.
        previous: the response that the next turn goes on from; only where the provider stores.
    """

    arguments: JsonObject
    replay: bool
    items: list[Item] = field(default_factory=list[Item])
    previous: str | None = None

    def request(self, tools: Sequence[JsonMapping]) -> JsonObject:
        """The arguments of the next call of the model."""
        request = {**self.arguments, "input": list(self.items), "tools": [dict(tool) for tool in tools]}
        if self.previous is not None:
            request["previous_response_id"] = self.previous
        return request

    def take(self, response: JsonMapping, outputs: Sequence[Item]) -> None:
        """Go on from a response and the outputs of its calls."""
        if self.replay:
            self.items = [*self.items, *_replayable(output(response)), *outputs]
            return
        self.items = list(outputs)
        if "conversation" not in self.arguments:
            self.previous = response.get("id")


def start(
    messages: Sequence[Any],
    model: str,
    *,
    instructions: str | None = None,
    temperature: float | None = None,
    extra: JsonMapping | None = None,
    context: Context = "auto",
) -> ModelInput:
    """The conversation before the first turn.

    Raises:
        AdapterConfigurationError: `extra_create_args` holds what is the agent's own to set.
    """
    arguments = dict(extra or {})
    if taken := sorted(_OURS & arguments.keys()):
        hint = "; register tools with the agent, so that they are decided on" if "tools" in taken else ""
        raise AdapterConfigurationError(f"extra_create_args.{taken[0]}", f"is set by the agent itself{hint}")
    arguments["model"] = model
    if instructions is not None:
        arguments["instructions"] = instructions
    if temperature is not None:
        arguments["temperature"] = temperature
    arguments.setdefault("store", False)
    stored = arguments["store"] is not False or "conversation" in arguments
    if context == "previous_response_id" and not stored:
        raise AdapterConfigurationError("context", "previous_response_id needs extra_create_args={'store': True}")
    replay = context == "replay" or (context == "auto" and not stored)
    if not arguments["store"] and _reasons(model, arguments):
        include: list[str] = list(arguments.get("include") or ())
        arguments["include"] = include if _ENCRYPTED in include else [*include, _ENCRYPTED]
    return ModelInput(arguments, replay, [_item(message) for message in messages])


def _reasons(model: str, arguments: JsonMapping) -> bool:
    return "reasoning" in arguments or bool(_REASONING.search(model))


def _item(message: Any) -> Item:
    item: Item = plain(message)
    return item


def _replayable(items: Sequence[Item]) -> list[Item]:
    """The items as they can be sent back. Reasoning that the provider neither stores nor encrypted is lost to it.

    An id ties an item to that reasoning, so without it the ids go too.
    """
    lost = any(_is_lost(item) for item in items)
    if not lost:
        return [dict(item) for item in items]
    return [{key: each for key, each in item.items() if key != "id"} for item in items if not _is_lost(item)]


def _is_lost(item: Item) -> bool:
    return item.get("type") == "reasoning" and not item.get("encrypted_content")
