"""A decider that answers what a test tells it to.

```python
decider = ScriptedDecider({"delete_customer": Block("not today")})
decisions = ToolDecisions(decider)
...  # every other call is allowed
assert [call.name for call, _ in decider.asked] == ["delete_customer"]
```
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow, Decision

ScriptedDecision: TypeAlias = Decision | BaseException | Callable[[ToolCall], Decision]


class ScriptedDecider:
    """Answers by the tool's name: a decision, an error that it raises, or a function that makes a decision of the call.

    Args:
        answers: the answer for each tool's name.
        otherwise: the answer for every other tool.
    """

    name = "scripted"

    def __init__(
        self, answers: Mapping[str, ScriptedDecision] | None = None, otherwise: ScriptedDecision | None = None
    ) -> None:
        self.answers = dict(answers or {})
        self.otherwise: ScriptedDecision = otherwise or Allow("fine")
        self.asked: list[tuple[ToolCall, CallContext]] = []
        """The calls that it was asked about, in their order."""
        self.closed = 0
        """How many times it was closed."""

    async def decide(self, call: ToolCall, context: CallContext) -> Decision:
        """Answer as the script says."""
        self.asked.append((call, context))
        answer = self.answers.get(call.name, self.otherwise)
        if isinstance(answer, BaseException):
            raise answer
        return answer(call) if callable(answer) else answer

    async def aclose(self) -> None:
        """Count."""
        self.closed += 1
