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
from litellm_bighub.gateway.pipeline.released_calls import remember
from litellm_bighub.gateway.pipeline.server_side_calls import ServerSideCalls
from litellm_bighub.gateway.pipeline.withholding import ToolCallWithheld, Withholding
from litellm_bighub.gateway.routes.client_connection import while_connected

logger = logging.getLogger(__name__)
_MODELS: Final[Mapping[str, type[BaseModel]]] = {
    "message": ResponseOutputMessage,
    "mcp_approval_request": McpApprovalRequest,
}
"""The models of items that stand in the places of calls, by the items' types."""


def new_item_id() -> str:
    """An id for a message that nobody else made, and that is known for a notice when a request brings it back."""
    return f"{NOTICE_PREFIX}{random_id()}"


@dataclass(frozen=True, slots=True)
class EnforcedCall:
    """A call with what was decided and what is to become of it."""

    call: ToolCall
    decision: Decision
    outcome: Outcome

    @property
    def is_blocked(self) -> bool:
        """Whether nobody but the model has to hear of it."""
        return isinstance(self.decision, Block) and isinstance(self.outcome, Withhold)


@dataclass(frozen=True, slots=True)
class PlacedCall:
    """A call where it stands in a whole answer, and what is to become of it."""

    found: FoundCall
    enforced: EnforcedCall


@dataclass(frozen=True, slots=True)
class Enforcement:
    """The tool-decision hook together with what becomes of withheld calls.

    Attributes:
        tool_decisions: decides, and holds the ledger.
        withholding: how withheld calls look.
        new_item_id: makes ids for notices.
        name: the guardrail's, for errors.
        cache: keeps decisions for those who fetch a stored response again, if anybody can.

    Raises:
        ConfigurationError: calls are to wait, and the decider cannot tell when a person has answered.
    """

    tool_decisions: ToolDecisions
    withholding: Withholding = field(default_factory=Withholding)
    new_item_id: Callable[[], str] = new_item_id
    name: str = "withholding"
    cache: DecisionCache | None = None

    def __post_init__(self) -> None:
        """Requires a decider that can wait for approvals, where calls wait."""
        if self.withholding.waits and not self.tool_decisions.can_wait:
            problem = "is wait, but this decider cannot tell when a person has answered"
            raise ConfigurationError(f"{self.name}.on_approval", problem)

    def outcome(self, call: ToolCall, decision: Decision, wire_format: Format | None = DEFAULT) -> Outcome:
        """What becomes of a call, in the operator's words.

        Raises:
            ToolCallWithheld: the operator wants the request to fail.
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
        """Decide on calls, all at once.

        Args:
            calls: of a stream.
            context: who asks.
            wire_format: the stream's format.
            shown: the approvals that the stream's client was shown already; added to.
            runs: the calls of the stream that LiteLLM may make itself.

        Raises:
            ToolCallWithheld: one is withheld, and the operator wants the request to fail.
            ClientLeft: nobody is there any more for whom one could wait for a person.
        """
        decide = partial(self.decisions, context=context)
        decisions = await self._attended(decide(calls) if runs is None else runs.decided(calls, decide))
        outcomes = await self._remembered(calls, decisions, context, wire_format, shown)
        return list(map(EnforcedCall, calls, decisions, outcomes))

    async def _attended(self, decisions: Coroutine[object, object, list[Decision]]) -> list[Decision]:
        """The decisions, as long as somebody is there for whom one could wait for a person."""
        return await (while_connected(decisions) if self.withholding.waits else decisions)

    async def _remembered(
        self,
        calls: Sequence[ToolCall],
        decisions: Sequence[Decision],
        context: CallContext,
        wire_format: Format | None,
        shown: set[str],
    ) -> list[Outcome]:
        """What becomes of the calls, once the ledger holds it."""
        pairs = zip(calls, decisions, strict=True)
        try:
            outcomes = [self._outcome(call, decision, wire_format, shown) for call, decision in pairs]
        except ToolCallWithheld as withheld:
            await remember(self.tool_decisions, calls, decisions, [Withhold(withheld.notice)] * len(calls), context)
            raise
        if await remember(self.tool_decisions, calls, decisions, outcomes, context):
            return outcomes
        each = zip(calls, decisions, outcomes, strict=True)
        return [self._unremembered(call, decision, outcome, wire_format) for call, decision, outcome in each]

    def _unremembered(
        self, call: ToolCall, decision: Decision, outcome: Outcome, wire_format: Format | None
    ) -> Outcome:
        """What becomes of a call that the ledger does not hold: `fail_mode: open` it opens what nobody decided."""
        released = isinstance(outcome, Pass) and not (isinstance(decision, Allow) and decision.degraded)
        return self.outcome(call, UNRECORDED, wire_format) if released else outcome

    def _outcome(self, call: ToolCall, decision: Decision, wire_format: Format | None, shown: set[str]) -> Outcome:
        outcome = self.outcome(call, decision, wire_format)
        if not isinstance(outcome, Withhold):
            return outcome
        if outcome.approval_id in shown:  # an identical call joined the approval; no two items may have one id
            outcome = replace(outcome, approval_id="")
        if outcome.approval_id:
            shown.add(outcome.approval_id)
        return replace(outcome, item_id=outcome.approval_id or self.new_item_id())

    async def govern(self, response: object, context: CallContext, *, refusals: bool = False) -> None:
        """Decide on every call of a whole response, and put a notice in the place of those that are withheld.

        Args:
            response: a dict or model; changed in place.
            context: who asks.
            refusals: whether notices are refusals, as `notice.wants_refusals` says of the request.

        Raises:
            ToolCallWithheld: one is withheld, and the operator wants the request to fail.
            PayloadError: the response cannot be read.
        """
        found = self.find(response, refusals=refusals)
        enforce(response, await self.decided(found, context, format_of_answer(response)) if found else ())

    def find(self, response: object, *, refusals: bool = False) -> list[FoundCall]:
        """The calls of a whole response. The arguments and errors are `govern`'s."""
        return calls_of(response, new_item_id=self.new_item_id, refusals=refusals)

    async def decided(
        self, found: Sequence[FoundCall], context: CallContext, wire_format: Format | None
    ) -> list[PlacedCall]:
        """Decide on every call of a whole response in the given format, and change nothing.

        Raises:
            ToolCallWithheld: one is withheld, and the operator wants the request to fail.
            ClientLeft: nobody is there any more for whom one could wait for a person.
        """
        enforced = await self.enforce([each.call for each in found], context, wire_format, shown=set())
        return list(map(PlacedCall, found, enforced))

    async def decisions(self, calls: Sequence[ToolCall], context: CallContext) -> list[Decision]:
        """Decide on calls, all at once, and wait for a person where calls wait."""
        seconds = self.withholding.approval_wait_seconds if self.withholding.waits else 0.0
        return await (self.cache or self.tool_decisions).decide(calls, context, wait_seconds=seconds)


def enforce(response: object, decided: Sequence[PlacedCall]) -> None:
    """Edit and withhold, and take out what the answer tells of such calls elsewhere, or of calls that are not decided.

    The model is told of an edit with the call's result, when that comes back.

    Args:
        response: a whole answer; changed in place.
        decided: all of its calls.
    """
    for each in decided:
        outcome = each.enforced.outcome
        match outcome:
            case Pass(edited=edited, note=note):
                if edited is not None:
                    each.found.edit(edited, note)
            case Withhold():
                each.found.withhold(outcome)
            case _:
                assert_never(outcome)
    clear_answer(response, [(each.enforced.call, each.enforced.outcome) for each in decided])


def calls_of(response: object, *, new_item_id: Callable[[], str], refusals: bool) -> list[FoundCall]:
    """Find the calls of an answer.

    Args:
        response: of any format, as a dict or model, or a list of such; an answer of none has no calls.
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
    """Take out every field that tells of a call that does not pass, or of one that nobody decided on, in place.

    Args:
        answer: of any format, or a list of such; one of none is left alone.
        outcomes: what became of its calls.
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
