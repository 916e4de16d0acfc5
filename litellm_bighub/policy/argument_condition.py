"""Conditions over a call's arguments, written in JMESPath and read strictly.

JMESPath itself answers `null` where a comparison makes no sense, and `null` counts as false. A rule
``amount > `500` `` that blocks would then be passed by the argument `"600"`. Here such a comparison, and every answer
that is neither true nor false, is an error, and the call is blocked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions
from jmespath.visitor import TreeInterpreter

from litellm_bighub.domain.call import Arguments

if TYPE_CHECKING:  # the stubs' names for a parsed expression; at run time it is a dict
    from jmespath.visitor import _TreeNode

_ORDERED = frozenset({"lt", "gt", "lte", "gte"})
_SIGNS: Final = {"eq": "==", "ne": "!=", "lt": "<", "gt": ">", "lte": "<=", "gte": ">="}
_JOINING: Final = frozenset({"and_expression", "or_expression", "not_expression"})
_MOST_SHOWN: Final = 80
"""Characters of one value."""


class Undecidable(ValueError):  # noqa: N818 - the name of the state, caught where a call is judged
    """The condition is neither true nor false for these arguments. The message holds none of them."""


class _StrictInterpreter(TreeInterpreter):
    """JMESPath's own interpreter, but an ordering of anything except two numbers is an error."""

    def visit_comparator(self, node: _TreeNode, value: object) -> object:
        answer: object = super().visit_comparator(node, value)
        if answer is None and node["value"] in _ORDERED:
            raise Undecidable("it compares something that is no number")
        return answer


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition. Equal to another one of the same text."""

    text: str
    _tree: _TreeNode = field(repr=False, compare=False)

    @classmethod
    def compile(cls, text: str) -> Condition:
        """Compile a condition.

        Raises:
            ValueError: the text is no JMESPath expression.
        """
        try:
            tree = jmespath.compile(text).parsed
        except JMESPathError as error:
            raise ValueError(f"not a JMESPath expression: {str(error).splitlines()[0]}") from error
        _refuse_unknown_functions(tree)
        return cls(text, tree)

    def holds(self, arguments: Arguments) -> bool:
        """Whether the arguments fulfil the condition.

        Raises:
            Undecidable: the condition cannot be evaluated on them, or gives something else than true or false.
        """
        try:
            answer = _StrictInterpreter().visit(self._tree, arguments)
        except (JMESPathError, ArithmeticError, TypeError) as error:
            raise Undecidable(f"it fails with {type(error).__name__}") from error
        if answer is True or answer is False:
            return answer
        raise Undecidable(f"it gives {'null' if answer is None else type(answer).__name__}, not true or false")

    def readings(self, arguments: Arguments) -> tuple[str, ...]:
        """A line for each comparison of the condition, with the values on both sides, for people who try a rule."""
        return tuple(_reading(node, arguments) for node in _comparisons(self._tree))


def _comparisons(node: _TreeNode) -> Iterator[_TreeNode]:
    if node["type"] in _JOINING:
        for child in node["children"]:
            yield from _comparisons(child)
    else:
        yield node


def _reading(node: _TreeNode, arguments: Arguments) -> str:
    answer = _value(node, arguments)
    if node["type"] not in {"comparator", "function_expression"}:
        return f"{_spelled(node)} is {answer}"
    values = _joined(node, [_value(child, arguments) for child in node["children"]])
    says = f"is {answer}" if answer in {"true", "false"} else "has no answer"
    return f"{_spelled(node)}: {values} {says}"


def _value(node: _TreeNode, arguments: Arguments) -> str:
    try:
        shown = json.dumps(_StrictInterpreter().visit(node, arguments), ensure_ascii=False)
    except (JMESPathError, ArithmeticError, TypeError, Undecidable):  # JSON has no references to expressions: TypeError
        return "?"
    return shown if len(shown) <= _MOST_SHOWN else f"{shown[:_MOST_SHOWN]}…"


def _joined(node: _TreeNode, sides: list[str]) -> str:
    if node["type"] == "comparator":
        return f" {_SIGNS[node['value']]} ".join(sides)
    return f"{node['value']}({', '.join(sides)})"


def _spelled(node: _TreeNode) -> str:
    """A piece of the condition; what is rare in conditions is left out."""
    match node["type"]:
        case "field":
            return str(node["value"])
        case "literal":
            return json.dumps(node["value"], ensure_ascii=False)
        case "subexpression":
            return ".".join(map(_spelled, node["children"]))
        case "comparator" | "function_expression":
            return _joined(node, [_spelled(child) for child in node["children"]])
        case _:
            return "…"


def _refuse_unknown_functions(node: _TreeNode) -> None:
    """JMESPath notices them only when it calls them."""
    if node["type"] == "function_expression" and node["value"] not in Functions.FUNCTION_TABLE:
        raise ValueError(f"not a JMESPath expression: there is no function {node['value']}")
    if node["type"] != "slice":  # whose children are numbers
        for child in node["children"]:
            _refuse_unknown_functions(child)
