"""What a request brings back from earlier answers, put right before the provider gets it.

A withheld call never reached the client, so the client cannot answer it, and a provider that remembers the call refuses
to go on without its output. A result that the client does send may be one of a call that it never was to run.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict, deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fastapi import HTTPException

from litellm_bighub.deciders.audit_file import AuditFile
from litellm_bighub.deciders.ledger.tool_results import ConversationThread, JudgedResult, judge
from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.call import CallContext
from litellm_bighub.domain.decided_call import DecidedCall, Search, continuation, outcomes, storable, withheld
from litellm_bighub.domain.event import UnapprovedResult
from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.errors import REFUSED, DecisionError
from litellm_bighub.formats.answers.provider_calls import has_been_run
from litellm_bighub.formats.format import Format
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.registry import DEFAULT, format_of_answer
from litellm_bighub.formats.requests.repair import RequestRepair
from litellm_bighub.formats.requests.results import FoundResult, RequestResults
from litellm_bighub.formats.requests.turns import FoundTurn, LostCalls, Turns, said
from litellm_bighub.gateway.conversation.identity import conversation_id, in_same_form, upstream_id
from litellm_bighub.gateway.pipeline.gated_stream import close_stream
from litellm_bighub.gateway.pipeline.request_scope import enter, request_scope
from litellm_bighub.gateway.setup.proxy_process import has_sessions
from litellm_bighub.wording import ENGLISH, Wording

logger = logging.getLogger(__name__)
_LONGEST = 200
_CHAT_IDS = "chatcmpl"
"""How ids begin of responses that LiteLLM made out of chat completions, whose providers keep no conversation."""
_ENDED = frozenset({"completed", "incomplete"})


class UnapprovedToolResult(HTTPException):
    """A request holds results of calls that were withheld or never made, and the operator refuses those: HTTP 400."""

    def __init__(self, results: Sequence[UnapprovedResult], wording: Wording = ENGLISH) -> None:
        self.results = tuple(results)
        problem = wording.unapproved_result.format(paths=", ".join(result.path for result in results))
        super().__init__(status_code=REFUSED, detail={"error": problem, "type": "unapproved_tool_result"})


@dataclass(frozen=True, slots=True)
class RequestHistory:
    """Prepares requests.

    Attributes:
        decisions: whose ledger holds the calls.
        refuse: whether a request with an unapproved result is refused.
        continues: whether the model reads of a blocked call and goes on, and the client learns nothing of that call.
        audit: where such results are recorded, besides the ledger and the log.
    """

    decisions: ToolDecisions
    refuse: bool = False
    continues: bool = False
    audit: AuditFile | None = None

    async def prepare(
        self, data: JsonObject, wire_format: Format, previous_response_id: str, asks: Callable[[], CallContext]
    ) -> list[UnapprovedResult]:
        """Put a request right, in place. One that brings nothing back is not looked up.

        Args:
            data: the request. What it holds is not changed, only replaced.
            wire_format: its format.
            previous_response_id: the upstream's id of the response that it goes on from.
            asks: finds out who asks.

        Returns:
            The unapproved results, as they were recorded.

        Raises:
            UnapprovedToolResult: there are such results, and they are refused.
            DecisionError: the ledger cannot be asked.
        """
        brought = wire_format.brought(data)
        thread = ConversationThread()
        if wire_format.stores_answers:
            thread = ConversationThread(previous_response_id, conversation_id(data))
        turns = Turns() if thread else wire_format.turns(data)
        turn = f"{turns.coming}.{self.decisions.new_id()}" if turns.coming else ""
        enter(request_scope()._replace(turn=(data, turn)))
        answers = [turn for turn in turns.found if self._may_hide_calls(data, wire_format, turn)]
        if not (thread or brought.results or brought.notices or brought.reasoning or answers):
            if brought.is_broken:
                data |= wire_format.repaired(data, RequestRepair(wording=self.decisions.wording))
            return []
        context = asks()
        known = await self._known(thread, brought, answers, context)
        if thread.response_id and (last := continuation(known, thread.response_id)):
            data["previous_response_id"] = in_same_form(data["previous_response_id"], thread.response_id, last)
            thread = ConversationThread(upstream_id(last, encrypted=False), thread.conversation)
            known = await self._known(thread, brought, answers, context)
        judged = judge(brought.results, known, thread, complete=brought.complete, wording=self.decisions.wording)
        judgements = list(zip(brought.results, judged, strict=True))
        unapproved = [self._unapproved(found, each, context) for found, each in judgements if each.kind is not None]
        for result in unapproved:
            await self._record(result)
        if unapproved and self.refuse:
            raise UnapprovedToolResult(unapproved, self.decisions.wording)
        denied = {found.path for found, each in judgements if _is_denied(each)}
        tools = {call.call_id: call.tool for call in known if thread.holds(call)}
        tools |= {found.call_id: each.call.tool for found, each in judgements if each.call is not None}
        enter(request_scope()._replace(calls=tools))
        approved = {
            found.path: each.call for found, each in judgements if each.call is not None and _is_noted(each.call)
        }
        repair = _repair(thread, brought, known, denied, approved, self.decisions.wording)
        repair = replace(repair, lost=_lost(answers, known, continued=self.continues))
        if repair or brought.is_broken:
            data |= wire_format.repaired(data, repair)
        return unapproved

    def recorded_stream(self, events: AsyncIterator[Any], data: JsonMapping) -> AsyncIterator[Any]:
        """Marks the tool results of a request as stored when the stream that answers it completes."""
        return self._recorded_stream(events, data) if conversation_id(data) else events

    async def record_results(self, data: JsonMapping, response: object) -> None:
        """Marks the tool results of a request as stored in the provider's conversation, if the request names one.

        A response that failed has left its input out of the conversation.
        """
        conversation = conversation_id(data) if fields.get(response, "status") in _ENDED else ""
        wire_format = format_of_answer(response) or DEFAULT
        call_ids = set(wire_format.brought(data).answered.values()) if conversation else set()
        if not call_ids:
            return
        try:
            await self.decisions.ledger.answered(storable(conversation), call_ids)
        except DecisionError as error:
            logger.warning("the ledger did not remember what conversation %s was told: %s", conversation, error)

    async def record_continuation(self, response_id: str, following: object) -> bool:
        """Records that an answer stands behind another in a stream that keeps the first one's id.

        Args:
            response_id: the upstream's id of the first.
            following: the other one, as LiteLLM has it.

        Returns:
            Whether who goes on from the stream goes on from its last answer, and so may be given calls of it.
        """
        last = fields.get(following, "id")
        if not (response_id and isinstance(last, str) and last):
            return False
        try:
            return await self.decisions.ledger.joined(response_id, last)
        except DecisionError as error:
            logger.warning("the ledger did not remember what continued response %s: %s", response_id, error)
            return False

    def _may_hide_calls(self, data: JsonMapping, wire_format: Format, turn: FoundTurn) -> bool:
        """Whether an answer may be one whose calls were withheld, as far as the request shows it."""
        items = data[wire_format.conversation]
        wordings = (self.decisions.wording, ENGLISH)
        return self.continues or any(
            each.may_be_notice(said(item)) for item in items[turn.start : turn.end] for each in wordings
        )

    async def _known(
        self, thread: ConversationThread, brought: RequestResults, answers: Sequence[FoundTurn], context: CallContext
    ) -> Sequence[DecidedCall]:
        """What the ledger holds of the calls that a request may be about."""
        return await self.decisions.ledger.find(
            Search(
                thread.response_id,
                storable(thread.conversation),
                {storable(found.call_id) for found in brought.results},
                brought.notices,
                storable(context.actor),
                storable(context.key),
                storable(context.user),
                {storable(found.mark.id) for found in brought.reasoning if found.mark.id},
                {found.mark.digest for found in brought.reasoning if not found.mark.id},
                {turn.digest for turn in answers},
            )
        )

    async def _recorded_stream(self, events: AsyncIterator[Any], data: JsonMapping) -> AsyncGenerator[Any, None]:
        try:
            async for event in events:
                if fields.get(event, "type") in {f"response.{status}" for status in _ENDED}:
                    await self.record_results(data, fields.get(event, "response"))
                yield event
        finally:
            await close_stream(events)

    def _unapproved(self, found: FoundResult, judgement: JudgedResult, context: CallContext) -> UnapprovedResult:
        assert judgement.kind is not None  # noqa: S101 - for the type checkers; asked by the caller
        clean, call = self.decisions.redactor.text, judgement.call
        return UnapprovedResult(
            event_id=self.decisions.new_id(),
            kind=judgement.kind,
            time=self.decisions.clock(),
            path=found.path,
            call_id=clean(storable(found.call_id))[:_LONGEST],
            tool=clean(call.tool) if call else "",
            digest=call.digest if call else "",
            response_id=call.response_id if call else "",
            decided_at=call.time if call else None,
            actor=context.actor,
            domain=context.domain,
            surface=context.surface,
            model=context.model,
            trace_id=context.trace_id,
            user=context.user,
            team=context.team,
            key=context.key,
            refused=self.refuse,
        )

    async def _record(self, result: UnapprovedResult) -> None:
        """Record it in the log, the audit file and the ledger. If those two fail, it is at least in the log."""
        logger.warning("%s at %s: call %s, actor %s", result.kind, result.path, result.call_id, result.actor)
        try:
            if self.audit is not None:
                await self.audit.record(result)
            await self.decisions.ledger.report(result)
        except (DecisionError, OSError) as error:
            logger.error("%s %s was not recorded: %s", result.kind, result.event_id, type(error).__name__)  # noqa: TRY400 - its message may hold paths
            if not self.refuse:
                raise


def _is_noted(call: DecidedCall) -> bool:
    """Whether the model is told of the call's approval: a person has changed it, or has something to say."""
    return call.edited or bool(call.told)


def _is_denied(judgement: JudgedResult) -> bool:
    """Whether the result is a client's approval of an MCP call that was withheld."""
    call = judgement.call
    return judgement.kind == "withheld_call_result" and call is not None and call.type == "mcp"


def _repair(
    thread: ConversationThread,
    brought: RequestResults,
    known: Sequence[DecidedCall],
    denied: Collection[str],
    approved: Mapping[str, DecidedCall],
    wording: Wording,
) -> RequestRepair:
    """What is to be put right in a request, if anything is wrong with it."""
    waiting = [call for call in outcomes(call for call in known if thread.holds(call)) if not call.answered]
    owed, owed_after = _owed(waiting, brought, denied)
    notices = {call.notice_id: call for call in known if call.notice_id}
    lost = withheld(known)
    behind = {
        found.path: call for found in brought.reasoning for call in lost if found.precedes(call) and not _has_run(call)
    }
    forgets = bool(owed or owed_after) and thread.response_id.startswith(_CHAT_IDS) and not has_sessions()
    told = {call.call_id for call in known if call.answered and thread.holds(call)}
    return RequestRepair(owed, owed_after, notices, behind, (), approved, denied, told, forgets, wording)


def _owed(
    waiting: Sequence[DecidedCall], brought: RequestResults, denied: Collection[str]
) -> tuple[list[DecidedCall], dict[str, list[DecidedCall]]]:
    """The withheld calls whose outputs the client does not bring.

    Args:
        waiting: the calls that the provider waits for outputs of, in their order.
        brought: the outputs that the client brings.
        denied: the places of those that do not count.

    Returns:
        Those whose outputs come first, and by the places of outputs those that come behind them: of calls with the same
        id a provider can take the outputs only by their order.
    """
    paths: defaultdict[str, deque[str]] = defaultdict(deque)
    for path, call_id in brought.answered.items():
        if path not in denied:
            paths[storable(call_id)].append(path)
    released = Counter(call.call_id for call in waiting if call.released)
    owed: list[DecidedCall] = []
    owed_after: defaultdict[str, list[DecidedCall]] = defaultdict(list)
    before: dict[str, str] = {}
    for call in waiting:
        outputs = paths[call.call_id]
        released[call.call_id] -= call.released
        if outputs and (call.released or len(outputs) > released[call.call_id]):  # clients answer withheld calls, too
            before[call.call_id] = outputs.popleft()
        elif call.call_id and not call.released and not _has_run(call):
            (owed_after[before[call.call_id]] if call.call_id in before else owed).append(call)
    return owed, dict(owed_after)


def _lost(answers: Sequence[FoundTurn], known: Sequence[DecidedCall], *, continued: bool) -> list[LostCalls]:
    """The withheld calls of answers in a request. In another turn a call may have the same ids.

    Conversations that begin alike have the same first turn, and a replay does not tell which of them it is. The newest
    request counts, so that a replay is told of the calls of one at most.
    """
    released = {call.place for call in outcomes(known) if call.released and call.response_id}
    lost = [
        LostCalls(
            turn,
            [call for call in _newest(withheld(of_turn)) if call.place not in released and not _has_run(call)],
            continued,
        )
        for turn in answers
        if (of_turn := [call for call in known if call.turn == turn.digest])
    ]
    return [each for each in lost if each.calls]


def _newest(calls: Sequence[DecidedCall]) -> list[DecidedCall]:
    last = max(calls, key=lambda call: call.time, default=None)
    return [call for call in calls if last is not None and call.request == last.request]


def _has_run(call: DecidedCall) -> bool:
    """Whether the provider has run it, so that it waits for nothing."""
    return has_been_run(call.call_id, call.tool)
