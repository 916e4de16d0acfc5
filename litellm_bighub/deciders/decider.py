"""The protocol that everything behind a decision implements."""

from __future__ import annotations

from typing import Protocol

from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Decision


class Decider(Protocol):
    """Answers whether one call may be run. `ToolDecisions` asks for all calls of a response at the same time.

    A behaviour around a decider (deadline, retry, breaker) is a small class over this same protocol.
    """

    name: str
    """As the audit names it: `embedded`, `bighub`."""

    async def decide(self, call: ToolCall, context: CallContext) -> Decision:
        """Decide on one call whose arguments are readable.

        Raises:
            DecisionUnavailable: could not be reached.
            DecisionRefused: was reached and refused the question.
            DecisionUnreadable: answered something that is no decision.
        """
        ...

    async def aclose(self) -> None:
        """Release connections and files. Safe to call twice."""
        ...
