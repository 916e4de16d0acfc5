"""How other people's functions are called: on an event loop, or by a thread that may block.

The code that calls them is written once, as coroutines. An async agent awaits those. A sync agent runs them with
`run_blocking`: whatever they wait for then blocks the calling thread, so that a run needs no change of threads, and a
tool or client finds itself in the thread that called the agent.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, TypeVar, cast

import anyio
import anyio.to_thread

from litellm_bighub.loop_thread import LoopThread

T = TypeVar("T")


class FunctionCaller(Protocol):
    """Calls a function of which it is not known whether it blocks or is async."""

    async def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """The function's result, awaited if it has to be."""
        ...

    async def surely(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Call a function that cleans up, even while everything is being cancelled."""
        ...

    async def awaited(self, awaitable: Awaitable[T]) -> T:
        """What the awaitable gives."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class LoopCaller:
    """Awaits what is async, and calls the rest in a worker thread."""

    async def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """The function's result, awaited if it has to be."""
        if inspect.iscoroutinefunction(function):
            return await function(*arguments)
        # A limiter of its own: one run must not wait for the threads of another.
        limiter = anyio.CapacityLimiter(1)
        result = await anyio.to_thread.run_sync(function, *arguments, abandon_on_cancel=True, limiter=limiter)
        return await result if inspect.isawaitable(result) else result

    async def surely(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Call a function that cleans up, even while everything is being cancelled."""
        with anyio.CancelScope(shield=True):
            await self.call(function, *arguments)

    async def awaited(self, awaitable: Awaitable[T]) -> T:
        """What the awaitable gives."""
        return await awaitable

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await anyio.sleep(seconds)


class BlockingCaller:
    """Calls in the current thread, and has what is async run by another one.

    Args:
        loop: the thread with an event loop.
    """

    def __init__(self, loop: LoopThread) -> None:
        self._loop = loop

    async def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """The function's result, awaited if it has to be."""
        result = function(*arguments)
        return await self.awaited(result) if inspect.isawaitable(result) else result

    async def surely(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Call a function that cleans up; nothing is cancelled here."""
        await self.call(function, *arguments)

    async def awaited(self, awaitable: Awaitable[T]) -> T:
        """What the awaitable gives."""

        async def wait() -> T:
            return await awaitable

        return self._loop.call(wait)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)  # noqa: ASYNC251 - no event loop runs here


def run_blocking(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in the current thread. Nothing that it awaits may wait for an event loop."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return cast("T", stop.value)  # what a coroutine returns is the value of its end
    coroutine.close()
    raise RuntimeError("a coroutine that was to block waited for an event loop")
