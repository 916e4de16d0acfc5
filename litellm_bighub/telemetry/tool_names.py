"""Tools' names as labels: a model may make up any number of them, a metric must not have any number of series."""

from __future__ import annotations

OTHER = "other"
LIMIT = 100
_LONGEST = 64


class ToolNames:
    """Lets the first names through, and calls every later one `other`.

    Args:
        limit: how many different names there may be.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._known: set[str] = set()

    def label(self, name: str) -> str:
        """The name, or `other` for one too many and for what is hardly a name."""
        if name in self._known:
            return name
        if (
            len(self._known) >= self._limit
            or not 0 < len(name) <= _LONGEST
            or not (name.isascii() and name.isprintable())
        ):
            return OTHER
        self._known.add(name)
        return name
