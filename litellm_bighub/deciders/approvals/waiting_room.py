"""A room where many wait for approvals, and one task looks for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import Any, Generic, TypeAlias, TypeVar

T = TypeVar("T")


class Waiters(Generic[T]):
    """The waiters, by the id of their approval."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Future[T]]] = {}

    @property
    def ids(self) -> list[str]:
        """What is waited for."""
        return list(self._waiting)

    def tell(self, id_: str, found: T) -> None:
        """Tell those who wait for this id."""
        for waiter in self._waiting.get(id_, ()):
            if not waiter.done():
                waiter.set_result(found)

    @contextmanager
    def one_more(self, id_: str) -> Generator[asyncio.Future[T]]:
        """A waiter, as long as the context is open."""
        waiter: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        same = self._waiting.setdefault(id_, set())
        same.add(waiter)
        try:
            yield waiter
        finally:
            same.discard(waiter)
            if not same:
                del self._waiting[id_]


Look: TypeAlias = Callable[[Waiters[T]], Coroutine[None, None, None]]


class WaitingRoom(Generic[T]):
    """Where the tasks of a process wait.

    Args:
        look: looks once for all waiters, hands each its find, and pauses. Runs again and again in each event loop
            as long as it has waiters; an error of its own ends the waiting of all.
    """

    def __init__(self, look: Look[T]) -> None:
        self._look = look
        self._rooms: dict[asyncio.AbstractEventLoop, tuple[Waiters[T], asyncio.Task[None]]] = {}

    @contextmanager
    def enter(self, id_: str) -> Generator[Callable[[float], Awaitable[T | None]]]:
        """Wait for an id from now on.

        Yields:
            A function that waits for the find, at most so many seconds, and otherwise returns `None`.
        """
        loop = asyncio.get_running_loop()
        if loop not in self._rooms or self._rooms[loop][1].done():
            waiters = Waiters[T]()
            self._rooms[loop] = (waiters, asyncio.ensure_future(self._looking(waiters)))
        room = self._rooms[loop]
        waiters, looking = room
        try:
            with waiters.one_more(id_) as waiter:

                async def found(seconds: float) -> T | None:
                    either: set[asyncio.Future[Any]] = {waiter, looking}
                    await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
                    if not waiter.done() and looking.done():
                        looking.result()
                    return waiter.result() if waiter.done() else None

                yield found
        finally:
            if not waiters.ids:
                looking.cancel()
                if self._rooms.get(loop) is room:
                    del self._rooms[loop]

    async def _looking(self, waiters: Waiters[T]) -> None:
        while waiters.ids:  # and not for ever: a cancellation may be lost on its way through other people's code
            await self._look(waiters)
