"""A call with other arguments, which a person put in place of the model's; what the inbox had redacted comes back.

The gateway itself gets the edited arguments and runs them. A caller over HTTP runs the arguments that it has, so it is
shown the edit and asks again with the edited arguments; the approval is then bound to those. A gateway that asks over
HTTP cannot do that: it only asks about the model's arguments.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from litellm_bighub.control_plane.decisions.value_extraction import EXTRA_FIELDS, measured
from litellm_bighub.domain.call import JSON, Arguments, ToolCall
from litellm_bighub.domain.decision import Block
from litellm_bighub.domain.redaction import holds_mask
from litellm_bighub.policy.tool_table import ToolTable

HTTP_SURFACE: Final = "http"
"""The surface of calls that were asked about over HTTP."""
GATEWAY: Final = "gateway"
"""The field in which a gateway describes its run."""


def edit(tools: ToolTable, call: ToolCall, arguments: Arguments, *, surface: str) -> ToolCall | str:
    """The call with other arguments, its value and target taken out of them; or why that cannot be.

    It has neither where the policy does not say where they stand: those of the call before may be others.
    """
    if surface == HTTP_SURFACE:
        stated = _with_stated_values(call, arguments)
        found = stated if isinstance(stated, str) else measured(tools, stated)
    else:
        found = tools.find(call.name).measure(replace(call, arguments=arguments, value=None, target=""))
    return found.reason if isinstance(found, Block) else found


def editable(arguments: Arguments, *, surface: str) -> bool:
    """Whether the caller can learn of an edit."""
    return surface != HTTP_SURFACE or not {EXTRA_FIELDS, GATEWAY} & set(arguments)


def _with_stated_values(call: ToolCall, arguments: Arguments) -> ToolCall | str:
    value, target = arguments.get("value"), arguments.get("target")
    if value is not None and (
        isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value)
    ):
        return "the value is no number"
    if target is not None and not isinstance(target, str):
        return "the target is no text"
    return replace(call, arguments=arguments, value=None if value is None else float(value), target=target or "")


def merge_arguments(edited: Arguments, shown: Arguments, original: Arguments) -> Arguments:
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


def writes_mask(edited: Arguments, shown: Arguments) -> bool:
    """Whether `merge_arguments` would leave in the call what stands for something hidden.

    It puts back what was left as shown. A text that was changed around a mask, a list that has become shorter or a
    name that was hidden itself is not that.
    """
    return any(
        holds_mask(name) or (_writes_mask(value, shown[name]) if name in shown else holds_mask(value))
        for name, value in edited.items()
    )


def _writes_mask(edited: JSON, shown: JSON) -> bool:
    if edited == shown and type(edited) is type(shown):
        return False
    if isinstance(edited, Mapping) and isinstance(shown, Mapping):
        return writes_mask(edited, shown)
    if isinstance(edited, list) and isinstance(shown, list) and len(edited) == len(shown):
        return any(map(_writes_mask, edited, shown))
    return holds_mask(edited)


def _merge(edited: JSON, shown: JSON, original: JSON) -> JSON:
    if edited == shown and type(edited) is type(shown):
        return original
    if isinstance(edited, Mapping) and isinstance(shown, Mapping) and isinstance(original, Mapping):
        return merge_arguments(edited, shown, original)
    if (
        isinstance(edited, list)
        and isinstance(shown, list)
        and isinstance(original, list)
        and len(edited) == len(shown) == len(original)
    ):
        return [_merge(*triple) for triple in zip(edited, shown, original, strict=True)]
    return edited
