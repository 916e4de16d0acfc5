"""The delivery of an agent's events to BIGHUB, which never keeps a run waiting.

Runs put their events into a bounded queue. A worker delivers them in the background, each delivery within a limit; what
does not fit or does not arrive is counted, and that is all that happens to it.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeAlias, TypeVar

import anyio

from litellm_bighub.domain.payload import JsonMapping

logger = logging.getLogger("litellm_bighub.agent")
Handle = TypeVar("Handle")


@dataclass(frozen=True, slots=True)
class EventBatch:
    """The events of one run.

    Attributes:
        reported: whether the outcomes in them have been reported already.
    """

    events: Sequence[JsonMapping]
    trace_id: str
    model: str
    reported: bool = False


Deliver: TypeAlias = Callable[[EventBatch], Awaitable[None]]


class AgentMemory(Protocol):
    """Takes the events of an agent."""

    async def remember(self, batch: EventBatch) -> None:
        """Take the events."""
        ...

    async def report(self, batch: EventBatch) -> None:
        """Take how the calls that ran have ended."""
        ...


def all_of(*targets: Deliver | None) -> Deliver | None:
    """Delivers to all targets at the same time, each on its own; `None` if there is no target."""
    wanted = [target for target in targets if target is not None]
    if not wanted:
        return None

    async def deliver(batch: EventBatch) -> None:
        failures = await asyncio.gather(*(target(batch) for target in wanted), return_exceptions=True)
        for failure in failures:
            if failure is not None:
                raise failure

    return deliver


class Deliveries(Generic[Handle]):
    """The queue and its worker.

    Args:
        deliver: sends one batch.
        spawn: starts the worker in the background; what it gives is waited for by `flush`.
        limit_seconds: for one delivery.
        capacity: batches that may wait.

    Attributes:
        dropped: events that were not delivered.
    """

    def __init__(
        self,
        deliver: Deliver,
        *,
        spawn: Callable[[Callable[[], Awaitable[None]]], Handle],
        limit_seconds: float,
        capacity: int = 256,
    ) -> None:
        self._deliver = deliver
        self._spawn = spawn
        self._limit = limit_seconds
        self._capacity = capacity
        self._waiting: deque[EventBatch] = deque()
        self._lock = threading.Lock()
        self._working = False
        self.worker: Handle | None = None
        self.dropped = 0

    def put(self, batch: EventBatch) -> None:
        """Take a batch and return at once."""
        with self._lock:
            if len(self._waiting) >= self._capacity:
                self.dropped += len(batch.events)
                return
            self._waiting.append(batch)
            if self._working:
                return
            self._working = True
        self.worker = self._spawn(self._work)

    def give_up(self) -> None:
        """Count what still waits as dropped."""
        with self._lock:
            self.dropped += sum(len(batch.events) for batch in self._waiting)
            self._waiting.clear()

    async def _work(self) -> None:
        try:
            while (batch := self._next()) is not None:
                await self._try(batch)
        except BaseException:
            with self._lock:
                self._working = False
            raise

    def _next(self) -> EventBatch | None:
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._working = False
            return None

    async def _try(self, batch: EventBatch) -> None:
        delivered = False
        try:
            delivered = await attempt(self._deliver, batch, self._limit) is None
        finally:
            if not delivered:
                self.dropped += len(batch.events)


async def attempt(deliver: Deliver, batch: EventBatch, limit_seconds: float) -> str | None:
    """Deliver within the limit; gives what went wrong, if anything did."""
    problem = f"it took longer than {limit_seconds:g} s"
    try:
        with anyio.move_on_after(limit_seconds):
            await deliver(batch)
            return None
    except Exception as error:  # noqa: BLE001 - telemetry is best effort, whatever the client raises
        problem = type(error).__name__
    logger.debug("run %s was not told: %s", batch.trace_id, problem)
    return problem
