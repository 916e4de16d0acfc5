"""Telling BIGHUB what an agent did, without ever keeping a run waiting.

Runs put their events into a bounded queue. A worker delivers them in the background, each delivery within a limit; what
does not fit or does not arrive is counted, and that is all that happens to it.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

import anyio

from litellm_bighub.agent.bighub.calling import Client
from litellm_bighub.agent.records import ToolExecutionEvent
from litellm_bighub.agent.tools.result_text import jsonable
from litellm_bighub.domain.redaction import Redactor

logger = logging.getLogger("litellm_bighub.agent")
Handle = TypeVar("Handle")


@dataclass(frozen=True, slots=True)
class Batch:
    """The events of one run."""

    events: Sequence[Mapping[str, Any]]
    trace_id: str
    model: str


Deliver: TypeAlias = Callable[[Batch], Awaitable[None]]


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
        self._waiting: deque[Batch] = deque()
        self._lock = threading.Lock()
        self._working = False
        self.worker: Handle | None = None
        self.dropped = 0

    def put(self, batch: Batch) -> None:
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

    def _next(self) -> Batch | None:
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._working = False
            return None

    async def _try(self, batch: Batch) -> None:
        problem = "took too long"
        delivered = False
        try:
            with anyio.move_on_after(self._limit):
                await self._deliver(batch)
                delivered = True
        except Exception as error:  # noqa: BLE001 - telemetry is best effort, whatever the client raises
            problem = type(error).__name__
        finally:
            if not delivered:
                self.dropped += len(batch.events)
                logger.debug("memory of run %s was not delivered: %s", batch.trace_id, problem)


@dataclass(frozen=True, slots=True)
class ClientMemory:
    """Delivers to a BIGHUB client: events to its memory, outcomes of what ran to its outcomes."""

    client: Client
    source: str
    source_version: str
    actor: str
    domain: str
    remembers: bool
    reports: bool
    redactor: Redactor

    async def deliver(self, batch: Batch) -> None:
        """Send a batch. A client without memory or outcomes is not asked for them."""
        events = [self._redacted(event) for event in batch.events]
        ingest = self.client.method("actions", "ingest_memory") if self.remembers else None
        if ingest is not None:
            await self.client.call(
                ingest,
                events=events,
                source=self.source,
                source_version=self.source_version,
                actor=self.actor,
                domain=self.domain,
                model=batch.model,
                trace_id=batch.trace_id,
            )
        report = self.client.method("outcomes", "report") if self.reports else None
        if report is not None:
            for event in events:
                await self._report(report, event)

    async def _report(self, report: Callable[..., Any], event: Mapping[str, Any]) -> None:
        status = {"executed": "SUCCESS", "tool_error": "FAILURE"}.get(event["status"])
        if status is not None and event["request_id"]:
            details = {"tool": event["tool"], "call_id": event["call_id"], "event_id": event["event_id"]}
            await self.client.call(report, status=status, request_id=event["request_id"], details=details)

    def _redacted(self, event: Mapping[str, Any]) -> dict[str, Any]:
        return redacted_event(event, self.redactor)


def redacted_event(event: Mapping[str, Any], redactor: Redactor) -> dict[str, Any]:
    """A copy without secrets in its arguments, output and error."""
    told = {"arguments": event["arguments"], "output": jsonable(event["output"]), "error": event["error"]}
    return {**event, **redactor.redact(told)}


def batch_of(events: Sequence[ToolExecutionEvent], *, trace_id: str, model: str) -> Batch:
    """The batch of a run's events."""
    return Batch([event.as_dict() for event in events], trace_id, model)
