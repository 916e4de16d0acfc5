"""The stream that a governed call in code returns, LiteLLM's stream below it, and its twin for synchronous code.

The twin also works in a thread in which an event loop runs, as in a notebook.
"""

from __future__ import annotations

import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager
from functools import cache, partial
from types import TracebackType
from typing import Any

from typing_extensions import Self

from litellm_bighub.domain.payload import JsonMapping, Payload
from litellm_bighub.formats.answers.error_text import harmless
from litellm_bighub.gateway.pipeline.gated_stream import close_stream
from litellm_bighub.gateway.pipeline.provider_error import sanitized_error
from litellm_bighub.loop_thread import LoopThread
from litellm_bighub.wording import Wording


class Upstream:
    """A stream of LiteLLM's.

    Args:
        events: the stream.
        within: where it is read, as the request was sent: LiteLLM may fall back in the midst of it, and send another.
        wording: in which errors are told.
    """

    def __init__(
        self, events: AsyncIterator[Any], within: Callable[[], AbstractContextManager[None]], wording: Wording
    ) -> None:
        self._wording = wording
        self._events = events
        self._within = within

    def __aiter__(self) -> Upstream:
        return self

    async def __anext__(self) -> Payload:
        with self._within():
            try:
                return harmless(await anext(self._events), self._wording)
            except StopAsyncIteration:
                raise
            except Exception as error:  # noqa: BLE001 - whichever it is, it may quote the answer
                failed = sanitized_error(error, alone=True, wording=self._wording)
        raise failed from None

    async def aclose(self) -> None:
        """Let go of the provider's answer."""
        await _let_go(self._events)


class CodeStream:
    """A stream of events: an asynchronous iterator, and a context manager that closes it.

    Args:
        events: what is given back.
        source: what they are made of; closed with them, even if nobody has begun to read.
    """

    def __init__(self, events: AsyncGenerator[Any, None], source: object) -> None:
        self._events = events
        self._source = source

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Payload:
        return await anext(self._events)

    async def aclose(self) -> None:
        """Let go of the provider's answer; what is undecided is never given back. Safe to call twice."""
        try:
            await self._events.aclose()
        finally:
            await _let_go(self._source)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


async def _let_go(events: object) -> None:
    """Close a stream of LiteLLM's. Those of the Responses API have nothing to close but the HTTP answer they read."""
    await close_stream(events if hasattr(events, "aclose") else getattr(events, "response", None))


_END = object()


@cache
def _loop() -> LoopThread:
    """The event loop of this process's synchronous calls: the connections that clients keep belong to it."""
    return LoopThread("litellm-bighub")


def blocking(function: Callable[..., Awaitable[Any]], arguments: JsonMapping) -> Payload:
    """Call an asynchronous function and wait for what it answers; a stream comes back as `BlockingStream`."""
    loop = _loop()
    answer = loop.call(partial(function, **arguments))
    return BlockingStream(answer, loop) if isinstance(answer, CodeStream) else answer


class BlockingStream:
    """A stream for synchronous code: an iterator, and a context manager that closes it.

    One that is thrown away before its end is closed, too.

    Args:
        stream: belongs to the loop.
        loop: where it is read.
    """

    def __init__(self, stream: CodeStream, loop: LoopThread) -> None:
        self._stream = stream
        self._loop = loop
        self._thrown_away = weakref.finalize(self, loop.start, stream.aclose)
        self._thrown_away.atexit = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Payload:
        event = self._loop.call(anext, self._stream, _END)
        if event is _END:
            raise StopIteration
        return event

    def close(self) -> None:
        """Let go of the provider's answer. Safe to call twice."""
        if self._thrown_away.detach():
            self._loop.call(self._stream.aclose)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
