"""Which held item an item of an envelope is a copy of. Indices and ids of a stream may be wrong or repeat."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from litellm_bighub.formats.payload.copies import text
from litellm_bighub.formats.responses.calls import fingerprint, read_call
from litellm_bighub.formats.responses.stream.held_item import HeldItem, HeldState


class ItemMatches:
    """Finds copies for one envelope; each held item is taken once."""

    def __init__(self, held: Iterable[HeldItem], by_index: Mapping[int, object], by_id: Mapping[str, object]) -> None:
        self._by_index = by_index
        self._by_id = by_id
        self._by_fingerprint: dict[str, list[HeldItem]] = defaultdict(list)
        self._by_call_id: dict[str, HeldItem] = {}
        self._taken: set[HeldItem] = set()
        for item in held:
            self._by_fingerprint[item.fingerprint].append(item)
            if item.call_id:
                self._by_call_id[item.call_id] = item

    def take(self, held: HeldItem) -> None:
        """The held item has its copy."""
        self._taken.add(held)

    def open_item(self, index: int, item: object) -> HeldItem | None:
        """The incomplete held item that this one completes."""
        return next((held for held in self._candidates(index, item) if held.state is HeldState.OPEN), None)

    def same_version(self, index: int, item: object) -> HeldItem | None:
        """The held item of which this is a faithful copy."""
        wanted = fingerprint(item, read_call(item, ""))
        at_index = self._by_index.get(index)
        if isinstance(at_index, HeldItem) and at_index.fingerprint == wanted and at_index not in self._taken:
            return at_index
        versions = self._by_fingerprint[wanted]
        while versions and versions[-1] in self._taken:
            versions.pop()
        return versions[-1] if versions else None

    def other_version(self, index: int, item: object) -> HeldItem | None:
        """The held item that this one should have been a copy of."""
        return next(iter(self._candidates(index, item)), None)

    def _candidates(self, index: int, item: object) -> list[HeldItem]:
        found = (
            self._by_call_id.get(text(item, "call_id")),
            self._by_id.get(text(item, "id")),
            self._by_index.get(index),
        )
        return [held for held in found if isinstance(held, HeldItem) and held not in self._taken]
