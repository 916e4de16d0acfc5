"""Drives a sync and an async agent by the same words, so that every flow test runs under both."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from typing import Any

import anyio.from_thread
import openai

from litellm_bighub.agent.async_guarded import AsyncGuardedOpenAI
from litellm_bighub.agent.guarded import GuardedOpenAI
from litellm_bighub.testing import ScriptedDecider, text

DONE = [text("done")]
ASK = {"messages": [{"role": "user", "content": "go"}], "model": "gpt-4.1"}


class Driver:
    """One of the two agents, always called synchronously."""

    def __init__(self, kind: str, base_url: str) -> None:
        self.kind = kind
        self.base_url = base_url
        self._stack = ExitStack()
        self._portal = self._stack.enter_context(anyio.from_thread.start_blocking_portal())
        self._made: list[Any] = []
        self._clients: list[Any] = []

    def guard(self, **options: Any) -> Any:
        """An agent over the official client, whose own retries are left as they are."""
        options.setdefault("decider", ScriptedDecider())
        options.setdefault("provider_retry_backoff_seconds", 0)
        options.setdefault("provider_retry_jitter_seconds", 0)
        if options["decider"] is None:
            del options["decider"]
        made = self._sync(options) if self.kind == "sync" else self._portal.call(self._async, options)
        self._made.append(made)
        return made

    def client(self) -> Any:
        """The official client of the kind that fits."""
        official = openai.OpenAI if self.kind == "sync" else openai.AsyncOpenAI
        client = official(base_url=self.base_url, api_key="any")
        self._clients.append(client)
        return client

    def call(self, guard: Any, method: str, **arguments: Any) -> Any:
        """Call a method and wait for its result."""
        if self.kind == "sync":
            return getattr(guard, method)(**arguments)

        async def called() -> Any:
            return await getattr(guard, method)(**arguments)

        return self._portal.call(called)

    def run(self, guard: Any, **arguments: Any) -> Any:
        return self.call(guard, "run", **{**ASK, **arguments})

    def stream(self, guard: Any, *, take: int | None = None, **arguments: Any) -> list[dict[str, Any]]:
        """The events of a stream; after `take` of them nobody reads on."""
        return self.events(guard, "run_stream", take=take, **{**ASK, **arguments})

    def events(self, guard: Any, method: str, *, take: int | None = None, **arguments: Any) -> list[dict[str, Any]]:
        """The events that a method gives; after `take` of them nobody reads on."""
        told: list[dict[str, Any]] = []
        if self.kind == "sync":
            source = getattr(guard, method)(**arguments)
            for event in source:
                told.append(event)
                if len(told) == take:
                    source.close()
                    break
            return told

        async def read() -> list[dict[str, Any]]:
            source = getattr(guard, method)(**arguments)
            async for event in source:
                told.append(event)
                if len(told) == take:
                    await source.aclose()
                    break
            return told

        return self._portal.call(read)

    def close(self) -> None:
        for guard in self._made:
            with suppress(RuntimeError):
                self.call(guard, "close")
        for client in self._clients:  # those that are handed in stay their maker's to close
            self.call(client, "close")
        self._stack.close()

    def _sync(self, options: dict[str, Any]) -> GuardedOpenAI:
        return GuardedOpenAI(**self._with_client(options))

    async def _async(self, options: dict[str, Any]) -> AsyncGuardedOpenAI:
        return AsyncGuardedOpenAI(**self._with_client(options))

    def _with_client(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"openai_client": self.client(), **options} if "model_client" not in options else options


def outputs(request: Any) -> list[dict[str, Any]]:
    """The outputs of calls that a request to the model holds."""
    return [item for item in request.body["input"] if str(item.get("type", "")).endswith("_call_output")]
