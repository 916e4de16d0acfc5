"""Items of an input that stand for items which the provider has kept."""

from __future__ import annotations

from litellm_bighub.formats.payload.copies import text
from litellm_bighub.formats.payload.fields import get


def is_reference(item: object) -> bool:
    """Whether the item only names another one. Its type may be left out."""
    if text(item, "type"):
        return text(item, "type") == "item_reference"
    return bool(text(item, "id")) and get(item, "type") is None and get(item, "role") is None
