"""Which of the two contracts a guardrail was written for, and what one of today's contract is handed.

The first one was `apply_guardrail(text: str) -> str`, one call a text. Today's is `apply_guardrail(inputs,
request_data, input_type, logging_obj) -> inputs`, all texts with their context in one call. Both are alive.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from copy import deepcopy
from enum import Enum
from functools import lru_cache
from typing import Any, Protocol

from litellm_bighub.domain.payload import JsonObject, Payload


class Contract(Enum):
    """How a guardrail wants to be called."""

    TEXT = "text"
    INPUTS = "inputs"


class Guardrail(Protocol):
    """What is used of a guardrail; LiteLLM's `CustomGuardrail` is one."""

    guardrail_name: str | None

    @property
    def apply_guardrail(self) -> Callable[..., Awaitable[Any]]:
        """The check itself, in one of the two contracts."""
        ...


def contract_of(guardrail: Guardrail) -> Contract:
    """Tell the contracts apart by the signature of `apply_guardrail`."""
    method = guardrail.apply_guardrail
    return _contract(getattr(method, "__func__", method))


@lru_cache(maxsize=256)
def _contract(function: Callable[..., Any]) -> Contract:
    parameters = inspect.signature(function).parameters
    return Contract.TEXT if "text" in parameters and "inputs" not in parameters else Contract.INPUTS


def name_of(guardrail: object) -> str:
    """What errors and logs call it."""
    return getattr(guardrail, "guardrail_name", None) or type(guardrail).__name__


STRUCTURED = "structured_messages"


class Inputs(JsonObject):
    """`GenericGuardrailAPIInputs`, in which `structured_messages` are made when somebody asks for them by name.

    Turning a Responses request into chat messages costs more than everything else here together, and most guardrails
    never look at them. To those who iterate, copy or compare, the key is absent until it was asked for.

    Attributes:
        make: makes them; `None` if there are none to make. Set after the dict was made: an initializer of our own would
            cost as much as all else about a text that is alone.
    """

    make: Callable[[], object] | None = None

    def __missing__(self, key: str) -> Payload:
        if key != STRUCTURED or self.make is None:
            raise KeyError(key)
        self._add_structured()
        return self[key]

    def __contains__(self, key: object) -> bool:
        if key == STRUCTURED:
            self._add_structured()
        return super().__contains__(key)

    def get(self, key: str, default: Payload = None) -> Payload:
        """Like `dict.get`, and makes the messages if they are what is asked for."""
        if key == STRUCTURED:
            self._add_structured()
        return super().get(key, default)

    def __deepcopy__(self, memo: dict[int, Any]) -> Inputs:
        copied = Inputs(deepcopy(dict(self), memo))
        copied.make = self.make
        return copied

    def _add_structured(self) -> None:
        make, self.make = self.make, None
        if make is None or super().__contains__(STRUCTURED):
            return
        made = make()
        if made is not None:
            self[STRUCTURED] = made
