"""How much of the sums of rules is used, reserved and left, for people to read. Nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from sqlalchemy import Connection, and_, false, or_, select

from litellm_bighub.control_plane.decisions.reservations import Reservation
from litellm_bighub.control_plane.store.driver_statements import TOTAL_COLUMNS, totals_of
from litellm_bighub.control_plane.store.schema import totals as table
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.policy.rule import Period, Policy, Rule
from litellm_bighub.policy.totals import Charge, Total, charge_of, window_of

_MOST_ACCOUNTS: Final = 50


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


def of_account(connection: Connection, rule: Rule, account: str) -> Mapping[Period, Total]:
    """What is summed up for one account."""
    columns = (table.c[name] for name in ("period", *TOTAL_COLUMNS))
    query = select(*columns).where(table.c.rule_id == rule.totals_id, table.c.account == account)
    return totals_of(connection.execute(query).all())


def of_rule(connection: Connection, rule: Rule, now: float) -> Mapping[str, list[RemainingTotal]]:
    """What the sums of a rule leave, by account: of those that were charged in the current windows, at most fifty."""
    windows = ((period, window_of(period, rule, now)) for period in rule.max_totals)
    current = [and_(table.c.period == period, table.c.window == window) for period, window in windows]
    query = select(table.c.account).where(table.c.rule_id == rule.totals_id, or_(false(), *current)).distinct()
    accounts = connection.execute(query.order_by(table.c.account).limit(_MOST_ACCOUNTS)).scalars().all()
    return {
        account: list(_of_account(connection, rule, account, json.loads(account).get("currency", ""), now))
        for account in accounts
    }


def _of_account(
    connection: Connection, rule: Rule, account: str, currency: str, now: float
) -> Iterator[RemainingTotal]:
    totals = of_account(connection, rule, account)
    for period, limit in rule.max_totals.items():
        spent = totals.get(period, Total()).spent(window_of(period, rule, now))
        yield RemainingTotal(rule.name, period, currency, limit, spent.used, spent.reserved, spent.left(limit))
