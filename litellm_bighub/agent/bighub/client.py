"""Calling a client of which little is known: sync or async, old or new.

A sync client runs in a worker thread. A method gets those keyword arguments that it takes, so a client of an older
generation works as far as it goes.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable
from typing import Any

import anyio
import anyio.to_thread

from litellm_bighub.domain.payload import JsonObject


class Client:
    """A client made when it is first needed; nothing of it is touched before.

    Args:
        make: gives the client.
        threads: how many calls of a sync client run at the same time.
        for_each_loop: whether it is made anew in each event loop, because its connections belong to the one that it was
            made in. Not so for a client that was handed in: that is its maker's to care for.
    """

    def __init__(self, make: Callable[[], Any], *, threads: int = 64, for_each_loop: bool = False) -> None:
        self._make = make
        self._threads = threads
        self._for_each_loop = for_each_loop
        self._made: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._limiter: anyio.CapacityLimiter | None = None
        self._signatures: dict[object, frozenset[str] | None] = {}

    @property
    def object(self) -> Any:
        """The client itself, in a running event loop."""
        loop = asyncio.get_running_loop()
        if self._made is None or (self._for_each_loop and self._loop is not loop):
            self._made = self._make()
        if self._loop is not loop:
            self._limiter = anyio.CapacityLimiter(self._threads)
        self._loop = loop
        return self._made

    def method(self, resource: str, *names: str) -> Callable[..., Any] | None:
        """The first of the methods that the client's resource has."""
        owner = getattr(self.object, resource, None)
        found = (getattr(owner, name, None) for name in names)
        return next((method for method in found if callable(method)), None)

    async def call(self, method: Callable[..., Any], **arguments: Any) -> Any:
        """Call a method with those of the arguments that it takes."""
        call = functools.partial(method, **self._taken(method, arguments))
        if inspect.iscoroutinefunction(method):
            return await call()
        result = await anyio.to_thread.run_sync(call, abandon_on_cancel=True, limiter=self._limiter)
        return await result if inspect.isawaitable(result) else result

    async def aclose(self) -> None:
        """Close the client, if it was ever made and can be closed."""
        if self._made is None:
            return
        close = getattr(self.object, "aclose", None) or getattr(self.object, "close", None)
        if callable(close):
            await self.call(close)

    def _taken(self, method: Callable[..., Any], arguments: JsonObject) -> JsonObject:
        # Reading a signature takes longer than the question: each function's is read once.
        function = getattr(method, "__func__", method)
        if function not in self._signatures:
            self._signatures[function] = _names(method)
        names = self._signatures[function]
        return arguments if names is None else {name: each for name, each in arguments.items() if name in names}


def _names(method: Callable[..., Any]) -> frozenset[str] | None:
    """The keyword arguments that a method takes; `None` if it takes any, or has no signature."""
    try:
        parameters = inspect.signature(method).parameters
    except (TypeError, ValueError):
        return None
    takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    return None if takes_any else frozenset(parameters)
