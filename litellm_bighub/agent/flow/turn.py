"""The calls of one turn, from the model's request to the outputs that go back for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from typing_extensions import assert_never

from litellm_bighub.agent.flow.effects import CallQuestion, Pending, PersonAnswer
from litellm_bighub.agent.flow.run import Run
from litellm_bighub.agent.record.events import GuardedToolResult, Status, output
from litellm_bighub.agent.record.model_messages import decision_fields, refusal, request_id
from litellm_bighub.agent.tools.jobs import Job, Raised, Returned
from litellm_bighub.agent.tools.result_text import jsonable, result_text
from litellm_bighub.agent.tools.tool import Prepared, Tool
from litellm_bighub.agent.tools.value_extraction import UnreadableStake, target_of, value_of
from litellm_bighub.domain.arguments import UnreadableArguments, read_arguments
from litellm_bighub.domain.call import Arguments, ToolCall
from litellm_bighub.domain.call_background import CallBackground
from litellm_bighub.domain.decision import Allow, Decision, RequireApproval
from litellm_bighub.domain.digest import call_digest
from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.formats.requests.background import read_background
from litellm_bighub.wording import ENGLISH, Wording


@dataclass(slots=True)
class TurnCall:
    """One call of a turn.

    Attributes:
        ask: the question to the decider; `None` for a call that is refused without asking.
        job: the tool to run, once the call is allowed.
        pending: the approval that it waits for.
        answer: what a person said, where that could not be brought into force yet.
        result: the outcome, as it stands so far.
        model_error: the error that the model gets in place of the result's.
        note: what the person who approved it tells the model.
        wording: in which it hears of it.
    """

    call: Requested
    event_id: str
    tool: Tool | None = None
    arguments: Arguments = field(default_factory=dict)
    prepared: Prepared | None = None
    ask: CallQuestion | None = None
    decision: Decision | None = None
    job: Job | None = None
    pending: Pending | None = None
    answer: PersonAnswer | None = None
    result: GuardedToolResult | None = None
    model_error: str | None = None
    note: str = ""
    wording: Wording = ENGLISH

    def refuse(self, error: str, status: Status = "blocked") -> None:
        """The call does not run, and no decider is asked for it."""
        decision = {} if self.decision is None else decision_fields(self.decision)
        self.result = GuardedToolResult(status, decision, None, error)

    def decide(self, decision: Decision, *, reveal: bool) -> None:
        """Take a decision: the tool becomes a job, or the call is withheld."""
        self.decision = decision
        self.job = self.pending = self.answer = self.result = self.model_error = None
        self.note = ""
        if isinstance(decision, Allow):
            self.note = self.wording.approved(self.call.name, decision.told)
            self._allow(decision)
            return
        status: Status = "approval_required" if isinstance(decision, RequireApproval) else "blocked"
        self.result = GuardedToolResult(status, decision_fields(decision), None, decision.reason)
        self.model_error = refusal(decision, self.call.name, reveal=reveal, wording=self.wording)
        if isinstance(decision, RequireApproval) and self.ask is not None:
            self.pending = _pending(self.ask, decision)

    def finish(self) -> None:
        """Read the outcome of the job, whether it ended or was interrupted."""
        if self.job is None or self.decision is None:
            return
        decision = decision_fields(self.decision)
        outcome = self.job.outcome
        match outcome:
            case Returned(output):
                self.result = GuardedToolResult("executed", decision, jsonable(output))
            case Raised(error, model_error):
                self.result, self.model_error = GuardedToolResult("tool_error", decision, None, error), model_error
            case None if self.job.started:
                unknown = "cancelled while it ran; whether it had an effect is unknown"
                self.result = GuardedToolResult("tool_error", decision, None, unknown)
            case None:
                self.result = GuardedToolResult("tool_error", decision, None, "cancelled before it started")
            case _:
                assert_never(outcome)
        self.job = None

    def output(self) -> JsonObject:
        """The item that goes back to the model."""
        result = self.result or GuardedToolResult("blocked", error="no decision")
        if self.model_error is not None:
            result = GuardedToolResult(result.status, {}, result.output, self.model_error)
        return call_output(self.call, result, self.note)

    @property
    def request_id(self) -> str | None:
        """BIGHUB's id for the call."""
        return None if self.decision is None else request_id(self.decision)

    def _allow(self, decision: Allow) -> None:
        if self.tool is None or self.prepared is None:
            self.refuse(self.wording.agent_unregistered.format(tool=self.call.name))
            return
        try:
            if decision.edited is not None:
                self.prepared = self.tool.prepare(decision.edited)
        except ValueError as error:
            self.refuse(self.wording.agent_edited_arguments.format(tool=self.call.name, problem=error))
            return
        self.arguments = self.prepared.arguments
        self.job = Job(self.tool, self.prepared.keywords)


@dataclass(slots=True)
class Turn:
    """The calls of one response.

    Attributes:
        response: where the calls stand.
        entries: one a call, in the model's order.
    """

    response: JsonMapping
    entries: list[TurnCall] = field(default_factory=list)

    def outputs(self) -> list[JsonObject]:
        """What goes back to the model, in its order."""
        return [entry.output() for entry in self.entries]

    def ran(self) -> list[ToolCall]:
        """The calls whose tools were called, with the arguments that these got."""
        return [
            ToolCall(entry.call.call_id, entry.call.kind, entry.call.name, entry.arguments, path=entry.call.path)
            for entry in self.entries
            if entry.result is not None and entry.result.decision and entry.result.status in _RAN
        ]


def read_turn(run: Run, response: JsonMapping, calls: list[Requested]) -> Turn:
    """Read each call as far as possible without a decision."""
    return Turn(response, [_read(run, call) for call in calls])


def _read(run: Run, call: Requested) -> TurnCall:
    entry = TurnCall(call, run.setup.new_id(), run.setup.tools.get(call.name), wording=run.setup.wording)
    if entry.tool is None or entry.tool.kind != call.kind:
        entry.arguments = _shown(call)
        entry.refuse(entry.wording.agent_unknown_tool.format(tool=repr(call.name)))
        return entry
    try:
        entry.prepared = entry.tool.prepare(call.raw)
    except ValueError as error:
        entry.arguments = _shown(call)
        entry.refuse(entry.wording.agent_arguments.format(tool=call.name, problem=error), "tool_error")
        return entry
    entry.arguments = entry.prepared.arguments
    try:
        entry.ask = ask_for(run, entry.tool, entry.prepared, call)
    except UnreadableStake as error:
        entry.refuse(str(error))
        entry.model_error = entry.wording.agent_undecidable.format(tool=call.name)
    return entry


def ask_for(run: Run, tool: Tool, prepared: Prepared, call: Requested) -> CallQuestion:
    """The question whether a call may run.

    Raises:
        UnreadableStake: its amount or target cannot be had.
    """
    arguments = prepared.arguments
    return CallQuestion(
        call=ToolCall(
            id=call.call_id,
            type=call.kind,
            name=tool.name,
            arguments=arguments,
            path=call.path,
            value=value_of(arguments, tool.value_from_args),
            target=target_of(arguments, tool.target_from_args),
        ),
        context=replace(run.context(tool), background=_background(run)),
        action=tool.action or tool.name,
    )


def _background(run: Run) -> Callable[[ToolCall], CallBackground]:
    """Reads why a call of the latest response was made, out of what was said until then."""
    said, answer, extent = run.conversation.said, run.latest, run.setup.extent

    def read(call: ToolCall) -> CallBackground:
        tools = [tool.spec for tool in run.setup.tools.values()]
        return read_background(call, {"input": said, "tools": tools}, answer, extent=extent)

    return read


def _shown(call: Requested) -> Arguments:
    """The arguments for the record where they do not fit the tool: read if they can be, as a custom tool's if not."""
    if call.kind == "custom":
        return {"input": str(call.raw)}
    try:
        return read_arguments(call.raw)
    except UnreadableArguments:
        return {"input": call.raw} if isinstance(call.raw, str) else {}


def _pending(ask: CallQuestion, decision: RequireApproval) -> Pending:
    return Pending(
        ask=ask,
        request_id=decision.approval_id,
        reason=decision.reason,
        expires_at=decision.expires_at,
        digest=bound_to(ask, decision.basis.policy_version),
        policy_version=decision.basis.policy_version,
    )


def bound_to(ask: CallQuestion, policy_version: str = "") -> str:
    """The digest of everything that an approval is bound to."""
    return call_digest(
        actor=ask.context.actor,
        key=ask.context.key,
        user=ask.context.user,
        domain=ask.context.domain,
        tool=ask.action or ask.call.name,
        arguments=ask.call.arguments,
        policy_version=policy_version,
    )


Kind = Literal["function", "custom"]
_KINDS: Mapping[str, Kind] = {"function_call": "function", "custom_tool_call": "custom"}
_ENDED = frozenset({"completed", ""})
_RAN: Final = frozenset[Status]({"executed", "tool_error"})


@dataclass(frozen=True, slots=True)
class Requested:
    """A call as it stands in the response.

    Attributes:
        raw: the arguments as the model wrote them; of a custom tool its text.
        path: where it stands.
    """

    kind: Kind
    call_id: str
    name: str
    raw: object
    path: str


def requested(response: JsonMapping) -> list[Requested]:
    """The calls that a client is to run."""
    return [_requested(item, place) for place, item in enumerate(output(response)) if item.get("type") in _KINDS]


def foreign(response: JsonMapping) -> list[str]:
    """Types of calls that no tool of an agent can answer: a shell, a computer, or what ran at the provider."""
    types = (str(item.get("type") or "") for item in output(response))
    return [each for each in types if (each.endswith("_call") or each == "mcp_approval_request") and each not in _KINDS]


def is_complete(response: JsonMapping) -> bool:
    """Whether the model said all that it wanted to; only then its calls are whole."""
    return str(response.get("status") or "") in _ENDED


def call_output(call: Requested, result: GuardedToolResult, note: str = "") -> JsonObject:
    """The item with the outcome of a call, for the model. The policy's inner reasons stay here.

    Args:
        call: as the model made it.
        result: what became of it.
        note: what the person who approved it has to say.
    """
    body: JsonObject = {"status": result.status}
    if result.status == "executed":
        body["output"] = result.output
    else:
        body["error"] = result.error
    if note:
        body["note"] = note
    kind = "function_call_output" if call.kind == "function" else "custom_tool_call_output"
    return {"type": kind, "call_id": call.call_id, "output": result_text(body)}


def _requested(item: JsonMapping, place: int) -> Requested:
    kind = _KINDS[item["type"]]
    return Requested(
        kind=kind,
        call_id=str(item.get("call_id") or item.get("id") or ""),
        name=str(item.get("name") or ""),
        raw=item.get("arguments" if kind == "function" else "input"),
        path=f"output[{place}]",
    )
