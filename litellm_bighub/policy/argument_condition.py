"""Conditions over a call's arguments, written in JMESPath and read strictly.

JMESPath itself answers `null` where a comparison makes no sense, and `null` counts as false. A rule
``amount > `500` `` that blocks would then be passed by the argument `"600"`. Here such a comparison, and every answer
that is neither true nor false, is an error, and the call is blocked.

They read the arguments and nothing else, so that no argument can pose as the caller: who asks is what the function
`caller('team')` gives. Three more functions are added: `any(list, &expr)`, `all(list, &expr)` and `matches(text,
pattern)`.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import jmespath
from jmespath.exceptions import JMESPathError, LexerError, ParseError
from jmespath.functions import Functions, signature
from jmespath.lexer import Lexer
from jmespath.visitor import Options, TreeInterpreter

from litellm_bighub.domain.call import Arguments, CallContext
from litellm_bighub.errors import did_you_mean
from litellm_bighub.policy.parts.linear_pattern import somewhere

if TYPE_CHECKING:  # the stubs' names for a parsed expression; at run time it is a dict
    from jmespath.visitor import _Expression, _TreeNode

_ORDERED = frozenset({"lt", "gt", "lte", "gte"})
_SIGNS: Final = {"eq": "==", "ne": "!=", "lt": "<", "gt": ">", "lte": "<=", "gte": ">="}
_JOINING: Final = frozenset({"and_expression", "or_expression", "not_expression"})
_CALLER: Final = "caller"
CALLER_NAMES: Final = ("actor", "domain", "user", "team", "key", "key_alias", "model", "surface", "end_user")
"""What `caller(name)` gives."""
_NOBODY: Final = CallContext(actor="", domain="")
_MOST_SHOWN: Final = 80
"""Characters of one value."""
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_OF_MATCHES: Final = 2
"""Arguments of `matches`."""
_LITERALS: Final = frozenset({"true", "false"})
_OPERATORS: Final = {"and": "&&", "or": "||", "not": "!", "=": "=="}


class Undecidable(ValueError):  # noqa: N818 - the name of the state, caught where a call is judged
    """The condition is neither true nor false for these arguments. The message holds none of them."""


class _ConditionFunctions(Functions):
    """JMESPath's functions and ours. Ours answer true or false, or not at all."""

    @signature({"types": ["array"]}, {"types": ["expref"]})
    def _func_any(self, elements: list[object], expression: _Expression) -> bool:
        return any(self._answers(elements, expression))

    @signature({"types": ["array"]}, {"types": ["expref"]})
    def _func_all(self, elements: list[object], expression: _Expression) -> bool:
        return all(self._answers(elements, expression))

    @signature({"types": ["string"]}, {"types": ["string"]})
    def _func_matches(self, text: str, pattern: str) -> bool:
        return bool(somewhere(pattern)(text))

    def _answers(self, elements: list[object], expression: _Expression) -> list[bool]:
        """The answer for each element: one without an answer leaves the condition without one, wherever it stands."""
        answers = [expression.visit(expression.expression, element) for element in elements]  # type: ignore[arg-type] # the stubs call the tree a text
        return [_true_or_false(answer) for answer in answers]


_OPTIONS: Final = Options(custom_functions=_ConditionFunctions())


class _StrictInterpreter(TreeInterpreter):
    """JMESPath's own interpreter, but an ordering of anything except two numbers is an error. It knows who asks."""

    def __init__(self, caller: CallContext) -> None:
        super().__init__(_OPTIONS)
        self._caller = caller

    def visit_function_expression(self, node: _TreeNode, value: object) -> object:
        if node["value"] == _CALLER:
            return getattr(self._caller, node["children"][0]["value"])
        return super().visit_function_expression(node, value)

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
        tree = _parsed(text, {*_ConditionFunctions.FUNCTION_TABLE, _CALLER})
        _refuse_other_callers(tree)
        _refuse_other_patterns(tree)
        return cls(text, tree)

    @property
    def caller_names(self) -> frozenset[str]:
        """What it asks of the caller."""
        return frozenset(str(call["children"][0]["value"]) for call in _calls(self._tree) if call["value"] == _CALLER)

    def holds(self, arguments: Arguments, caller: CallContext = _NOBODY) -> bool:
        """Whether the arguments, and who asks, fulfil the condition.

        Raises:
            Undecidable: the condition cannot be evaluated on them, or gives something else than true or false.
        """
        try:
            answer = _StrictInterpreter(caller).visit(self._tree, arguments)
        except (JMESPathError, ArithmeticError, TypeError, UnicodeError) as error:
            raise Undecidable(f"it fails with {type(error).__name__}") from error
        return _true_or_false(answer)

    def readings(self, arguments: Arguments, caller: CallContext = _NOBODY) -> tuple[str, ...]:
        """A line for each comparison of the condition, with the values on both sides, for people who try a rule."""
        return tuple(_reading(node, arguments, caller) for node in _comparisons(self._tree))


def compile_expression(text: str) -> None:
    """Check an expression over the arguments that is no condition: the functions of conditions are not for it.

    Raises:
        ValueError: it is no JMESPath expression.
    """
    _parsed(text, Functions.FUNCTION_TABLE)


def refuse_slips(text: str) -> None:
    """Refuse names that are surely meant as values. JMESPath takes them for fields, which are null.

    Conditions that are stored may have them, so `Condition.compile` takes them.

    Raises:
        ValueError: the expression has one.
    """
    tokens = list(Lexer().tokenize(text))
    for token, following in itertools.pairwise(tokens):
        name, is_key = token["value"], following["type"] == "colon"
        if (
            token["type"] == "quoted_identifier"
            and not is_key
            and _PLAIN_NAME.fullmatch(name)
            and name not in _LITERALS
        ):
            raise ValueError(f"`\"{name}\"` is the field {name}; write '{name}' for a text, or {name} for the field")
        if token["type"] == "unquoted_identifier" and not is_key and name in _LITERALS:
            raise ValueError(f"`{name}` is a field of that name; write `` `{name}` ``")


def _fault(error: JMESPathError) -> str:
    """What is wrong, without the expression and the arrow under it, which would stand on lines of their own."""
    return str(error).splitlines()[0].removesuffix(", for expression:")


def _parsed(text: str, functions: Collection[str]) -> _TreeNode:
    try:
        tree = jmespath.compile(text).parsed
    except JMESPathError as error:
        raise ValueError(f"not a JMESPath expression: {_fault(error)}{_hint(error)}") from error
    _refuse_unknown_functions(tree, functions)
    return tree


def _hint(error: JMESPathError) -> str:
    """How to write what is probably meant."""
    if not isinstance(error, ParseError):
        return ""
    found = str(error.token_value)
    if error.token_type == "NUMBER":  # noqa: S105 - a kind of token, no secret
        return f"; write `` `{found}` `` for the number {found}"
    if found in _OPERATORS:
        return f"; write {_OPERATORS[found]} for {found}"
    if isinstance(error, LexerError) and found[:1] in {"/", "~", "$"}:
        return "; a text stands in single quotes, as in '/etc'"
    return ""


def _true_or_false(answer: object) -> bool:
    if answer is True or answer is False:
        return answer
    raise Undecidable(f"it gives {'null' if answer is None else type(answer).__name__}, not true or false")


def _comparisons(node: _TreeNode) -> Iterator[_TreeNode]:
    if node["type"] in _JOINING:
        for child in node["children"]:
            yield from _comparisons(child)
    else:
        yield node


def _reading(node: _TreeNode, arguments: Arguments, caller: CallContext) -> str:
    answer = _value(node, arguments, caller)
    if node["type"] not in {"comparator", "function_expression"}:
        return f"{_spelled(node)} is {answer}"
    values = _joined(node, [_value(child, arguments, caller) for child in node["children"]])
    says = f"is {answer}" if answer in {"true", "false"} else "has no answer"
    return f"{_spelled(node)}: {values} {says}"


def _value(node: _TreeNode, arguments: Arguments, caller: CallContext) -> str:
    try:
        shown = json.dumps(_StrictInterpreter(caller).visit(node, arguments), ensure_ascii=False)
    except (JMESPathError, ArithmeticError, TypeError, ValueError):  # JSON has no references to expressions: TypeError
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


def _refuse_unknown_functions(node: _TreeNode, functions: Collection[str]) -> None:
    """JMESPath notices them only when it calls them."""
    for call in _calls(node):
        if call["value"] not in functions:
            hint = did_you_mean(call["value"], functions)
            raise ValueError(f"not a JMESPath expression: there is no function {call['value']}{hint}")


def _refuse_other_patterns(node: _TreeNode) -> None:
    """A pattern stands in the condition. One out of the arguments would be the caller's choice."""
    for call in _calls(node):
        if call["value"] != "matches" or len(call["children"]) != _OF_MATCHES:
            continue
        pattern = call["children"][1]
        if pattern["type"] != "literal" or not isinstance(pattern["value"], str):
            raise ValueError("the pattern of matches(text, pattern) is a text in single quotes")
        try:
            somewhere(pattern["value"])
        except ValueError as error:
            raise ValueError(f"the pattern of matches(text, pattern): {error}") from error


def _calls(node: _TreeNode) -> Iterator[_TreeNode]:
    """All calls of functions."""
    if node["type"] == "function_expression":
        yield node
    if node["type"] != "slice":  # whose children are numbers
        for child in node["children"]:
            yield from _calls(child)


def _refuse_other_callers(node: _TreeNode) -> None:
    """The name is written out: an argument that chose it would choose what the rule compares."""
    for call in _calls(node):
        if call["value"] != _CALLER:
            continue
        names = [child["value"] if child["type"] == "literal" else None for child in call["children"]]
        if len(names) != 1 or names[0] not in CALLER_NAMES:
            known = ", ".join(f"'{name}'" for name in CALLER_NAMES)
            raise ValueError(f"not a JMESPath expression: caller takes one of {known}")
