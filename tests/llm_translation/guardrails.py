"""Guardrails of both contracts, small enough to see through."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from litellm.integrations.custom_guardrail import CustomGuardrail


class First(CustomGuardrail):
    """The first contract: one text, one answer."""

    records_own_guardrail_information = True  # else LiteLLM writes a log entry into the request

    def __init__(self, answer: Callable[[str], Any] = str, **kwargs: Any):
        super().__init__(guardrail_name="first", **kwargs)
        self.answer = answer
        self.seen: list[str] = []

    async def apply_guardrail(self, text: str, language: str | None = None) -> str:
        self.seen.append(text)
        return self.answer(text)


class Today(CustomGuardrail):
    """Today's contract: all texts with their context. `change` gets the inputs, and answers."""

    records_own_guardrail_information = True  # else LiteLLM writes a log entry into the request

    def __init__(self, change: Callable[[dict[str, Any]], Any] = dict, **kwargs: Any):
        super().__init__(guardrail_name="today", **kwargs)
        self.change = change
        self.calls: list[dict[str, Any]] = []
        self.input_types: list[str] = []

    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        self.calls.append(deepcopy(dict(inputs)))
        self.input_types.append(input_type)
        return self.change(inputs)

    @property
    def seen(self) -> list[str]:
        return [text for call in self.calls for text in call["texts"]]


def masking(secret: str, mask: str) -> tuple[First, Today]:
    def change(inputs: dict[str, Any]) -> dict[str, Any]:
        return {**inputs, "texts": [text.replace(secret, mask) for text in inputs["texts"]]}

    return First(lambda text: text.replace(secret, mask)), Today(change)


class Rendezvous(CustomGuardrail):
    """Answers only when so many checks are under way: who awaits them one by one waits for ever."""

    def __init__(self, together: int, *, fail: bool = False):
        super().__init__(guardrail_name="rendezvous")
        self.together = together
        self.fail = fail
        self.running = 0
        self.most = 0
        self.cancelled = 0
        self.enough = asyncio.Event()

    async def _meet(self) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            if self.running == self.together:
                self.enough.set()
                if self.fail:
                    raise LookupError("this text is blocked")
            await (asyncio.Event() if self.fail else self.enough).wait()
            await asyncio.sleep(0)  # lets one that must not run yet show itself
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1


class FirstRendezvous(Rendezvous):
    async def apply_guardrail(self, text: str) -> str:
        await self._meet()
        return text.upper()


class TodayRendezvous(Rendezvous):
    text_calls = "each"

    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        await self._meet()
        return {"texts": [text.upper() for text in inputs["texts"]]}
