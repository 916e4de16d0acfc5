"""The effects of a run. The flow yields them, a driver carries them out; neither knows the other."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar, cast

from typing_extensions import Required, TypedDict

from litellm_bighub.agent.tools.jobs import Job
from litellm_bighub.deciders.ledger.conversation_history import FollowedConversation
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Decision
from litellm_bighub.domain.payload import JsonMapping, JsonObject

T = TypeVar("T")
Event: TypeAlias = JsonObject
SOMEBODY = "on_approval_required"

Response: TypeAlias = JsonMapping


@dataclass(frozen=True, slots=True)
class CallQuestion:
    """The question whether one call may run.

    Attributes:
        action: the name that the policy knows the tool by.
    """

    call: ToolCall
    context: CallContext
    action: str = ""


@dataclass(frozen=True, slots=True)
class Pending:
    """A call that waits for a person: everything that its approval is bound to."""

    ask: CallQuestion
    request_id: str
    reason: str
    expires_at: float | None
    digest: str
    policy_version: str = ""


@dataclass(frozen=True, slots=True)
class PersonAnswer:
    """What a person said about a call that waits.

    Attributes:
        approved: whether it may run.
        comment: is kept with the approval.
        by: the name of the person, as the callback gives it.
        arguments: those that shall run in place of the model's.
        tell_agent: what the model hears from the person, with the call's result or in its place.
    """

    approved: bool
    comment: str | None = None
    by: str = SOMEBODY
    arguments: JsonMapping | None = None
    tell_agent: str | None = None


class ResolutionMapping(TypedDict, total=False):
    """The same as a mapping, as in `bighub_openai`.

    Attributes:
        resolution: `approved`, or `modified` with `arguments`; `denied` or `rejected`.
        comment: is kept with the approval.
        by: the name of the person.
        arguments: those that shall run in place of the model's.
        tell_agent: what the model hears from the person.
    """

    resolution: Required[Literal["approved", "modified", "denied", "rejected"]]
    comment: str | None
    by: str | None
    arguments: JsonMapping | None
    tell_agent: str | None


GivenAnswer: TypeAlias = bool | PersonAnswer | ResolutionMapping | None
"""What may be answered about a call that waits; `None` leaves it waiting."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What holds after a person's answer: the decision, and what the control plane said to it."""

    decision: Decision
    approval: JsonMapping


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A person has answered, and the control plane could not be reached, or did not say what holds now.

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
    arguments: JsonMapping | None = None


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

    request: JsonMapping
    stream: bool


@dataclass(frozen=True, slots=True)
class Follow(Effect[FollowedConversation]):
    """Tie a response to its conversation; gives what is known of that for the decisions on the response's calls.

    Attributes:
        request: what the model was asked.
        callers: on whose behalf calls of the response would run: the agent, and the other actors of its tools.
        known: what was known at the response before; `None` at the first one.
        ran: the calls that ran since, whose results the request holds.
    """

    request: JsonMapping
    callers: Sequence[CallContext]
    known: FollowedConversation | None
    ran: Sequence[ToolCall]


@dataclass(frozen=True, slots=True)
class Decide(Effect[list[Decision]]):
    """Decide on all calls of a turn, in one round trip."""

    asks: Sequence[CallQuestion]


@dataclass(frozen=True, slots=True)
class Notify(Effect[list[bool]]):
    """Tell the audit hook of decisions; gives whether each was recorded."""

    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class RunTools(Effect[None]):
    """Run the allowed tools; each job holds its outcome afterwards."""

    jobs: Sequence[Job]


@dataclass(frozen=True, slots=True)
class AskPerson(Effect["PersonAnswer | None"]):
    """Ask for one pending call. `None` means that there is no answer yet."""

    pending: Pending
    event: Event
    response: JsonMapping


@dataclass(frozen=True, slots=True)
class Show(Effect["Shown | NotThisCall"]):
    """See what the approval of a pending call says itself."""

    pending: Pending


@dataclass(frozen=True, slots=True)
class Settle(Effect["Settled | Unsettled"]):
    """Bring into force what a person answered."""

    pending: Pending
    answer: PersonAnswer


@dataclass(frozen=True, slots=True)
class Look(Effect["Settled | None"]):
    """See whether a pending call was answered elsewhere. `None` means that it still waits."""

    pending: Pending


@dataclass(frozen=True, slots=True)
class StateKey(Effect[bytes]):
    """The key that signs the states of runs that wait."""


@dataclass(frozen=True, slots=True)
class Emit(Effect[None]):
    """Show an event to the reader of the stream."""

    event: Event


AnyEffect: TypeAlias = (
    CallModel | Follow | Decide | Notify | RunTools | AskPerson | Show | Settle | Look | StateKey | Emit
)
Steps: TypeAlias = Generator[AnyEffect, Any, T]


def do(effect: Effect[T]) -> Steps[T]:
    """Have an effect carried out; for `yield from`, which then has the type of what the effect gives."""
    result = yield cast("AnyEffect", effect)  # the union names every effect there is
    return cast("T", result)  # a driver gives what the effect promises
