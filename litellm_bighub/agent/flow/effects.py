"""What a run wants to be done. The flow yields these, a driver carries them out; neither knows the other."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar, cast

from litellm_bighub.agent.tools.jobs import Job
from litellm_bighub.agent.tools.tool import DecisionMode
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Decision

T = TypeVar("T")
Event: TypeAlias = dict[str, Any]
SOMEBODY = "on_approval_required"

Response: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """The question whether one call may run.

    Attributes:
        action: the name that the policy knows the tool by.
        metadata: what the policy is told beside the call.
        mode: which of BIGHUB's endpoints is asked.
    """

    call: ToolCall
    context: CallContext
    action: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    mode: DecisionMode = "submit"


@dataclass(frozen=True, slots=True)
class Pending:
    """A call that waits for a person: everything that its approval is bound to."""

    ask: Ask
    request_id: str
    reason: str
    expires_at: float | None
    digest: str
    policy_version: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person said about a pending call.

    Attributes:
        by: who said it, as the callback tells.
        arguments: those that shall run in place of the model's.
    """

    approved: bool
    comment: str | None = None
    by: str = SOMEBODY
    arguments: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What holds after a person's answer: the decision, and what the control plane said to it."""

    decision: Decision
    approval: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A person has answered, and the control plane could not be told, or did not say what holds now.

    Attributes:
        problem: what went wrong, without anything of the call.
    """

    problem: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What an approval itself says of the call that it was asked for; `None` where it says nothing of a field.

    Attributes:
        tool: the name of what is to be done.
        arguments: with secrets hidden.
    """

    tool: str | None = None
    arguments: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class NotThisCall:
    """An approval was asked for another call, or is unknown.

    Attributes:
        problem: which of the two.
    """

    problem: str


class Effect(Generic[T]):
    """Something to be done that gives a `T`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class CallModel(Effect[Response]):
    """Ask the model for its next turn; gives the response in plain containers."""

    request: Mapping[str, Any]
    stream: bool


@dataclass(frozen=True, slots=True)
class Decide(Effect[list[Decision]]):
    """Decide on all calls of a turn, in one round trip."""

    asks: Sequence[Ask]


@dataclass(frozen=True, slots=True)
class Notify(Effect[list[bool]]):
    """Tell the audit hook of decisions; gives whether each was recorded."""

    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class RunTools(Effect[None]):
    """Run the allowed tools; each job holds its outcome afterwards."""

    jobs: Sequence[Job]


@dataclass(frozen=True, slots=True)
class AskPerson(Effect["Answer | None"]):
    """Ask for one pending call. `None` means that nobody has answered."""

    pending: Pending
    event: Event
    response: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Show(Effect["Shown | NotThisCall"]):
    """See what the approval of a pending call says itself."""

    pending: Pending


@dataclass(frozen=True, slots=True)
class Settle(Effect["Settled | Unsettled"]):
    """Bring into force what a person answered."""

    pending: Pending
    answer: Answer


@dataclass(frozen=True, slots=True)
class Look(Effect["Settled | None"]):
    """See whether a pending call was answered elsewhere. `None` means that it still waits."""

    pending: Pending


@dataclass(frozen=True, slots=True)
class StateKey(Effect[bytes]):
    """The key that signs the states of runs that wait."""


@dataclass(frozen=True, slots=True)
class Emit(Effect[None]):
    """Show an event to who reads the stream."""

    event: Event


AnyEffect: TypeAlias = CallModel | Decide | Notify | RunTools | AskPerson | Show | Settle | Look | StateKey | Emit
Steps: TypeAlias = Generator[AnyEffect, Any, T]


def do(effect: Effect[T]) -> Steps[T]:
    """Have an effect carried out; for `yield from`, which then has the type of what the effect gives."""
    result = yield cast("AnyEffect", effect)  # the union names every effect there is
    return cast("T", result)  # a driver gives what the effect promises
