"""Value and target of a call that was asked about over HTTP: as the policy takes them out of the arguments.

The caller's own value and target count where its arguments are not known. Where they are known, both must agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, Literal, TypeAlias, get_args

from litellm_bighub.domain.call import JSON, Arguments, ToolCall
from litellm_bighub.domain.decision import Basis, Block
from litellm_bighub.domain.redaction import hidden_texts
from litellm_bighub.domain.secret_patterns import REDACTED, REDACTED_CARD
from litellm_bighub.policy.tool_table import ToolEntry, ToolTable, is_number, tells

EXTRA_FIELDS: Final = "bighub"
"""The argument that holds the question's other fields, beyond the call's own arguments."""
QUESTION_FIELDS: Final = "question"
"""Where, under `EXTRA_FIELDS`, the question's value and target stand if the context has fields of those names."""
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


def hide_stated(arguments: Arguments, redacted: Arguments) -> Arguments:
    """Redacted arguments of a question over HTTP, without a value and a target that tell what is hidden beside them."""
    hidden = list(hidden_texts(arguments, redacted))
    stated = {*_MEASURES, EXTRA_FIELDS}
    return {name: _without(value, hidden) if name in stated else value for name, value in redacted.items()}


def _without(value: JSON, hidden: Sequence[str]) -> JSON:
    if isinstance(value, Mapping):
        return {name: _without(one, hidden) for name, one in value.items()}
    if isinstance(value, list):
        return [_without(one, hidden) for one in value]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    is_told = any(tells(value, one) if isinstance(value, str) else is_number(one, value) for one in hidden)
    return REDACTED if is_told else value


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
    """Whether the target was hidden: a gateway sends its arguments without secrets."""
    return REDACTED in call.target or REDACTED_CARD in call.target


def _argument_sources(call: ToolCall) -> list[tuple[Arguments, bool]]:
    """Places of arguments, and whether a place holds all arguments of the call."""
    extra = call.arguments.get(EXTRA_FIELDS)
    others = {name: value for name, value in call.arguments.items() if name != EXTRA_FIELDS}
    if not isinstance(extra, Mapping) or "value" not in extra:
        return [(others, False)]
    context = {name: value for name, value in extra.items() if name not in {"value", "target"}}
    return [(others, True), (context, False)]
