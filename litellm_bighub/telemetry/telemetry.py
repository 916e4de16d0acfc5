"""The metrics and spans of one process: it counts decisions, and gauges streams, approvals and breakers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

from litellm_bighub.deciders.event_sinks import InstantSink
from litellm_bighub.deciders.wrappers.circuit import BreakerState
from litellm_bighub.domain.event import DecisionEvent
from litellm_bighub.telemetry.instruments import Instruments, ToolNames
from litellm_bighub.telemetry.spans import DecisionSpans

logger = logging.getLogger(__name__)


class Telemetry(InstantSink):
    """A sink that never fails, since a failure to measure must not withhold a call.

    Args:
        instruments: one for each system of metrics.
        spans: of decisions.
        tool_names: keeps the number of series bounded.
    """

    def __init__(
        self, instruments: Sequence[Instruments], spans: DecisionSpans, *, tool_names: ToolNames | None = None
    ) -> None:
        self._instruments = tuple(instruments)
        self._tool_names = tool_names or ToolNames()
        self.spans = spans

    def keep(self, event: DecisionEvent) -> None:
        """Count the decision and make its span."""
        try:
            self._count(event)
        except (OSError, ValueError) as error:  # a full disk, where workers share their samples in files
            logger.warning("decision %s was not counted: %s", event.event_id, type(error).__name__)
        self.spans.decided(event)

    def _count(self, event: DecisionEvent) -> None:
        tool = self._tool_names.label(event.tool)
        for instruments in self._instruments:
            instruments.decided(
                tool=tool,
                verdict=event.verdict,
                enforced=event.enforced,
                decider=event.decider,
                seconds=event.latency_ms / 1000,
            )
            if event.degraded:
                instruments.degraded(tool=tool)

    def pending(self, approvals: int) -> None:
        """Set the number of approvals that wait for a person."""
        for instruments in self._instruments:
            instruments.pending(approvals)

    def breaker(self) -> Callable[[BreakerState], None]:
        """Return a function for a new breaker to call with each of its states."""
        before: BreakerState | None = None

        def changed(after: BreakerState) -> None:
            nonlocal before
            for instruments in self._instruments:
                instruments.breaker(before, after)
            before = after

        return changed

    def stream(self) -> HeldStream:
        """Follow one stream, which counts as held while it waits."""
        return HeldStream(self._held)

    def _held(self, change: int) -> None:
        for instruments in self._instruments:
            instruments.held(change)


class HeldStream:
    """Whether one stream waits, however many of its calls do."""

    def __init__(self, held: Callable[[int], None]) -> None:
        self._held = held
        self._waits = 0

    @contextmanager
    def waiting(self) -> Generator[None, None, None]:
        """Held as long as one of these contexts is open."""
        self._waits += 1
        if self._waits == 1:
            self._held(1)
        try:
            yield
        finally:
            self._waits -= 1
            if self._waits == 0:
                self._held(-1)
