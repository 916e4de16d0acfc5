"""Deciding on the calls of an answer, and carrying the decisions out: calls pass, or notices take their places."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, cast

from openai.types.responses import ResponseOutputMessage
from openai.types.responses.response_output_item import McpApprovalRequest
from pydantic import BaseModel
from typing_extensions import assert_never

from litellm_bighub.deciders.ledger.released_calls import record_calls
from litellm_bighub.deciders.tool_decisions import UNRECORDED, ToolDecisions
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow, Block, Decision
from litellm_bighub.domain.ids import random_id
from litellm_bighub.domain.payload import JsonObject
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.formats.answers.answer_fields import clear
from litellm_bighub.formats.answers.decided_calls import DecidedCalls
from litellm_bighub.formats.answers.found_call import FoundCall, Replacements
from litellm_bighub.formats.format import Format
from litellm_bighub.formats.registry import DEFAULT, format_of_answer
from litellm_bighub.formats.requests.results import NOTICE_PREFIX
from litellm_bighub.formats.stream.gate_protocol import Outcome, Pass, Withhold
from litellm_bighub.gateway.conversation.decision_cache import DecisionCache
from litellm_bighub.gateway.conversation.note_check import checked_notes
from litellm_bighub.gateway.pipeline.enforcement_modes import ToolCallWithheld, Withholding
from litellm_bighub.gateway.pipeline.request_scope import request_scope
from litellm_bighub.gateway.pipeline.server_side_calls import ServerSideCalls
from litellm_bighub.gateway.routes.client_connection import while_connected

logger = logging.getLogger(__name__)
_MODELS: Final[Mapping[str, type[BaseModel]]] = {
    "message": ResponseOutputMessage,
    "mcp_approval_request": McpApprovalRequest,
}
"""The models of the items that replace calls, by the items' types."""


def new_item_id() -> str:
    """A random id for a notice. Its prefix marks the message as a notice when a later request brings it back."""
    return f"{NOTICE_PREFIX}{random_id()}"


@dataclass(frozen=True, slots=True)
class EnforcedCall:
    """A call with its decision and its outcome."""

    call: ToolCall
    decision: Decision
    outcome: Outcome

    @property
    def is_blocked(self) -> bool:
        """Whether the call is blocked and withheld, so that only the model has to be told."""
        return isinstance(self.decision, Block) and isinstance(self.outcome, Withhold)


@dataclass(frozen=True, slots=True)
class PlacedCall:
    """A call of a whole answer with its place and its outcome."""

    found: FoundCall
    enforced: EnforcedCall


@dataclass(frozen=True, slots=True)
class Enforcement:
    """Decides on calls and applies `Withholding` to the decisions.

    Attributes:
        tool_decisions: makes the decisions, and holds the ledger.
        withholding: what becomes of withheld calls.
        new_item_id: makes ids for notices.
        name: the guardrail's name, for errors.
        cache: keeps decisions for stored responses that are fetched again; `None` where none can be fetched.

    Raises:
        ConfigurationError: `on_approval` is `wait`, and the decider cannot wait for approvals.
    """

    tool_decisions: ToolDecisions
    withholding: Withholding = field(default_factory=Withholding)
    new_item_id: Callable[[], str] = new_item_id
    name: str = "withholding"
    cache: DecisionCache | None = None

    def __post_init__(self) -> None:
        """Requires a decider that can wait for approvals if `on_approval` is `wait`."""
        if self.withholding.waits and not self.tool_decisions.can_wait:
            problem = "is wait, but this decider cannot tell when a person has answered"
            raise ConfigurationError(f"{self.name}.on_approval", problem)

    def outcome(self, call: ToolCall, decision: Decision, wire_format: Format | None = DEFAULT) -> Outcome:
        """What becomes of a call, in the operator's wording.

        Raises:
            ToolCallWithheld: `on_block` or `on_approval` is `error`.
        """
        return self.withholding.outcome(call, decision, wire_format, self.tool_decisions.wording)

    async def enforce(
        self,
        calls: Sequence[ToolCall],
        context: CallContext,
        wire_format: Format | None = DEFAULT,
        *,
        shown: set[str],
        runs: ServerSideCalls | None = None,
    ) -> list[EnforcedCall]:
        """Decide on calls in parallel, and record them in the ledger.

        Args:
            calls: the calls.
            context: who asks.
            wire_format: the format of the answer.
            shown: the approvals that the client of this answer was shown already; added to.
            runs: the calls of the stream that LiteLLM may make itself.

        Raises:
            ToolCallWithheld: a call is withheld, and `on_block` or `on_approval` is `error`.
            ClientLeft: the client left while a call waited for a person.
        """
        decide = partial(self.decisions, context=context)
        decisions = await self._attended(decide(calls) if runs is None else runs.decided(calls, decide))
        outcomes = await self._remembered(calls, decisions, context, wire_format, shown)
        return list(map(EnforcedCall, calls, decisions, outcomes))

    async def _attended(self, decisions: Coroutine[object, object, list[Decision]]) -> list[Decision]:
        """The decisions. Calls that wait for a person are given up when the client leaves."""
        return await (while_connected(decisions) if self.withholding.waits else decisions)

    async def _remembered(
        self,
        calls: Sequence[ToolCall],
        decisions: Sequence[Decision],
        context: CallContext,
        wire_format: Format | None,
        shown: set[str],
    ) -> list[Outcome]:
        """The outcomes of the calls, after the ledger has recorded them."""
        pairs = zip(calls, decisions, strict=True)
        try:
            outcomes = [self._outcome(call, decision, wire_format, shown) for call, decision in pairs]
        except ToolCallWithheld as withheld:
            await record_calls(self.tool_decisions, calls, decisions, [Withhold(withheld.notice)] * len(calls), context)
            raise
        if await record_calls(self.tool_decisions, calls, decisions, outcomes, context):
            return outcomes
        each = zip(calls, decisions, outcomes, strict=True)
        return [self._unremembered(call, decision, outcome, wire_format) for call, decision, outcome in each]

    def _unremembered(
        self, call: ToolCall, decision: Decision, outcome: Outcome, wire_format: Format | None
    ) -> Outcome:
        """The outcome of a call that the ledger could not record: it is withheld.

        Only a call that `fail_mode: open` let pass without a decision passes here too.
        """
        released = isinstance(outcome, Pass) and not (isinstance(decision, Allow) and decision.degraded)
        return self.outcome(call, UNRECORDED, wire_format) if released else outcome

    def _outcome(self, call: ToolCall, decision: Decision, wire_format: Format | None, shown: set[str]) -> Outcome:
        outcome = self.outcome(call, decision, wire_format)
        if not isinstance(outcome, Withhold):
            return outcome
        if outcome.approval_id in shown:  # an identical call shares the approval; item ids are unique
            outcome = replace(outcome, approval_id="")
        if outcome.approval_id:
            shown.add(outcome.approval_id)
        return replace(outcome, item_id=outcome.approval_id or self.new_item_id())

    async def govern(self, response: object, context: CallContext, *, refusals: bool = False) -> None:
        """Decide on every call of a whole response, and replace withheld calls by notices.

        Args:
            response: a dict or model; changed in place.
            context: who asks.
            refusals: whether notices are refusals, as the format's `wants_refusals` says of the request.

        Raises:
            ToolCallWithheld: a call is withheld, and `on_block` or `on_approval` is `error`.
            PayloadError: the response cannot be read.
        """
        found = self.find(response, refusals=refusals)
        enforce(response, await self.decided(found, context, format_of_answer(response)) if found else ())

    def find(self, response: object, *, refusals: bool = False) -> list[FoundCall]:
        """The calls of a whole response. Arguments and errors are those of `govern`."""
        return calls_of(response, new_item_id=self.new_item_id, refusals=refusals)

    async def decided(
        self, found: Sequence[FoundCall], context: CallContext, wire_format: Format | None
    ) -> list[PlacedCall]:
        """Decide on every call of a whole response without changing it.

        Raises:
            ToolCallWithheld: a call is withheld, and `on_block` or `on_approval` is `error`.
            ClientLeft: the client left while a call waited for a person.
        """
        enforced = await self.enforce([each.call for each in found], context, wire_format, shown=set())
        return list(map(PlacedCall, found, enforced))

    async def decisions(self, calls: Sequence[ToolCall], context: CallContext) -> list[Decision]:
        """Decide on calls in parallel; with `on_approval: wait`, wait for a person."""
        seconds = self.withholding.approval_wait_seconds if self.withholding.waits else 0.0
        decisions = await (self.cache or self.tool_decisions).decide(calls, context, wait_seconds=seconds)
        check = request_scope().note_check
        return decisions if check is None else await checked_notes(decisions, check, self.tool_decisions.wording)


def enforce(response: object, decided: Sequence[PlacedCall]) -> None:
    """Edit and withhold calls, and remove whatever else in the answer tells of withheld or undecided calls.

    The model hears of an edit, and of a person's note, when the result of the call comes back.

    Args:
        response: a whole answer; changed in place.
        decided: all calls of the answer.
    """
    for each in decided:
        outcome = each.enforced.outcome
        match outcome:
            case Pass(edited=edited, note=note):
                if edited is not None:
                    each.found.edit(edited, note)
                elif note:
                    each.found.say(note)
            case Withhold():
                each.found.withhold(outcome)
            case _:
                assert_never(outcome)
    clear_answer(response, [(each.enforced.call, each.enforced.outcome) for each in decided])


def calls_of(response: object, *, new_item_id: Callable[[], str], refusals: bool) -> list[FoundCall]:
    """Find the calls of an answer.

    Args:
        response: a dict or model of any format, or a list of those. An answer in no format has no calls.
        new_item_id: makes ids for notices.
        refusals: whether notices are refusals, as the format's `wants_refusals` says of the request.

    Raises:
        PayloadError: the answer cannot be read.
    """
    if isinstance(response, list):
        return [
            replace(found, call=replace(found.call, path=f"[{index}].{found.call.path}"))
            for index, each in enumerate(cast("list[object]", response))
            for found in calls_of(each, new_item_id=new_item_id, refusals=refusals)
        ]
    wire_format = format_of_answer(response)
    return (
        [] if wire_format is None else wire_format.find_calls(response, Replacements(new_item_id, refusals, _as_model))
    )


def clear_answer(answer: object, outcomes: Iterable[tuple[ToolCall, Outcome]]) -> None:
    """Remove every field that tells of a withheld or undecided call, in place.

    Args:
        answer: of any format, or a list of such. An answer in no format is left alone.
        outcomes: the outcomes of its calls.
    """
    decided = DecidedCalls()
    for call, outcome in outcomes:
        decided.add(call, outcome)
    _clear(answer, decided)


def _as_model(item: JsonObject) -> object:
    return _MODELS[item["type"]].model_validate(item)


def _clear(answer: object, decided: DecidedCalls) -> None:
    if isinstance(answer, list):
        for each in cast("list[object]", answer):
            _clear(each, decided)
        return
    wire_format = format_of_answer(answer)
    if wire_format is None:
        return
    if changed := clear(answer, wire_format.answer_fields, decided):
        logger.warning("fields of an answer told of calls that may not pass and were taken out: %s changed", changed)
