"""What a request brings back: results of tool calls, and notices that stood in place of calls."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from litellm_bighub.domain.call import ReasoningMark, ToolCall
from litellm_bighub.domain.decided_call import DecidedCall, storable
from litellm_bighub.wording import Wording

NOTICE_PREFIX: Final = "msg_bighub_"
"""How ids of notices begin, so that nothing need be looked up for other messages."""


APPROVAL_PREFIX: Final = f"{NOTICE_PREFIX}for_"
"""How ids of messages begin that stand for our requests for approval, whose ids follow."""


def _no_output(_: DecidedCall, __: Wording) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class FoundResult:
    """The result of a call.

    Attributes:
        call_id: the call that it is for.
        path: where it stands, as in `input[3]`.
        item: the item, message or block that holds it.
        call: gives that call as it stands in the same request, read once; `None` if it stands nowhere there.
        is_ours: whether it is what this package itself says in place of the output of that withheld call, in
            this wording or in the default.
    """

    call_id: str
    path: str
    item: object
    call: Callable[[], ToolCall] | None = None
    is_ours: Callable[[DecidedCall, Wording], bool] = _no_output

    def __post_init__(self) -> None:
        """Read the call once, whoever asks for it."""
        if self.call is not None:
            object.__setattr__(self, "call", cache(self.call))


@dataclass(frozen=True, slots=True)
class ReplayedCall:
    """A call that stands in a request.

    Attributes:
        item: the item, or the element of a message, that is the call.
        path: where it stands.
    """

    item: object
    path: str


class ReplayedCalls:
    """The calls of a request by their ids, which some models use again in each turn or for two calls of one answer.

    Results of the same id are of the calls of the latest turn that has it, in their order.
    """

    def __init__(self) -> None:
        self._turns: dict[str, tuple[int, deque[ReplayedCall]]] = {}

    def add(self, call_id: str, call: ReplayedCall, turn: int = 0) -> None:
        """Take in the next call."""
        known = self._turns.get(call_id)
        if known is not None and known[0] == turn:
            known[1].append(call)
        else:
            self._turns[call_id] = (turn, deque([call]))

    def answered(self, call_id: str) -> ReplayedCall | None:
        """The call that the next result of this id is for, `None` if it stands nowhere."""
        _, calls = self._turns.get(call_id, (0, None))
        if not calls:
            return None
        return calls.popleft() if len(calls) > 1 else calls[0]


@dataclass(frozen=True, slots=True)
class FoundReasoning:
    """A reasoning item, or a reference to an item that may be one, and where it stands, as in `input[3]`."""

    mark: ReasoningMark
    path: str

    def precedes(self, call: DecidedCall) -> bool:
        """Whether the call stood right behind it in its answer."""
        if self.mark.id:
            return call.reasoning_id == storable(self.mark.id)
        return bool(self.mark.digest) and call.reasoning_digest == self.mark.digest


@dataclass(frozen=True, slots=True)
class RequestResults:
    """Everything of a request that earlier decisions may be about.

    Attributes:
        results: in the order in which they stand.
        notices: ids of our notices.
        complete: whether every call that the request tells of stands in it; references and compacted items hide some.
        answered: the calls that it holds outputs for, those that say no included, by the outputs' places.
        reasoning: in the order in which it stands.
        is_broken: whether it holds items that no provider takes, whatever the ledger knows of them.
    """

    results: tuple[FoundResult, ...] = ()
    notices: tuple[str, ...] = ()
    complete: bool = True
    answered: Mapping[str, str] = field(default_factory=dict)
    reasoning: tuple[FoundReasoning, ...] = ()
    is_broken: bool = False
