"""What came of a call that the gateway made itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

from litellm_bighub.domain.call import CallType
from litellm_bighub.domain.payload import JsonObject


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """The result of one decided call. Holds nothing of the result itself, so that it may be logged as it is.

    Attributes:
        event_id: unique; the key by which consumers drop repeats.
        time: POSIX seconds at which the result was known.
        decision_id: of the decision that let the call pass, empty if the decider gave it none.
        ok: whether the tool says that it worked.
        size: how long the result is, in bytes of JSON; 0 where there is none.
        seconds: how long the call took.
    """

    event_id: str
    time: float
    tool: str
    type: CallType
    decision_id: str
    ok: bool
    size: int
    seconds: float
    arguments_digest: str
    actor: str
    domain: str
    surface: str
    trace_id: str
    user: str
    team: str
    kind: Literal["call_outcome"] = "call_outcome"

    def as_dict(self) -> JsonObject:
        """A copy in plain containers."""
        return asdict(self)
