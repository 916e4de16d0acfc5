"""What a guardrail of today's contract is handed."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from litellm_bighub.domain.payload import JsonObject, Payload

STRUCTURED = "structured_messages"


class Inputs(JsonObject):
    """`GenericGuardrailAPIInputs`, in which `structured_messages` are made when somebody asks for them by name.

    Turning a Responses request into chat messages costs more than everything else here together, and most guardrails
    never look at them. To those who iterate, copy or compare, the key is absent until it was asked for.
    """

    def __init__(self, values: JsonObject, structured_messages: Callable[[], object] | None = None) -> None:
        super().__init__(values)
        self._make = structured_messages

    def __missing__(self, key: str) -> Payload:
        if key != STRUCTURED or self._make is None:
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
        return Inputs(deepcopy(dict(self), memo), self._make)

    def _add_structured(self) -> None:
        make, self._make = self._make, None
        if make is None or super().__contains__(STRUCTURED):
            return
        made = make()
        if made is not None:
            self[STRUCTURED] = made
