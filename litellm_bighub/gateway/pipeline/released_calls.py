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
from litellm_bighub.domain.decided_call import DecidedCall, released, storable
from litellm_bighub.domain.decision import Allow, Block, Decision, RequireApproval, verdict
from litellm_bighub.domain.digest import arguments_digest
from litellm_bighub.domain.history import as_returned, marks_of_calls
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
        if context.outputs and decisions_.history is not None:
            marks = marks_of_calls((storable(call.id) for call in calls), context)
            await decisions_.ledger.mark(marks, as_returned(context.outputs, now))
    except (DecisionError, TimeoutError) as error:
        logger.error("the ledger did not remember %d calls: %s", len(calls), error)  # noqa: TRY400 - its cause may hold arguments
        return False
    return True


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
        case Pass(edited=edited):
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
