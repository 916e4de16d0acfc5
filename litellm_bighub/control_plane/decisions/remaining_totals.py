"""How much of the sums of rules is used, reserved and left, for people to read. Nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection, select

from litellm_bighub.control_plane.decisions.reservations import Reservation
from litellm_bighub.control_plane.store.driver_statements import TOTAL_COLUMNS, totals_of
from litellm_bighub.control_plane.store.schema import totals as table
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.policy.rule import Period, Policy, Rule
from litellm_bighub.policy.totals import Charge, Total, charge_of, window_of


@dataclass(frozen=True, slots=True)
class RemainingTotal:
    """One limit of one rule, for the account of one call.

    Attributes:
        rule: its name.
        currency: empty where sums have none.
        used: of calls that were let through in the current window.
        reserved: of calls that wait, that call's own among them if it waits.
    """

    rule: str
    period: Period
    currency: str
    limit: Decimal
    used: Decimal
    reserved: Decimal
    left: Decimal


def for_call(
    connection: Connection, policy: Policy, rules: Collection[Rule], call: ToolCall, context: CallContext, now: float
) -> list[RemainingTotal]:
    """What is left of the sums of some rules for a call, before it."""
    charges = ((rule, charge_of(policy, rule, call, context)) for rule in rules if rule.max_totals)
    counted = ((rule, charge.account, charge.currency) for rule, charge in charges if isinstance(charge, Charge))
    return [one for rule, account, currency in counted for one in _of_account(connection, rule, account, currency, now)]


def for_reservations(
    connection: Connection, policy: Policy, reserved: Iterable[Reservation], now: float
) -> Mapping[str, list[RemainingTotal]]:
    """What is left of the sums in which calls that wait have reserved something, by the id of their approval."""
    rules = {rule.totals_id: rule for rule in policy.rules if rule.max_totals and not rule.totals_of}
    found: dict[str, list[RemainingTotal]] = {}
    for one in reserved:
        share = one.share
        if share.reserved and share.rule_id in rules:
            currency = json.loads(share.account).get("currency", "")
            totals = _of_account(connection, rules[share.rule_id], share.account, currency, now)
            found.setdefault(one.approval_id, []).extend(totals)
    return found


def _of_account(
    connection: Connection, rule: Rule, account: str, currency: str, now: float
) -> Iterator[RemainingTotal]:
    columns = (table.c[name] for name in ("period", *TOTAL_COLUMNS))
    query = select(*columns).where(table.c.rule_id == rule.totals_id, table.c.account == account)
    totals = totals_of(connection.execute(query).all())
    for period, limit in rule.max_totals.items():
        spent = totals.get(period, Total()).spent(window_of(period, rule, now))
        yield RemainingTotal(rule.name, period, currency, limit, spent.used, spent.reserved, spent.left(limit))
