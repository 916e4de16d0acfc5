"""The sinks that record a decision before anything is released, and the outcomes of calls that the gateway ran."""

from __future__ import annotations

import asyncio
import inspect
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import anyio

from litellm_bighub.domain.event import CallOutcome, DecisionEvent
from litellm_bighub.domain.payload import JsonObject

DecisionHook: TypeAlias = Callable[[JsonObject], "Awaitable[None] | None"]
"""A user's function; receives `DecisionEvent.as_dict()`, a copy of its own."""

logger = logging.getLogger(__name__)


class EventSink(Protocol):
    """Something that keeps events: an audit file, a log, a table."""

    def write(self, event: DecisionEvent) -> Awaitable[None] | None:
        """Keep the event, at once or when what is returned is awaited.

        Or raise: a decision that is not recorded releases nothing.
        """
        ...

    async def aclose(self) -> None:
        """Release files and connections. Safe to call twice."""
        ...


class InstantSink(ABC):
    """A sink that keeps an event without waiting for anything."""

    @abstractmethod
    def keep(self, event: DecisionEvent) -> None:
        """Keep the event, or raise."""

    def write(self, event: DecisionEvent) -> None:
        """See `EventSink`."""
        self.keep(event)

    async def aclose(self) -> None:  # noqa: B027 - none of them holds anything that is to be released
        """Nothing to release."""


@dataclass(frozen=True, slots=True)
class HookSink:
    """A user's function as a sink."""

    hook: DecisionHook

    def write(self, event: DecisionEvent) -> Awaitable[None] | None:
        """Call the function. What it returns is awaited if it is asynchronous."""
        returned = self.hook(event.as_dict())
        return returned if inspect.isawaitable(returned) else None

    async def aclose(self) -> None:
        """Nothing to release."""


async def record(
    event: DecisionEvent, sinks: Sequence[EventSink], withheld: Callable[[], DecisionEvent], *, seconds: float
) -> bool:
    """Write the event to every sink. After the first failure the other sinks get the event of the withheld call.

    Args:
        event: what happened.
        sinks: written to one after the other.
        withheld: makes the event of a call that was withheld for a failure.
        seconds: how long each sink may take.

    Returns:
        whether all have recorded the event.
    """
    recorded = True
    for sink in sinks:
        if not await _written(event, sink, seconds) and recorded:
            recorded, event = False, withheld()
    return recorded


async def _written(event: DecisionEvent, sink: EventSink, seconds: float) -> bool:
    try:
        kept = sink.write(event)
        if kept is not None:  # what is kept already gets no deadline: none could have ended it
            with anyio.fail_after(seconds):
                await kept
    except Exception as error:  # noqa: BLE001 - a sink is anyone's code; whatever it raises withholds the call
        # Neither its message nor a traceback: both may hold the arguments.
        logger.error("%s did not record decision %s: %s", _name(sink), event.event_id, type(error).__name__)  # noqa: TRY400
        return False
    return True


def _name(sink: EventSink) -> str:
    return "on_decision" if isinstance(sink, HookSink) else type(sink).__name__


class OutcomeSink(Protocol):
    """Something that keeps outcomes: an audit file, a control plane."""

    async def record(self, outcome: CallOutcome, /) -> None:
        """Keep the outcome, or raise."""
        ...


class Outcomes:
    """Writes outcomes in the background: the call has run, so nothing is held back for its record."""

    def __init__(self, sinks: Sequence[OutcomeSink]) -> None:
        self._sinks = tuple(sinks)
        self._tasks: set[asyncio.Task[None]] = set()

    def tell(self, outcome: CallOutcome) -> None:
        """Write to every sink. A failure is at least in the log."""
        for sink in self._sinks:
            task = asyncio.ensure_future(_tell(sink, outcome))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """Wait for what is under way. The sinks are closed by their owners."""
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _tell(sink: OutcomeSink, outcome: CallOutcome) -> None:
    try:
        await sink.record(outcome)
    except Exception as error:  # noqa: BLE001 - a sink is anyone's code; its message may hold paths
        name = type(sink).__name__
        logger.error("%s did not record outcome %s: %s", name, outcome.event_id, type(error).__name__)  # noqa: TRY400
