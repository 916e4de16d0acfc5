"""Judging a call by the rules that decide, with what they have allowed so far and what their calls sum up to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from litellm_bighub.control_plane.decisions import reservations
from litellm_bighub.control_plane.decisions.reservations import Reservation
from litellm_bighub.control_plane.store.tables import approvals, conversation_uses
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.conversation.history import marks_of_use
from litellm_bighub.policy.evaluation import UNUSED, Deciding, PolicyJudgement, Usage, UsageOf, judge_all
from litellm_bighub.policy.rule import Policy, Rule
from litellm_bighub.policy.totals import Charge


@dataclass(frozen=True, slots=True)
class BoundCall:
    """A call, who asks for it, and what gives the digest that its approval is bound to."""

    call: ToolCall
    context: CallContext
    digest: Callable[[], str]


def judge_counted_call(
    transaction: Transaction,
    policy: Policy,
    found: Deciding,
    bound: BoundCall,
    now: float,
    *,
    counted: tuple[str, ...] = (),
    approval_id: str = "",
) -> PolicyJudgement:
    """What the rules say; nothing is changed.

    What the call itself has reserved, and what is reserved for approvals whose time is over, takes no room from it.
    Both are looked up only where there is too little.

    Args:
        transaction: the writer's.
        policy: for its default and version.
        found: the rules that decide.
        bound: the call.
        now: POSIX seconds.
        counted: the rules that have counted this very call before.
        approval_id: the approval of the call, of which this is an edit.
    """

    def judged(own: Sequence[Reservation], over: Sequence[Reservation] = ()) -> PolicyJudgement:
        usage = _usage(transaction, bound.context, now, counted, own, over)
        return judge_all(policy, found, bound.call, bound.context, now, usage)

    edited = reservations.of_approvals(transaction.connection, [approval_id]) if approval_id else ()
    judgement = judged(edited)
    if not judgement.is_over_total:
        return judgement
    over = reservations.overdue(transaction.connection, now)
    digest = bound.digest()
    asked = None if approval_id else approvals.find(transaction.connection, digest, bound.call.type, now)
    if asked is None:
        return judged(edited, over)
    if asked.edited is None or asked.edited_digest == digest:
        return judged(reservations.of_approvals(transaction.connection, [asked.id]), over)

    def unsummed(rule: Rule, _: Charge | None) -> Usage:
        return UNUSED if rule.id in counted else _counted(transaction, rule, bound.context, now)

    waits = judge_all(policy, found, bound.call, bound.context, now, unsummed)
    # The edited call is judged in its place.
    return waits if waits.verdict == "requires_approval" else judged((), over)


def count(transaction: Transaction, rule: Rule, context: CallContext, decision_id: str, now: float) -> None:
    """Count a call that a rule allows."""
    transaction.count(rule, now)
    if rule.max_per_conversation is not None:
        conversation_uses.add(transaction.connection, rule.id, marks_of_use(context), decision_id, now)


def _counted(transaction: Transaction, rule: Rule, context: CallContext, now: float) -> Usage:
    """What a rule has allowed so far, apart from sums."""
    if not rule.limits_use:
        return UNUSED
    in_conversation = conversation_uses.of_call(transaction.connection, rule, context)
    return transaction.usage(rule, now)._replace(in_conversation=in_conversation)


def _usage(
    transaction: Transaction,
    context: CallContext,
    now: float,
    counted: tuple[str, ...],
    own: Sequence[Reservation],
    over: Sequence[Reservation],
) -> UsageOf:
    """What rules have allowed so far. Of totals, nothing where the call has reserved exactly its value."""
    without = [one.share for one in (*own, *over)]

    def usage(rule: Rule, charge: Charge | None) -> Usage:
        if rule.id in counted:
            return UNUSED
        used = _counted(transaction, rule, context, now)
        if charge is None or (own and any(one.is_for(rule, charge) for one in own)):
            return used
        spent = transaction.totals.spent(rule, charge, now, without)
        return Usage(used.today, used.this_hour, used.last_at, spent, used.in_conversation)

    return usage
