"""Value and target of a call that was asked about over HTTP: as the policy takes them out of the arguments.

What a caller says they are counts where its arguments are not known. Where they are, what it says has to be the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Literal, TypeAlias, get_args

from litellm_bighub.deciders.tool_table import ToolEntry, ToolTable
from litellm_bighub.domain.call import Arguments, ToolCall
from litellm_bighub.domain.decision import Basis, Block
from litellm_bighub.domain.secrets import REDACTED, REDACTED_CARD

EXTRA_FIELDS: Final = "bighub"
"""Where the arguments hold what was told beside the call's own."""
QUESTION_FIELDS: Final = "question"
"""Where, under `EXTRA_FIELDS`, value and target of the question stand, if the context has fields of those names."""
_Measure: TypeAlias = Literal["value", "target"]
_MEASURES: Final[tuple[_Measure, ...]] = get_args(_Measure)


def measured(tools: ToolTable, call: ToolCall) -> ToolCall | Block:
    """The call with value and target as the policy has them, or why it cannot be decided on."""
    tool = tools.find(call.name)
    for what in _MEASURES:
        known = _measured_from_arguments(tool, call, what)
        if isinstance(known, Block):
            return known
        if known is not None:
            call = known
    return call


def _measured_from_arguments(tool: ToolEntry, call: ToolCall, what: _Measure) -> ToolCall | Block | None:
    """The call with one of them out of its arguments, `None` if they do not hold it."""
    first: ToolCall | None = None
    for arguments, whole in _argument_sources(call):
        if not tool.has(what) or not (whole or tool.reads(what, arguments)):
            continue
        reading = tool.only(what).measure(replace(call, arguments=arguments, value=None, target=""))
        if isinstance(reading, Block):
            return reading
        if _is_redacted(reading) or (first is not None and _measure_of(reading, what) is None):
            continue
        if _measure_of(first or call, what) not in {None, _measure_of(reading, what)}:
            reason = f"the {what} that the caller tells is not the one that the policy finds in the arguments"
            return Block(reason, basis=Basis(blocked_by=what))
        first = reading
    if first is None:
        return None
    return replace(call, value=first.value) if what == "value" else replace(call, target=first.target)


def _measure_of(call: ToolCall, what: _Measure) -> float | str | None:
    return call.value if what == "value" else call.target or None


def _is_redacted(call: ToolCall) -> bool:
    """A gateway sends its arguments without secrets."""
    return REDACTED in call.target or REDACTED_CARD in call.target


def _argument_sources(call: ToolCall) -> list[tuple[Arguments, bool]]:
    """Where arguments may stand, and whether those are all arguments that the call has."""
    told = call.arguments.get(EXTRA_FIELDS)
    others = {name: value for name, value in call.arguments.items() if name != EXTRA_FIELDS}
    if not isinstance(told, Mapping) or "value" not in told:
        return [(others, False)]
    beside = {name: value for name, value in told.items() if name not in {"value", "target"}}
    return [(others, True), (beside, False)]
