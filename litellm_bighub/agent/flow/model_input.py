"""What goes to the model on each turn: the whole conversation again, or only what is new.

With `store: false` the provider keeps nothing, so every item is sent again, its reasoning in encrypted form. With
`store: true` the provider knows the conversation by the id of its last response. Every other argument of the first
turn goes with every turn.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from litellm_bighub.agent.model.client_model import plain
from litellm_bighub.agent.record.events import output
from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.errors import AdapterConfigurationError

_REFUSED = 400
Context = Literal["auto", "replay", "previous_response_id"]
Item = JsonObject

_OURS = frozenset({"tools", "input", "model", "stream", "background"})
_LIKELY = re.compile(r"(^|/)(o\d|gpt-[5-9]|codex|computer-use)")
"""Models that reason, as far as names tell: a guess for the first turn, which their answers correct."""
_ENCRYPTED = "reasoning.encrypted_content"


@dataclass(slots=True)
class ModelInput:
    """One run's side of the conversation with the model.

    Attributes:
        arguments: what goes with every turn.
        items: the input of the next turn.
        previous: the response that the next turn goes on from; only where the provider stores.
        encrypted: whether reasoning is asked for in encrypted form.
        earlier: what the provider knows and is not sent again, for people who ask why a call was made.
        learned: what this agent's models have shown, by name: whether they give reasoning in encrypted form. `None`
            where the user has said what to do.
    """

    arguments: JsonObject
    replay: bool
    items: list[Item] = field(default_factory=list)
    previous: str | None = None
    encrypted: bool = False
    earlier: list[Item] = field(default_factory=list[Item])
    learned: dict[str, bool] | None = None

    @property
    def said(self) -> list[Item]:
        """The conversation before the next turn, as far as this run knows it."""
        return [*self.earlier, *self.items]

    @property
    def conversation_id(self) -> str:
        """The id of the provider's conversation, which is named as a text or an object; empty without one."""
        named = self.arguments.get("conversation")
        found = named.get("id") if isinstance(named, Mapping) else named
        return found if isinstance(found, str) else ""

    def request(self, tools: Sequence[JsonMapping]) -> JsonObject:
        """The arguments of the next call of the model."""
        request = {**self.arguments, "input": list(self.items), "tools": [dict(tool) for tool in tools]}
        if self.previous is not None:
            request["previous_response_id"] = self.previous
        include: list[str] = list(self.arguments.get("include") or ())
        if self.encrypted and _ENCRYPTED not in include:
            request["include"] = [*include, _ENCRYPTED]
        return request

    def learn(self, response: JsonMapping) -> None:
        """A response with reasoning that the provider does not store: from now on it is asked for."""
        if self.learned is None or self.arguments["store"] is not False or not _reasoned(response):
            return
        self.encrypted = self.learned.setdefault(str(self.arguments["model"]), True)

    def is_refused(self, error: Exception) -> bool:
        """Whether the provider refused to give reasoning in encrypted form; then it is asked without.

        What the caller asks for in `include` stays.
        """
        is_about_it = getattr(error, "status_code", None) == _REFUSED and "encrypted" in str(error).lower()
        if self.learned is None or not self.encrypted or not is_about_it:
            return False
        self.learned[str(self.arguments["model"])] = self.encrypted = False
        return True

    def take(self, response: JsonMapping, outputs: Sequence[Item]) -> None:
        """Go on from a response and the outputs of its calls."""
        if self.replay:
            self.items = [*self.items, *_replayable(output(response)), *outputs]
            return
        self.earlier += [*self.items, *output(response)]
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
    encrypted: bool | None = None,
    learned: dict[str, bool] | None = None,
) -> ModelInput:
    """The conversation before the first turn.

    Args:
        messages: the input.
        model: its name.
        instructions: the system's.
        temperature: of the model.
        extra: more arguments of each turn.
        context: how the conversation goes on.
        encrypted: whether to ask for reasoning in encrypted form; by default where it is needed, and likely to be had.
        learned: what the agent's models have shown; `None` if nothing is to be learned from them.

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
    if encrypted is None:
        likely = "reasoning" in arguments or bool(_LIKELY.search(model))
        encrypted = not arguments["store"] and (learned or {}).get(model, likely)
    return ModelInput(arguments, replay, [_item(message) for message in messages], encrypted=encrypted, learned=learned)


def _reasoned(response: JsonMapping) -> bool:
    return any(item.get("type") == "reasoning" for item in output(response))


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
