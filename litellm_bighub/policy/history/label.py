"""The labels that results of tools have: once a result came back, its labels hold for every later call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from litellm_bighub.domain.conversation.history import LABEL, UNKNOWN_TOOL
from litellm_bighub.policy.rule_pattern import Pattern


class Labels:
    """The labels of tools, by patterns of their names. Every pattern that fits counts.

    Args:
        tools: the labels, by pattern.
    """

    def __init__(self, tools: Mapping[str, Sequence[str]]) -> None:
        self._tools = tuple((Pattern(name), frozenset(labels)) for name, labels in tools.items() if labels)
        self.all = frozenset[str]().union(*(labels for _, labels in self._tools))
        """Every label that some tool has."""
        self._of_known = lru_cache(maxsize=256)(self._read)

    def of(self, outputs: str) -> frozenset[str]:
        """The labels of a conversation.

        Args:
            outputs: as a call's context has them. A result of nobody knows which tool has every label.
        """
        return self._of_known(outputs) if outputs else _NONE

    def _read(self, outputs: str) -> frozenset[str]:
        """The same, which grows with the tools of a conversation: it makes many calls with the same."""
        found: set[str] = set()
        for name in outputs.split("\n"):
            if name == UNKNOWN_TOOL:
                found |= self.all
            elif name.startswith(LABEL):
                found.add(name.removeprefix(LABEL))
            else:
                found.update(*(labels for pattern, labels in self._tools if pattern.matches(name)))
        return frozenset(found)


_NONE = frozenset[str]()
