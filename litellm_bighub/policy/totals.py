"""Sums over time: what a call adds to the totals of a rule, and totals in calendar windows of the rule's time zone.

A total is of one rule and one account: whom `total_by` names, and one currency. Amounts are decimals, exactly as they
were written, and so are their sums. As with counts (`policy.counters`), windows never go back: a call that comes in a
window before the one that is summed up is held against both, and counts in the latter.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from decimal import Context, Decimal, Inexact, InvalidOperation
from functools import lru_cache
from math import floor
from typing import Final, NamedTuple, TypeAlias

from typing_extensions import assert_never

from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.policy.rule import Period, Policy, Rule, exact

ZERO: Final = Decimal(0)
_EXACT: Final = Context(prec=200, traps=[Inexact, InvalidOperation])
"""Two numbers of 15 digits are up to 30 digits apart, and each sum of a billion adds nine."""


class Charge(NamedTuple):
    """What a call adds to the totals of a rule.

    Attributes:
        account: for whom and in which currency, as JSON.
    """

    account: str
    amount: Decimal
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Uncountable:
    """Why a call cannot be added to the totals of a rule, and is blocked: the field, and a sentence."""

    blocked_by: str
    reason: str


class Spent(NamedTuple):
    """What counts against a limit at one moment.

    Attributes:
        used: of calls that were let through.
        reserved: of calls that wait for a person, or for their caller to use a person's approval.
    """

    used: Decimal = ZERO
    reserved: Decimal = ZERO

    @property
    def both(self) -> Decimal:
        """The sum."""
        return _EXACT.add(self.used, self.reserved) if self.reserved else self.used

    def left(self, most: Decimal) -> Decimal:
        """What a limit leaves; never less than nothing."""
        return max(ZERO, _EXACT.subtract(most, self.both))

    def exceeds(self, most: Decimal, amount: Decimal) -> bool:
        """Whether an amount is more than a limit leaves."""
        return _EXACT.add(self.both, amount) > most


NOTHING_SPENT: Final = Spent()
Windows: TypeAlias = Mapping[Period, str]
"""The window of each period in which a call counts."""


class RuleCharge(NamedTuple):
    """What a call adds to the totals of one rule, and what they were before it."""

    rule: Rule
    charge: Charge
    spent: Mapping[Period, Spent]


class Total(NamedTuple):
    """The total of one rule, account and period: of the latest window of any clock, and of the one that was before."""

    window: str = ""
    used: Decimal = ZERO
    reserved: Decimal = ZERO
    window_before: str = ""
    used_before: Decimal = ZERO
    reserved_before: Decimal = ZERO

    def spent(self, window: str) -> Spent:
        """What counts in a window."""
        if window > self.window:
            return NOTHING_SPENT
        now = Spent(self.used, self.reserved)
        if window == self.window:
            return now
        return Spent(_EXACT.add(self.used, self.used_before), _EXACT.add(self.reserved, self.reserved_before))

    def added(self, window: str, *, used: Decimal = ZERO, reserved: Decimal = ZERO) -> Total:
        """The total with more, or less, in a window. One that was before both is over, and nothing changes."""
        if window > self.window:
            return Total(window, used, reserved, self.window, self.used, self.reserved)
        if window == self.window:
            used, reserved = _EXACT.add(self.used, used), _EXACT.add(self.reserved, reserved)
            return Total(window, used, reserved, self.window_before, self.used_before, self.reserved_before)
        if window == self.window_before:
            used, reserved = _EXACT.add(self.used_before, used), _EXACT.add(self.reserved_before, reserved)
            return Total(self.window, self.used, self.reserved, window, used, reserved)
        return self


_NOTHING: Final = Total()


class Share(NamedTuple):
    """What one call has added to totals of a rule.

    Attributes:
        rule_id: names the totals.
        windows: where it counts.
        reserved: the call waits; otherwise it was let through.
    """

    rule_id: str
    account: str
    amount: Decimal
    windows: Windows
    reserved: bool


KnownTotals: TypeAlias = "dict[tuple[str, str], dict[Period, Total]]"
"""Totals by a rule's id and an account."""


class Totals:
    """Totals that are read once and changed in memory.

    Args:
        load: the totals of a rule's id and an account. Without it they begin at zero.
        known: totals that need not be loaded.

    Attributes:
        known: totals as they are now.
    """

    def __init__(
        self, load: Callable[[str, str], Mapping[Period, Total]] = lambda *_: {}, known: KnownTotals | None = None
    ) -> None:
        self._load = load
        self.known: KnownTotals = {} if known is None else known
        self._changed: set[tuple[str, str, Period]] = set()

    def spent(self, rule: Rule, charge: Charge, now: float, without: Iterable[Share] = ()) -> Mapping[Period, Spent]:
        """What counts against each limit of a rule, without some shares in it."""
        totals = self._of(rule.totals_id, charge.account)
        for share in without:
            for period, window in share.windows.items():
                if period in totals and (share.rule_id, share.account) == (rule.totals_id, charge.account):
                    totals = dict(totals)
                    totals[period] = _with_share(totals[period], window, share, -share.amount)
        return {period: totals.get(period, _NOTHING).spent(window_of(period, rule, now)) for period in rule.max_totals}

    def add(self, rule: Rule, charge: Charge, now: float, *, reserved: bool = False) -> Share:
        """Add a call to the totals of a rule; what it has added."""
        rule_id, account, amount = rule.totals_id, charge.account, charge.amount
        totals, windows = self._of(rule_id, account), {}
        for period in rule.max_totals:
            total = totals.get(period, _NOTHING)
            windows[period] = window = max(window_of(period, rule, now), total.window)
            totals[period] = total.added(window, reserved=amount) if reserved else total.added(window, used=amount)
            self._changed.add((rule_id, account, period))
        return Share(rule_id, account, amount, windows, reserved)

    def take_back(self, share: Share) -> None:
        """Take a share out of the totals again."""
        self._change(share, -share.amount)

    def use(self, share: Share) -> Share:
        """Count what was reserved as used, in the windows in which it was reserved."""
        self.take_back(share)
        used = share._replace(reserved=False)
        self._change(used, used.amount)
        return used

    def changed(self) -> Iterator[tuple[str, str, Period, Total]]:
        """Every total that was changed, in one order for all processes."""
        for rule_id, account, period in sorted(self._changed):
            yield rule_id, account, period, self.known[rule_id, account][period]

    def _change(self, share: Share, amount: Decimal) -> None:
        totals = self._of(share.rule_id, share.account)
        for period, window in share.windows.items():
            totals[period] = _with_share(totals.get(period, _NOTHING), window, share, amount)
            self._changed.add((share.rule_id, share.account, period))

    def _of(self, rule_id: str, account: str) -> dict[Period, Total]:
        key = (rule_id, account)
        if key not in self.known:
            self.known[key] = dict(self._load(rule_id, account))
        return self.known[key]


def _with_share(total: Total, window: str, share: Share, amount: Decimal) -> Total:
    return total.added(window, reserved=amount) if share.reserved else total.added(window, used=amount)


def charge_of(policy: Policy, rule: Rule, call: ToolCall, context: CallContext) -> Charge | Uncountable:
    """What a call adds to the totals of a rule.

    Args:
        policy: says where the currency stands.
        rule: has totals.
        call: with its value.
        context: who asks.
    """
    amount = None if call.value is None else exact(call.value)
    if amount is None:
        return Uncountable("value", "the rule sums values up, and the call has none of at most 15 digits")
    account: dict[str, str] = {}
    for by in rule.total_by:
        if by != "currency":
            account[by] = getattr(context, by)
            if not account[by]:
                return Uncountable("total_by", f"the rule sums values up by {by}, and the call has none")
    currency = policy.parts.currency(call)
    if currency == "" or (currency is None and "currency" in rule.total_by):
        return Uncountable("currency", "the rule sums values up by currency, and the call's cannot be read")
    if currency is not None:
        account["currency"] = currency
    return Charge(_account(tuple(account.items())), amount, currency or "")


@lru_cache(maxsize=1024)
def _account(named: tuple[tuple[str, str], ...]) -> str:
    return json.dumps(dict(named), sort_keys=True)


def window_of(period: Period, rule: Rule, now: float) -> str:
    """The calendar window of a moment in the rule's zone; later windows are greater.

    An hour is named by its beginning in UTC, since one of autumn comes twice; the others by their first day.
    """
    return _window(period, rule.zone or timezone.utc, floor(now))


@lru_cache(maxsize=64)
def _window(period: Period, zone: tzinfo, second: int) -> str:
    """The same. A call asks for it twice, and many calls come within a second."""
    moment = datetime.fromtimestamp(second, zone)
    match period:
        case "hour":
            start = moment.replace(minute=0, second=0, microsecond=0)
            return start.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M")
        case "day":
            return moment.strftime("%Y-%m-%d")
        case "week":
            return (moment.date() - timedelta(days=moment.weekday())).isoformat()
        case "month":
            return moment.strftime("%Y-%m-01")
        case _:
            assert_never(period)
