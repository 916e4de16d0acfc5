"""The model behind a client that somebody made: official or not, sync or async.

All that is asked of a client is `.responses.create`; `.responses.stream` is used where the client is not the official
one. A sync client is called in a worker thread.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

import anyio
import anyio.to_thread
import openai

from litellm_bighub.agent.plain import plain, plain_response

_END = object()


class Model(Protocol):
    """A model that can be asked. Responses and events come in plain containers."""

    async def create(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The whole response."""
        ...

    def stream(self, request: Mapping[str, Any]) -> AbstractAsyncContextManager[AsyncIterator[dict[str, Any]]]:
        """The response's events; the last one holds the response."""
        ...


class ClientModel:
    """A `Model` over a client's `.responses`.

    Args:
        client: makes the client when it is first needed; nothing of it is touched before.
        timeout: seconds for one attempt.
    """

    def __init__(self, client: Callable[[], Any], *, timeout: float) -> None:
        self._make = client
        self._timeout = timeout
        self._threads = anyio.CapacityLimiter(64)

    async def create(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The whole response."""
        return plain_response(await self._call(self._client.responses.create, {"timeout": self._timeout, **request}))

    @asynccontextmanager
    async def stream(self, request: Mapping[str, Any]) -> AsyncGenerator[AsyncIterator[dict[str, Any]], None]:
        """The response's events."""
        arguments = {"timeout": self._timeout, **request}
        responses = self._client.responses
        if self._is_official or not hasattr(responses, "stream"):
            opened = await self._call(responses.create, {**arguments, "stream": True})
        else:
            opened = await self._call(responses.stream, arguments)
        if not _is_stream(opened):
            yield _whole(plain_response(opened))
            return
        async with self._entered(opened) as source:
            events = self._events(source)
            try:
                yield events
            finally:
                await events.aclose()

    @functools.cached_property
    def _client(self) -> Any:
        client = self._make()
        # We retry ourselves: the client's own retries would multiply with ours.
        return client.with_options(max_retries=0) if isinstance(client, (openai.OpenAI, openai.AsyncOpenAI)) else client

    @property
    def _is_official(self) -> bool:
        return isinstance(self._client, (openai.OpenAI, openai.AsyncOpenAI))

    async def _call(self, function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
        call = functools.partial(function, **arguments)
        if isinstance(self._client, openai.AsyncOpenAI) or inspect.iscoroutinefunction(function):
            result = call()
        else:
            result = await self._in_thread(call)
        return await result if inspect.isawaitable(result) else result

    async def _in_thread(self, call: Callable[..., Any], *arguments: Any) -> Any:
        return await anyio.to_thread.run_sync(call, *arguments, abandon_on_cancel=True, limiter=self._threads)

    @asynccontextmanager
    async def _entered(self, opened: Any) -> AsyncGenerator[Any, None]:
        if hasattr(opened, "__aenter__"):
            async with opened as source:
                yield source
            return
        source = await self._in_thread(opened.__enter__) if hasattr(opened, "__enter__") else opened
        try:
            yield source
        finally:
            if hasattr(opened, "__exit__"):
                with anyio.CancelScope(shield=True):
                    await self._in_thread(opened.__exit__, None, None, None)

    async def _events(self, source: Any) -> AsyncGenerator[dict[str, Any], None]:
        if hasattr(source, "__aiter__"):
            async for event in source:
                yield plain(event)
        else:
            events: Iterator[Any] = iter(source)
            while (event := await self._in_thread(next, events, _END)) is not _END:
                yield plain(event)
        final = getattr(source, "get_final_response", None)
        if final is not None and not self._is_official:
            yield {"type": "final", "response": plain_response(await self._call(final, {}))}


def _is_stream(opened: object) -> bool:
    return any(hasattr(opened, each) for each in ("__aenter__", "__enter__", "__aiter__", "__next__"))


async def _whole(response: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    status = response.get("status")
    kind = status if status in {"incomplete", "failed"} else "completed"
    yield {"type": f"response.{kind}", "response": response}
