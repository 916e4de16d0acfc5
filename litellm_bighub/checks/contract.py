"""Which of the two contracts a guardrail was written for.

The first one was `apply_guardrail(text: str) -> str`, one call a text. Today's is `apply_guardrail(inputs,
request_data, input_type, logging_obj) -> inputs`, all texts with their context in one call. Both are alive.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from enum import Enum
from functools import lru_cache
from typing import Any, Protocol


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
