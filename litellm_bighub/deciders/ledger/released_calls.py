"""Records decided calls in the ledger, each before it is released."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import anyio
from typing_extensions import assert_never

from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.conversation.fact import RELEASED, FollowedCall, facts_of, kept, of_call, of_one_call
from litellm_bighub.domain.conversation.history import (
    as_returned,
    mark_of_caller,
    marks_of_calls,
    marks_of_place,
    own_marks,
)
from litellm_bighub.domain.decided_call import DecidedCall, released, storable
from litellm_bighub.domain.decision import Allow, Block, Decision, RequireApproval, verdict
from litellm_bighub.domain.digest import arguments_digest
from litellm_bighub.errors import DecisionError
from litellm_bighub.formats.stream.gate_protocol import Outcome, Pass, Withhold

logger = logging.getLogger(__name__)
_BRIEFLY: Final = 1.0
"""Seconds for the ledger after the decider timed out: both may wait for the same database."""


async def record_calls(
    decisions_: ToolDecisions,
    calls: Sequence[ToolCall],
    decisions: Sequence[Decision],
    outcomes: Sequence[Outcome],
    context: CallContext,
) -> bool:
    """Write calls into the ledger unless it holds them already.

    Returns:
        Whether the ledger holds them. A call that it does not hold must not be released, since its result could not be
        told from that of a withheld call. `fail_mode: open` releases calls without a decision nevertheless.
    """
    if not calls:
        return True
    now = decisions_.clock()
    decided = [
        _decided(decisions_, call, decision, outcome, context, now)
        for call, decision, outcome in zip(calls, decisions, outcomes, strict=True)
        if not (isinstance(decision, Allow) and decision.remembered and isinstance(outcome, Pass))
    ]
    try:
        if any(map(_unreached, decisions)):
            with anyio.fail_after(_BRIEFLY):
                await decisions_.ledger.write(decided)
        else:
            await decisions_.ledger.write(decided)
        fresh = decisions_.history
        if fresh is not None and (context.outputs or fresh.calls is not None):
            released_, own = _facts(calls, outcomes, fresh.calls, now)
            before = as_returned(context.outputs, now) | kept(facts_of(context.history) or {})
            marks = marks_of_calls((storable(call.id) for call in calls), context)
            await decisions_.ledger.mark(marks, {**before, **released_, **own})
            if released_:
                place = (context.response_id, context.conversation)
                where = own_marks(*place, context) | marks_of_place(*place) | {mark_of_caller(context)}
                await decisions_.ledger.mark(where, released_)
    except (DecisionError, TimeoutError) as error:
        logger.error("the ledger did not remember %d calls: %s", len(calls), error)  # noqa: TRY400 - its cause may hold arguments
        return False
    return True


def _facts(
    calls: Sequence[ToolCall], outcomes: Sequence[Outcome], followed: Sequence[FollowedCall] | None, now: float
) -> tuple[dict[str, float], dict[str, float]]:
    """What is known of released calls in what follows, and what each of them adds when its result comes back."""
    released_: dict[str, float] = {}
    own: dict[str, float] = {}
    for call, outcome in zip(calls, outcomes, strict=True):
        if followed is not None and isinstance(outcome, Pass):
            made = call.arguments if outcome.edited is None else outcome.edited
            digest = call.digest if outcome.edited is None else arguments_digest(outcome.edited)
            facts = of_call(call.name, made, followed)
            head = of_one_call(storable(call.id), digest, storable(call.name))
            released_ |= {RELEASED + fact: now for fact in facts}
            own |= {head + fact: now for fact in facts}
    return released_, own


def released_facts(
    decisions: ToolDecisions, calls: Sequence[ToolCall], outcomes: Sequence[Outcome]
) -> dict[str, float]:
    """What the calls of an answer are for those behind them in it."""
    followed = decisions.history.calls if decisions.history is not None else None
    return _facts(calls, outcomes, followed, decisions.clock())[0]


def _unreached(decision: Decision) -> bool:
    match decision:
        case Allow(degraded=degraded):
            return degraded
        case Block(cause=cause):
            return cause == "unreachable"
        case RequireApproval():
            return False
        case _:
            assert_never(decision)


def _decided(
    decisions: ToolDecisions,
    call: ToolCall,
    decision: Decision,
    outcome: Outcome,
    context: CallContext,
    now: float,
) -> DecidedCall:
    passed, redact = released(call, context, now), decisions.redactor.redact
    turn, _, request = context.turn.partition(".")
    match outcome:
        case Pass(edited=edited, told=told):
            passed = replace(passed, told=storable(told)) if told else passed
            if edited is None:
                return passed
            return replace(passed, digest=arguments_digest(edited), arguments=redact(edited), edited=True)
        case Withhold(notice=notice, item_id=item_id):
            return replace(
                passed,
                verdict=verdict(decision),
                released=False,
                arguments=call.redacted(redact),
                notice_id=item_id,
                notice=notice,
                reasoning_id=call.reasoning.id,
                reasoning_digest=call.reasoning.digest,
                turn=turn,
                request=request,
            )
        case _:
            assert_never(outcome)
