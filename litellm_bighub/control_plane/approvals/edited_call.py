"""A call with other arguments, which a person put in place of the model's.

Who asked inside the gateway gets the edited arguments and runs them. Who asked over HTTP runs what it has, so it is
told of the edit and has to ask again with the edited arguments: the approval is then bound to those. A gateway that
asks over HTTP could never ask about other arguments than the model's.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from litellm_bighub.control_plane.decisions.value_extraction import EXTRA_FIELDS, measured
from litellm_bighub.deciders.tool_table import ToolTable
from litellm_bighub.domain.call import Arguments, ToolCall
from litellm_bighub.domain.decision import Block

HTTP_SURFACE: Final = "http"
"""The surface of calls that were asked about over HTTP."""
GATEWAY: Final = "gateway"
"""Where a gateway tells of its run."""


def edit(tools: ToolTable, call: ToolCall, arguments: Arguments, *, surface: str) -> ToolCall | str:
    """The call with other arguments, its value and target taken out of them; or why that cannot be."""
    if surface == HTTP_SURFACE:
        told = _with_stated_values(call, arguments)
        found = told if isinstance(told, str) else measured(tools, told)
    else:
        found = tools.find(call.name).measure(replace(call, arguments=arguments))
    return found.reason if isinstance(found, Block) else found


def editable(arguments: Arguments, *, surface: str) -> bool:
    """Whether who asked can learn of an edit."""
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
