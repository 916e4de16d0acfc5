"""A temporary allowance: "this tool for this caller for 30 minutes", a rule with an end."""

from __future__ import annotations

import glob
from datetime import datetime, timezone

from pydantic import ValidationError

from litellm_bighub.control_plane.approvals.expiry import expires_at
from litellm_bighub.control_plane.store.chain import AuditEvent
from litellm_bighub.control_plane.store.tables import rules
from litellm_bighub.control_plane.store.tables.approvals import Approval
from litellm_bighub.control_plane.store.transaction import Transaction
from litellm_bighub.domain.call import STORED
from litellm_bighub.policy.policy_text import ALLOWANCE, AS_STORED, PolicyText, RuleText

MINUTES = (10, 30, 120)
_CALLER = tuple(name for name in STORED if name in RuleText.model_fields)
"""Whatever of the caller a rule can name, beside actor and domain."""


def allowance_for(
    transaction: Transaction, text: PolicyText, approval: Approval, *, minutes: int, now: float
) -> RuleText | None:
    """A rule that lets this tool run for this actor, key and user within the other bounds of the rule that asked.

    Returns:
        The rule; `None` if a name is longer than a rule's may be.
    """
    asked = _asking_rule(transaction, text, approval.rule_id)
    until = datetime.fromtimestamp(expires_at(minutes * 60, since=now), timezone.utc)
    fields: dict[str, object] = {
        "name": f"{approval.tool} for {approval.actor}, {minutes} minutes"[:200],
        "tool": glob.escape(approval.tool),
        "actor": glob.escape(approval.actor),
        "domain": glob.escape(approval.domain),
        **{name: glob.escape(who) for name in _CALLER if (who := approval.context.get(name, ""))},
        "type": approval.type,
        "effect": "allow",
        "require_approval_above": None,
        "totals_of": (asked.totals_of or approval.rule_id) if asked.max_totals else "",
        "expires_at": until,
        "priority": min(1000, asked.priority + 1),
    }
    try:
        return RuleText.model_validate({**asked.model_dump(), **fields}, context=AS_STORED)
    except ValidationError:
        return None


def grant(transaction: Transaction, allowance: RuleText, approval: Approval, *, by: str, now: float) -> None:
    """Put an allowance in force.

    It is tried just before the rule that asked. It does not change the policy's version, so the other approvals that
    wait are still good.
    """
    rule_id = f"{ALLOWANCE}{approval.id}_{int(now)}"
    rules.insert(transaction.connection, rule_id, allowance, by=by, now=now)
    until = None if allowance.expires_at is None else allowance.expires_at.timestamp()
    body = {"by": by, "until": until, "approval_id": approval.id, "rule": approval.rule_id}
    transaction.append(
        AuditEvent(now, "rule.allowance", rule_id, body, "warning", approval.actor, approval.domain, approval.tool)
    )
    transaction.reconfigure()


def _asking_rule(transaction: Transaction, text: PolicyText, rule_id: str) -> RuleText:
    """The rule that asked; without one, the default did."""
    added = rules.get(transaction.connection, rule_id)
    if added is not None:
        return added.text
    return next((rule for rule in text.rules if rule.name == rule_id), RuleText(name="default"))
