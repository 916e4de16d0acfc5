"""Edited arguments: a person edits what the inbox shows, which is redacted; what was hidden comes back here."""

from __future__ import annotations

from collections.abc import Mapping

from litellm_bighub.domain.call import JSON, Arguments


def merge(edited: Arguments, shown: Arguments, original: Arguments) -> Arguments:
    """The arguments as the person meant them.

    Args:
        edited: what the person made of `shown`.
        shown: the redacted arguments.
        original: the arguments of the call, which has the same digest as the one that was shown.

    Returns:
        `edited`, but with the original at every place that the person left as it was shown.
    """
    return {
        key: _merge(value, shown[key], original[key]) if key in shown and key in original else value
        for key, value in edited.items()
    }


def _merge(edited: JSON, shown: JSON, original: JSON) -> JSON:
    if edited == shown and type(edited) is type(shown):
        return original
    if isinstance(edited, Mapping) and isinstance(shown, Mapping) and isinstance(original, Mapping):
        return merge(edited, shown, original)
    if (
        isinstance(edited, list)
        and isinstance(shown, list)
        and isinstance(original, list)
        and len(edited) == len(shown) == len(original)
    ):
        return [_merge(*triple) for triple in zip(edited, shown, original, strict=True)]
    return edited
