"""What the operator says of each tool, and what it makes of a call: its value, target, action, domain and fail mode."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Final, Literal, TypeVar

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions
from jmespath.parser import ParsedResult

from litellm_bighub.domain.call import UNREADABLE_NAME, Arguments, ToolCall
from litellm_bighub.domain.decision import Basis, Block
from litellm_bighub.domain.redaction import Redact, hidden_texts
from litellm_bighub.domain.secret_patterns import REDACTED
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.settings import FailMode, ToolSettings

_TELLING_LENGTH: Final = 4
"""A hidden text of so many characters is looked for within a target; a shorter one stands in many by chance."""


_Entry = TypeVar("_Entry")


@dataclass(frozen=True, slots=True)
class ShownMeasures:
    """Value and target of a call as they may be stored and shown."""

    value: float | None
    target: str


@dataclass(frozen=True, slots=True)
class ToolEntry:
    """One entry of the table, ready to use. The default one knows nothing of its tool."""

    value: ParsedResult | None = None
    target: ParsedResult | None = None
    action: str = ""
    domain: str | None = None
    fail_mode: FailMode | None = None

    def measure(self, call: ToolCall) -> ToolCall | Block:
        """The call with its value, target and action, or why it is undecidable."""
        if call.unreadable is not None:
            what = "unreadable_name" if call.unreadable == UNREADABLE_NAME else "unreadable_arguments"
            return _undecidable(what, call.unreadable)
        if not _is_unicode(call.id, call.path):
            return _undecidable("unreadable_name", "the id of the call is not valid Unicode")
        try:
            value = _number(_found(self.value, call.arguments))
            target = _text(_found(self.target, call.arguments))
        except _UndecidableError as error:
            return _undecidable(error.what, str(error))
        if value is None and target is None and not self.action:
            return call
        return call.measured(
            value=call.value if value is None else value,
            target=call.target if target is None else target,
            action=self.action or call.action,
        )

    def has(self, what: Literal["value", "target"]) -> bool:
        """Whether the operator says where it stands."""
        return self._expression(what) is not None

    def reads(self, what: Literal["value", "target"], arguments: Arguments) -> bool:
        """Whether the arguments have a field of those that it is taken out of; it may name none, and read all."""
        expression = self._expression(what)
        names = set() if expression is None else set(_names(expression.parsed, "field"))
        return expression is not None and (not names or not names.isdisjoint(arguments))

    def over(self, other: ToolEntry) -> ToolEntry:
        """Both entries as one, in which this one's fields win."""
        return ToolEntry(
            value=self.value or other.value,
            target=self.target or other.target,
            action=self.action or other.action,
            domain=other.domain if self.domain is None else self.domain,
            fail_mode=self.fail_mode or other.fail_mode,
        )

    def only(self, what: Literal["value", "target"]) -> ToolEntry:
        """The entry without the other one."""
        return replace(self, target=None) if what == "value" else replace(self, value=None)

    def _expression(self, what: Literal["value", "target"]) -> ParsedResult | None:
        return self.value if what == "value" else self.target

    def shown(self, call: ToolCall, redacted: Arguments, redact: Redact) -> ShownMeasures:
        """Value and target without what redaction hides in the arguments they come from.

        Args:
            call: with its value and target, whoever found them.
            redacted: the call's arguments, redacted.
            redact: made `redacted`.
        """
        if call.value is None and not call.target:
            return ShownMeasures(None, "")
        measures = redact({"value": call.value, "target": call.target})
        target = str(measures.get("target", REDACTED))
        value = call.value if measures.get("value") == call.value else None
        if redacted == call.arguments:
            return ShownMeasures(value, target)
        hidden = list(hidden_texts(call.arguments, redacted))
        read, seen = self._read(call.arguments), self._read(redacted)
        if seen.target not in {read.target, target} or any(tells(target, text) for text in hidden):
            target = REDACTED
        if read.value != seen.value or any(is_number(text, value) for text in hidden):
            value = None
        return ShownMeasures(value, target)

    def _read(self, arguments: Arguments) -> ShownMeasures:
        """Value and target as they stand in these arguments."""
        value: float | None = None
        target: str | None = None
        with suppress(_UndecidableError):
            value = _number(_found(self.value, arguments))
        with suppress(_UndecidableError):
            target = _text(_found(self.target, arguments))
        return ShownMeasures(value, target or "")


class ToolTable:
    """Finds a tool's entry: the first pattern that fits its name, upper and lower case told apart.

    Args:
        tools: by name or pattern.
        under: what another place says. Both entries of a tool count, field by field.

    Raises:
        ConfigurationError: a JMESPath cannot be parsed or calls a function that does not exist, or both places say
            different things of a tool.
    """

    def __init__(self, tools: Mapping[str, ToolSettings], under: Mapping[str, ToolSettings] | None = None) -> None:
        self._places = [
            {pattern: _tool(f"tools.{pattern}", settings) for pattern, settings in place.items()}
            for place in (tools, under)
            if place
        ]
        if tools and under:
            _refuse_contradictions(tools, under)

    def find(self, name: str) -> ToolEntry:
        """The entry of the tool, or one that knows nothing."""
        found = [entry for place in self._places if (entry := _first(place, name)) is not None]
        return ToolEntry() if not found else found[0] if len(found) == 1 else found[0].over(found[1])


def _first(place: Mapping[str, _Entry], name: str) -> _Entry | None:
    return next((entry for pattern, entry in place.items() if fnmatchcase(name, pattern)), None)


def _refuse_contradictions(tools: Mapping[str, ToolSettings], under: Mapping[str, ToolSettings]) -> None:
    """Refuse a field that both say differently of a tool that one of them names. Of two patterns the first wins."""
    for name in (*tools, *under):
        over, below = (_first(place, name) or place.get(name) for place in (tools, under))
        if over is None or below is None:
            continue
        for field in over.model_fields_set & below.model_fields_set & ToolSettings.model_fields.keys():
            if getattr(over, field) != getattr(below, field):
                problem = "the guardrail and the policy file both say it, and not the same; drop one"
                raise ConfigurationError(f"tools.{name}.{field}", problem)


def tells(target: str, hidden: str) -> bool:
    """Whether a text is a hidden one, or holds it."""
    return bool(hidden) and (hidden == target or (len(hidden) >= _TELLING_LENGTH and hidden in target))


def is_number(text: str, value: float | None) -> bool:
    """Whether a text is this number, however it is written."""
    try:
        return value is not None and float(text) == value
    except ValueError:
        return False


class _UndecidableError(Exception):
    def __init__(self, what: str, reason: str) -> None:
        self.what = what
        super().__init__(reason)


def _is_unicode(*texts: str) -> bool:
    """JSON can carry half of a surrogate pair, which nothing can pass on."""
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return False
    return True


def _undecidable(what: str, reason: str) -> Block:
    return Block(reason, Basis(blocked_by=what), "undecidable")


def _tool(key: str, settings: ToolSettings) -> ToolEntry:
    return ToolEntry(
        value=_compile(f"{key}.value", settings.value),
        target=_compile(f"{key}.target", settings.target),
        action=settings.action or "",
        domain=settings.domain,
        fail_mode=settings.fail_mode,
    )


def _compile(key: str, expression: str | None) -> ParsedResult | None:
    if expression is None:
        return None
    try:
        compiled = jmespath.compile(expression)
    except JMESPathError as error:
        raise ConfigurationError(key, f"is no JMESPath: {str(error).splitlines()[0]}") from error
    for name in _names(compiled.parsed, "function_expression"):
        if name not in Functions.FUNCTION_TABLE:
            raise ConfigurationError(key, f"calls {name}(), which JMESPath does not have")
    return compiled


def _names(node: Mapping[str, object], kind: str) -> Iterator[str]:
    """The fields or functions that a parsed JMESPath names; the library looks for functions only when it runs."""
    if node["type"] == kind:
        yield str(node["value"])
    children = node["children"]
    for child in children if isinstance(children, list) else ():
        if isinstance(child, Mapping):
            yield from _names(child, kind)


def _found(expression: ParsedResult | None, arguments: Arguments) -> object:
    if expression is None:
        return None
    try:
        return expression.search(arguments)
    except (ValueError, TypeError, ArithmeticError) as error:  # JMESPathError is a ValueError
        raise _UndecidableError("measure", "the amount or target cannot be computed from these arguments") from error


def _number(found: object) -> float | None:
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise _UndecidableError("value", f"the amount is {_json_type(found)}, not a number")
    if not math.isfinite(found):
        raise _UndecidableError("value", "the amount is not a finite number")
    return float(found)


def _text(found: object) -> str | None:
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        raise _UndecidableError("target", f"the target is {_json_type(found)}, not a string or number")
    return str(found)


def _json_type(found: object) -> str:
    match found:
        case bool():
            return "a boolean"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "an object"
