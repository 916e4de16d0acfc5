"""Governed calls for synchronous code, also in a thread in which an event loop runs, as in a notebook."""

from __future__ import annotations

import weakref
from collections.abc import Awaitable, Callable
from functools import cache, partial
from types import TracebackType
from typing import Any

from typing_extensions import Self

from litellm_bighub.domain.payload import JsonMapping, Payload
from litellm_bighub.gateway.sdk.code_stream import CodeStream
from litellm_bighub.loop_thread import LoopThread

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
