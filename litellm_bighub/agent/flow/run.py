"""What one run knows and has recorded. It holds no client and does no I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableSequence
from dataclasses import dataclass, field

from litellm_bighub.agent.flow.model_input import ModelInput
from litellm_bighub.agent.record.events import GuardedToolResult, Payload, ToolExecutionEvent, payload, signals
from litellm_bighub.agent.tools.tool import Tool
from litellm_bighub.deciders.ledger.conversation_history import FollowedConversation
from litellm_bighub.domain.call import Arguments, CallContext, ToolCall
from litellm_bighub.domain.call_background import BackgroundExtent
from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.wording import ENGLISH, Wording


@dataclass(frozen=True, slots=True)
class RunSetup:
    """What all runs of an agent share.

    Attributes:
        reveal: whether the model hears why a call was withheld.
        new_id: makes ids of events.
        clock: POSIX seconds, for the expiry of approvals.
        wording: the sentences that the model hears.
        learned: what its models have shown, as `ModelInput` has it.
        extent: how much of the conversation people are shown who approve a call.
    """

    tools: Mapping[str, Tool]
    actor: str
    domain: str
    max_tool_rounds: int
    source_version: str
    reveal: bool
    new_id: Callable[[], str]
    clock: Callable[[], float]
    wording: Wording = ENGLISH
    learned: dict[str, bool] | None = None
    extent: BackgroundExtent = "last_turn"


@dataclass(slots=True)
class Run:
    """One run: its conversation, and the events in the order in which they happened.

    Attributes:
        asks_people: whether someone can be asked for a pending call within the run.
        pending: what a later `resume` needs, one entry for each turn that left calls waiting.
        approvals: what was asked of people and what became of it.
        latest: the last response.
        state_key: signs the states of turns that wait; known as soon as one does.
        follows: whether the decider wants to know what came back in the conversation.
        followed: what is known of that.
        ran: the calls that ran since, whose results go back.
    """

    setup: RunSetup
    conversation: ModelInput
    trace_id: str
    stream: bool = False
    asks_people: bool = False
    rounds: int = 0
    events: list[ToolExecutionEvent] = field(default_factory=list)
    pending: MutableSequence[JsonObject] = field(default_factory=list)
    approvals: list[JsonObject] = field(default_factory=list)
    latest: JsonMapping = field(default_factory=JsonObject)
    state_key: bytes = b""
    follows: bool = False
    followed: FollowedConversation | None = None
    ran: list[ToolCall] = field(default_factory=list)

    def context(self, tool: Tool | None = None) -> CallContext:
        """Who asks for a call of a tool, in which conversation."""
        context = CallContext(
            actor=(tool and tool.actor) or self.setup.actor,
            domain=(tool and tool.domain) or self.setup.domain,
            trace_id=self.trace_id,
            surface="agent",
            model=self.model,
            response_id=self.latest.get("id") or "",
            conversation=self.conversation.conversation_id,
        )
        return context if self.followed is None else self.followed.of(context)

    @property
    def model(self) -> str:
        """The model that the run talks to."""
        return str(self.conversation.arguments["model"])

    def record(
        self,
        *,
        tool: str,
        call_id: str,
        arguments: Arguments,
        result: GuardedToolResult,
        request_id: str | None,
        event_id: str,
    ) -> ToolExecutionEvent:
        """Append what happened to a call."""
        event = ToolExecutionEvent(
            tool=tool,
            call_id=call_id or None,
            status=result.status,
            decision=result.decision,
            arguments=arguments,
            output=result.output,
            error=result.error,
            event_id=event_id,
            trace_id=self.trace_id,
            request_id=request_id or None,
            seq=len(self.events),
            source_version=self.setup.source_version,
            **signals(result.decision),
        )
        self.events.append(event)
        return event

    def payload(self) -> Payload:
        """What the caller gets at this point."""
        return payload(self.latest, self.events)
