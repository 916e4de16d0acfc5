"""Ids that a reader of a failing test can follow: counted, one count for each prefix."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from threading import Lock


@dataclass(slots=True)
class Ids:
    """Makes `resp_up1`, `msg_up1`, `call_up1`, `call_up2` and so on."""

    _counts: Counter[str] = field(default_factory=Counter[str])
    _lock: Lock = field(default_factory=Lock)

    def next(self, prefix: str) -> str:
        """The next id of this prefix."""
        with self._lock:
            self._counts[prefix] += 1
            return f"{prefix}_up{self._counts[prefix]}"
