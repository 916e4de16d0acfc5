"""The gate of a route that an operator has opened, and on which nobody knows what is spoken."""

from __future__ import annotations

from collections.abc import Mapping

from litellm_bighub.errors import UnreadableAnswerError
from litellm_bighub.formats.stream.gate_protocol import STREAM_ENDED, Ask, CallKey, Hold, Outcome, Release, StreamGate


class OpenGate:
    """Lets pass what its gate cannot read. What looks like a call is decided on even there.

    Args:
        gate: a new one that changes nothing where it refuses an event.
    """

    def __init__(self, gate: StreamGate) -> None:
        self._gate = gate

    @property
    def unanswered(self) -> frozenset[CallKey]:
        """The calls that were asked for and have no outcome yet."""
        return self._gate.unanswered

    def feed(self, event: object) -> Release | Ask | Hold:
        """Take the upstream's next event."""
        try:
            return self._gate.feed(event)
        except UnreadableAnswerError:
            return Release((event,))

    def answer(self, outcomes: Mapping[CallKey, Outcome]) -> Release:
        """Take the outcomes of some of the asked calls, and release what stands behind them."""
        return self._gate.answer(outcomes)

    def finish(self, notice: str = STREAM_ENDED) -> Release:
        """The upstream has no more events."""
        return self._gate.finish(notice)

    def keep_alive(self) -> Release:
        """An event that tells clients nothing but that the stream is alive."""
        return self._gate.keep_alive()
