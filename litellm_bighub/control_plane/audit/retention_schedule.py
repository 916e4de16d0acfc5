"""Removes old audit events once an hour, while decisions are made or a process serves."""

from __future__ import annotations

import logging
from typing import Final

from litellm_bighub.control_plane.decisions.policy_source import PolicySource
from litellm_bighub.control_plane.store.chain import AuditEvent
from litellm_bighub.control_plane.store.tables import clock_checks, retention
from litellm_bighub.control_plane.store.transaction import Transaction

logger = logging.getLogger(__name__)
EVERY_SECONDS: Final = 3600.0
DOUBTED: Final = "audit.clock_doubted"


class RetentionSchedule:
    """Removes a little at a time. Lives in one process; another that does the same finds nothing left.

    Args:
        source: the policy, which says how long the audit is kept.
        keep_days: in place of what the policy says.
    """

    def __init__(self, source: PolicySource, keep_days: float | None = None) -> None:
        self._source = source
        self._keep_days = keep_days
        self._next = 0.0

    def due(self, now: float) -> bool:
        """Whether an hour has passed since the last time, or the clock was set back; then the next hour begins now."""
        if self._days is None or self._next - EVERY_SECONDS <= now < self._next:
            return False
        self._next = now + EVERY_SECONDS
        return True

    def run(self, transaction: Transaction, now: float) -> int:
        """Remove some of what is too old; how many events that were. Where more is left it is due again at once.

        What a step of the clock would make old stays until the clock was looked at again, a day later.
        """
        days = self._days
        if days is None:
            return 0
        before = clock_checks.past_checks(transaction.connection, "audit")
        after = clock_checks.check_clock(transaction.connection, "audit", now)
        if after.doubted_at == now and retention.is_due(transaction.connection, now - days * clock_checks.DAY):
            last = None if before is None else before.looked_at
            transaction.append(AuditEvent(now, DOUBTED, "audit", {"now": now, "last": last}, severity="warning"))
            logger.warning("the audit is not shortened: the clock may have made a step; looking again in a day")
        if after.sure_at is None:
            return 0
        removed = retention.retain(transaction, before=after.sure_at - days * clock_checks.DAY, now=now)
        if removed == retention.AT_ONCE:
            self._next = 0.0
        return removed

    @property
    def _days(self) -> float | None:
        return self._source.text.audit_keep_days if self._keep_days is None else self._keep_days
