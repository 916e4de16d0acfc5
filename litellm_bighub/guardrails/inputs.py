"""What a guardrail of today's contract is handed."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

STRUCTURED = "structured_messages"


class Inputs(dict[str, Any]):
    """`GenericGuardrailAPIInputs`, in which `structured_messages` are made when somebody asks for them by name.

    Turning a Responses request into chat messages costs more than everything else here together, and most guardrails
    never look at them. To those who iterate, copy or compare, the key is absent until it was asked for.
    """

    def __init__(self, values: dict[str, Any], structured_messages: Callable[[], object] | None = None) -> None:
        super().__init__(values)
        self._make = structured_messages

    def __missing__(self, key: str) -> Any:
        if key != STRUCTURED or (made := self._structured()) is None:
            raise KeyError(key)
        return made

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or (key == STRUCTURED and self._structured() is not None)

    def get(self, key: str, default: Any = None) -> Any:
        """Like `dict.get`, and makes the messages if they are what is asked for."""
        if key == STRUCTURED and not super().__contains__(key) and self._structured() is None:
            return default
        return super().get(key, default)

    def __deepcopy__(self, memo: dict[int, Any]) -> Inputs:
        return Inputs(deepcopy(dict(self), memo), self._make)

    def _structured(self) -> object:
        made = self._make() if self._make else None
        self._make = None
        if made is not None:
            self[STRUCTURED] = made
        return made
