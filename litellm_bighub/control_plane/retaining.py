"""When what is too old is removed: every hour, while decisions are made or a process serves."""

from __future__ import annotations

from typing import Final

from litellm_bighub.control_plane.source import PolicySource
from litellm_bighub.control_plane.store import retention
from litellm_bighub.control_plane.store.transaction import Transaction

EVERY_SECONDS: Final = 3600.0
_DAY: Final = 86_400.0


class Retaining:
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
        """Whether it is time to look for something. Then it is not due again until that was done."""
        if self._days is None or now < self._next:
            return False
        self._next = now + EVERY_SECONDS
        return True

    def run(self, transaction: Transaction, now: float) -> int:
        """Remove some of what is too old; how many events that were. Where more is left it is due again at once."""
        days = self._days
        if days is None:
            return 0
        removed = retention.retain(transaction, before=now - days * _DAY, now=now)
        if removed == retention.AT_ONCE:
            self._next = 0.0
        return removed

    @property
    def _days(self) -> float | None:
        return self._source.text.audit_keep_days if self._keep_days is None else self._keep_days
