"""A gate whose events tell of calls only where their format has its place for calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from litellm_bighub.domain.call import ToolCall
from litellm_bighub.formats.answers.answer_fields import FieldShape, FieldShapes, cleared
from litellm_bighub.formats.answers.decided_calls import DecidedCalls
from litellm_bighub.formats.stream.gate_protocol import (
    STREAM_ENDED,
    Ask,
    CallKey,
    Hold,
    Leaving,
    Outcome,
    Release,
    StreamGate,
    Withhold,
)


class ListedFieldsGate:
    """Takes calls out of all other fields of what leaves another gate.

    An event that leaves before a call is decided on tells nothing of that call; one that was held tells of those that
    passed.

    Args:
        make: makes the other gate.
        listed: what the fields of its events carry.
    """

    def __init__(self, make: Callable[[Leaving], StreamGate], listed: FieldShape | FieldShapes) -> None:
        self._decided = DecidedCalls(torn=True)
        self._asked: dict[CallKey, ToolCall] = {}
        self._gate = make(lambda event: cleared(event, listed, self._decided))

    @property
    def unanswered(self) -> frozenset[CallKey]:
        """The calls that were asked for and have no outcome yet."""
        return self._gate.unanswered

    def feed(self, event: object) -> Release | Ask | Hold:
        """Take the upstream's next event."""
        step = self._gate.feed(event)
        if isinstance(step, Ask):
            self._asked |= {asked.key: asked.call for asked in step.calls}
        return step

    def answer(self, outcomes: Mapping[CallKey, Outcome]) -> Release:
        """Take the outcomes of some of the asked calls, and release what stands behind them.

        Raises:
            GateError: a key that was never asked or is answered already.
            PayloadError: edited arguments that have no place in their call.
        """
        for key in outcomes.keys() & self._asked.keys():
            self._decided.add(self._asked.pop(key), outcomes[key])
        return self._gate.answer(outcomes)

    def finish(self, notice: str = STREAM_ENDED) -> Release:
        """The upstream has no more events: withhold whatever is undecided, and release the rest.

        Args:
            notice: the text that takes the place of calls nobody decided on.
        """
        for call in self._asked.values():
            self._decided.add(call, Withhold(notice))
        self._asked.clear()
        return self._gate.finish(notice)

    def keep_alive(self) -> Release:
        """An event that tells clients nothing but that the stream is alive; none if the stream has not begun."""
        return self._gate.keep_alive()
