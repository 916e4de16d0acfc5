"""A temporary allowance: "this tool for this actor for 30 minutes", a rule with an end."""

from __future__ import annotations

import glob
from datetime import datetime, timezone

from litellm_bighub.control_plane.policy.text import ALLOWANCE, PolicyText, RuleText
from litellm_bighub.control_plane.store import rules
from litellm_bighub.control_plane.store.approvals import Approval
from litellm_bighub.control_plane.store.chain import Entry
from litellm_bighub.control_plane.store.rules import Stored
from litellm_bighub.control_plane.store.transaction import Transaction

MINUTES = (10, 30, 120)


def allow(
    transaction: Transaction, text: PolicyText, approval: Approval, *, by: str, minutes: int, now: float
) -> Stored:
    """Let this tool run for this actor without asking, within the other bounds of the rule that asked.

    The allowance is tried just before that rule. It does not change the policy's version, so the other approvals that
    wait are still good.
    """
    asked = _rule(transaction, text, approval.rule_id)
    until = now + minutes * 60
    rule_id = f"{ALLOWANCE}{approval.id}_{int(now)}"
    allowance = asked.model_copy(
        update={
            "name": f"{approval.tool} for {approval.actor}, {minutes} minutes"[:200],
            "tool": glob.escape(approval.tool),
            "actor": glob.escape(approval.actor),
            "domain": glob.escape(approval.domain),
            "type": approval.type,
            "effect": "allow",
            "require_approval_above": None,
            "expires_at": datetime.fromtimestamp(until, timezone.utc),
            "priority": min(1000, asked.priority + 1),
        }
    )
    stored = rules.insert(transaction.connection, rule_id, allowance, by=by, now=now)
    body = {"by": by, "until": until, "approval_id": approval.id, "rule": approval.rule_id}
    transaction.append(
        Entry(now, "rule.allowance", rule_id, body, "warning", approval.actor, approval.domain, approval.tool)
    )
    transaction.reconfigure()
    return stored


def _rule(transaction: Transaction, text: PolicyText, rule_id: str) -> RuleText:
    """The rule that asked; without one, the default did."""
    added = rules.get(transaction.connection, rule_id)
    if added is not None:
        return added.text
    return next((rule for rule in text.rules if rule.name == rule_id), RuleText(name="default"))
