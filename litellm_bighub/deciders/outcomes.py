"""The outcomes of calls that the gateway made itself, and the sinks that keep them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from litellm_bighub.domain.event import CallOutcome

logger = logging.getLogger(__name__)


class OutcomeSink(Protocol):
    """Something that keeps outcomes: an audit file, a control plane."""

    async def record(self, outcome: CallOutcome) -> None:
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
