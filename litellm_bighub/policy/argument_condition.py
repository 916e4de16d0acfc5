"""Conditions over a call's arguments, written in JMESPath and read strictly.

JMESPath itself answers `null` where a comparison makes no sense, and `null` counts as false. A rule
``amount > `500` `` that blocks would then be passed by the argument `"600"`. Here such a comparison, and every answer
that is neither true nor false, is an error, and the call is blocked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions
from jmespath.visitor import TreeInterpreter

from litellm_bighub.domain.call import Arguments

if TYPE_CHECKING:  # the stubs' names for a parsed expression; at run time it is a dict
    from jmespath.visitor import _TreeNode

_ORDERED = frozenset({"lt", "gt", "lte", "gte"})


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


def _refuse_unknown_functions(node: _TreeNode) -> None:
    """JMESPath notices them only when it calls them."""
    if node["type"] == "function_expression" and node["value"] not in Functions.FUNCTION_TABLE:
        raise ValueError(f"not a JMESPath expression: there is no function {node['value']}")
    if node["type"] != "slice":  # whose children are numbers
        for child in node["children"]:
            _refuse_unknown_functions(child)
