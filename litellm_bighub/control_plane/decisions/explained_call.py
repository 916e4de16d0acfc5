"""What would be decided on a call, and why, with counters and sums as they are. Nothing is decided or reserved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Final

from sqlalchemy import Connection, select

from litellm_bighub.control_plane.decisions import reservations
from litellm_bighub.control_plane.decisions.recorded_decision import PolicySnapshot
from litellm_bighub.control_plane.decisions.remaining_totals import RemainingTotal, for_call, of_account
from litellm_bighub.control_plane.store.schema import usage as table
from litellm_bighub.control_plane.store.tables import conversation_uses
from litellm_bighub.control_plane.store.tables.switches import Switch
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.policy.counters import Tally
from litellm_bighub.policy.evaluation import Explanation, PolicyJudgement, Usage, explain, find, judge_all
from litellm_bighub.policy.rule import Rule
from litellm_bighub.policy.totals import Charge, Total, window_of

_TALLIED: Final = tuple(each.name for each in fields(Tally))


@dataclass(frozen=True, slots=True)
class ExplainedCall:
    """A call and what would become of it.

    Attributes:
        explanation: by the rules alone, as if nothing had been counted.
        judgement: with what was counted.
        totals: what the sums of the deciding rules leave, before the call.
        switch: the kill switch that blocks it whatever the rules say.
        unread: how many rules come behind those that were looked at.
    """

    call: ToolCall
    context: CallContext
    explanation: Explanation
    judgement: PolicyJudgement
    totals: tuple[RemainingTotal, ...]
    switch: Switch | None
    unread: int


def explained_call(
    connection: Connection,
    snapshot: PolicySnapshot,
    call: ToolCall,
    context: CallContext,
    now: float,
    *,
    approval_id: str = "",
) -> ExplainedCall:
    """Explain a call.

    Args:
        connection: of a reader.
        snapshot: what is in force.
        call: its value and target are taken out of its arguments already.
        context: who would ask.
        now: POSIX seconds.
        approval_id: the approval that the call waits for; what is reserved for it takes no room from it.
    """
    policy = snapshot.policy
    explanation = explain(policy, call, context, now=now)
    found = find(policy, call, context, now)
    judgement, rules = explanation.judgement, {rule.id: rule for rule in (explanation.judgement.rule,) if rule}
    if not isinstance(found, PolicyJudgement):
        own = reservations.of_approvals(connection, [approval_id]) if approval_id else ()

        def used(rule: Rule, charge: Charge | None) -> Usage:
            has_room = charge is not None and any(one.is_for(rule, charge) for one in own)
            return _usage(connection, rule, None if has_room else charge, context, now)

        judgement = judge_all(policy, found, call, context, now, used)
        rules = {rule.id: rule for rule in found if rule is not None}
    return ExplainedCall(
        call,
        context,
        explanation,
        judgement,
        tuple(for_call(connection, policy, list(rules.values()), call, context, now)),
        _switch(snapshot.switches, rules.keys() or ("",), context.domain),
        len({rule.id for rule in policy.rules} - {seen.rule.id for seen in explanation.considered}),
    )


def use_of(connection: Connection, rule: Rule, now: float) -> Usage:
    """How often a rule has allowed calls in the windows that its limits are of."""
    query = select(*(table.c[name] for name in _TALLIED)).where(table.c.rule_id == rule.id)
    row = connection.execute(query).one_or_none()
    return (Tally() if row is None else Tally(*row)).usage(rule, now)


def use_for_call(connection: Connection, rule: Rule, context: CallContext, now: float) -> Usage:
    """The same, also in the conversation of a call."""
    in_conversation = conversation_uses.of_call(connection, rule, context)
    return use_of(connection, rule, now)._replace(in_conversation=in_conversation)


def _usage(connection: Connection, rule: Rule, charge: Charge | None, context: CallContext, now: float) -> Usage:
    used = use_for_call(connection, rule, context, now)
    if charge is None:
        return used
    found = of_account(connection, rule, charge.account)
    spent = {period: found.get(period, Total()).spent(window_of(period, rule, now)) for period in rule.max_totals}
    return used._replace(totals=spent)


def _switch(switches: Iterable[Switch], rule_ids: Iterable[str], domain: str) -> Switch | None:
    ids = list(rule_ids)
    return next((switch for switch in switches for rule_id in ids if switch.covers(domain, rule_id)), None)
