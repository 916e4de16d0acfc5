"""Statements of SQL: what they do to which tables.

Databases read the same text differently. Without a dialect a text counts as understood only if several of them read
it, and everything that one of them reads in it is a part. What is not understood is a part that no pattern fits.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from litellm_bighub.policy.parts.linear_pattern import Fits, literal, whole
from litellm_bighub.policy.parts.part import Part, Unknown

if TYPE_CHECKING:
    from sqlglot import exp

MAX_LENGTH: Final = 20_000
MAX_NESTING: Final = 60
_WITHOUT_ONE: Final = ("postgres", "mysql", "sqlite", "tsql")
_KINDS: Final = {
    "Insert": "insert",
    "Update": "update",
    "Delete": "delete",
    "Merge": "merge",
    "Create": "create",
    "Alter": "alter",
    "Drop": "drop",
    "TruncateTable": "truncate",
    "Into": "create",
}
_VERBS: Final = {
    **{verb: frozenset({verb}) for verb in ("select", *_KINDS.values())},
    "read": frozenset({"select"}),
    "write": frozenset({"insert", "update", "delete", "merge"}),
    "*": frozenset({"select", *_KINDS.values()}),
}
_BEGINS: Final = re.compile(
    r"\b(?:insert|update|delete|merge|create|alter|drop|truncate|grant|revoke|exec|execute|call|copy|attach|detach|load"
    r"|shutdown|kill|backup|restore|deny|dbcc|bulk|waitfor|use|vacuum|pragma)\b",
    re.IGNORECASE,
)
"""Words that begin a statement. Some databases want no semicolon before them; the parser then takes them for names."""
_NOT_A_BEGIN: Final = re.compile(r"\b(?:do|key)\s+update\b", re.IGNORECASE)
_STRING: Final = re.compile(r"'(?:[^']|'')*'")
_READ_DIFFERENTLY: Final = re.compile(r"/\*|\\|\$[A-Za-z_0-9]*\$|\0|#|--|\{[{%]|[\"`\[][^\"`\]]*'")
"""Comments, escapes and quotes that databases end in different places."""
_SIMPLE_NAME: Final = re.compile(r"[\w$ -]+")


@dataclass(frozen=True, slots=True)
class SqlStatement:
    """One statement, or one that stands in another.

    Attributes:
        verb: what it does, as in `select` or `delete`.
        tables: what it is done to, in lower case, with schema where the text names it.
        bounded: whether an update or delete has a `where`.
        sure: whether all that it does is known; a function may do anything.
    """

    verb: str
    tables: tuple[str, ...]
    bounded: bool = True
    sure: bool = True
    kind: str = "sql"
    restricts_only: bool = False

    @property
    def shown(self) -> str:
        """Verb and tables."""
        where = "" if self.bounded else " without where"
        return f"{self.verb} {', '.join(self.tables)}".rstrip() + where


class _NoTexts(logging.Filter):
    """Keeps statements out of the log: the parser warns with their text."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "unsupported syntax" not in str(record.msg)


def read_sql(text: str, dialect: str | None = None) -> list[Part]:
    """The statements of a text; never none."""
    not_understood: list[Part] = [Unknown("its SQL is not understood")]
    if len(text) > MAX_LENGTH or _READ_DIFFERENTLY.search(text) or _nesting(text) > MAX_NESTING:
        return not_understood
    found: dict[Part, None] = {}
    for name in (dialect,) if dialect else _WITHOUT_ONE:
        statements = _parsed(text, name)
        if statements is None:
            return [*found, *not_understood]
        parts = [part for statement in statements for part in _parts(statement)]
        found |= dict.fromkeys(parts)
        writes = sum(isinstance(part, SqlStatement) and part.verb != "select" for part in parts)
        if len(_BEGINS.findall(_NOT_A_BEGIN.sub("", _STRING.sub("''", text)))) > writes:
            found |= dict.fromkeys(not_understood)
    return list(found) or not_understood


def _nesting(text: str) -> int:
    deepest = depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    return deepest


def _parsed(text: str, dialect: str) -> list[exp.Expr] | None:
    import sqlglot  # noqa: PLC0415 - slow to import, and few policies need it
    from sqlglot.errors import SqlglotError  # noqa: PLC0415

    logger = logging.getLogger("sqlglot")
    if not any(isinstance(one, _NoTexts) for one in logger.filters):
        logger.addFilter(_NoTexts())
    try:
        parsed = sqlglot.parse(text, read=dialect, error_level=sqlglot.ErrorLevel.RAISE)
    except (SqlglotError, RecursionError, ValueError, AttributeError, TypeError, KeyError, IndexError):
        return None  # whatever a parser of that size stumbles over
    return [statement for statement in parsed if statement is not None]


def _parts(root: exp.Expr) -> Iterator[Part]:
    """What a statement does, and what the statements in it do."""
    from sqlglot import exp  # noqa: PLC0415 - slow to import

    if not isinstance(root, exp.Query) and type(root).__name__ not in _KINDS:
        yield Unknown("its SQL is not understood")
        return
    nodes = list(root.walk())
    sure = not any(isinstance(node, exp.Anonymous | exp.AnonymousAggFunc | exp.Command | exp.Lock) for node in nodes)
    tables = [node for node in nodes if isinstance(node, exp.Table)]
    sure = sure and all(_is_simple(table) for table in tables)
    targets: set[int] = set()
    for node in nodes:
        verb = _KINDS.get(type(node).__name__)
        if verb is None:
            continue
        written = _targets(node, verb)
        targets |= {id(table) for table in written}
        where = node.args.get("where")
        bounded = verb not in {"update", "delete"} or (where is not None and where.find(exp.Column) is not None)
        yield SqlStatement(verb, _names(written), bounded, sure)
    aliases = {cte.alias.lower() for cte in root.ctes} if isinstance(root, exp.Query) else set[str]()
    read = [
        table
        for table in tables
        if id(table) not in targets
        and not (table.name.lower() in aliases and not table.db and table.find_ancestor(exp.CTE) is None)
    ]
    if read or isinstance(root, exp.Query):
        yield SqlStatement("select", _names(read), sure=sure)


def _targets(node: exp.Expr, verb: str) -> list[exp.Table]:
    """The tables that a node writes to, or does away with."""
    from sqlglot import exp  # noqa: PLC0415 - slow to import

    if verb in {"drop", "truncate", "alter"}:
        return list(node.find_all(exp.Table))
    places = [node.this, *(node.args.get("tables") or ())]
    return [table for place in places if isinstance(place, exp.Expr) for table in place.find_all(exp.Table)]


def _is_simple(table: exp.Table) -> bool:
    """Whether it is a table and its name cannot be taken for another one."""
    from sqlglot import exp  # noqa: PLC0415 - slow to import

    return all(isinstance(part, exp.Identifier) and _SIMPLE_NAME.fullmatch(part.name) for part in table.parts)


def _names(tables: Sequence[exp.Table]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(".".join(part.name for part in table.parts).lower() for table in tables))


@dataclass(frozen=True)  # without slots: the expressions are kept
class SqlPattern:
    """A pattern of statements: `select orders,public.*`, `drop`, `delete * without where`.

    A verb, tables between commas, and `without where` for an update or delete of everything. `read` is select, `write`
    is insert, update, delete and merge. A rule that allows fits an update or delete without `where` only if it says so.
    """

    text: str

    def __post_init__(self) -> None:
        """Refuse what is no pattern.

        Raises:
            ValueError: it is not one.
        """
        _ = self._words, self._tables

    @cached_property
    def _words(self) -> tuple[frozenset[str], str, bool]:
        words = self.text.lower().split()
        unbounded = words[-2:] == ["without", "where"]
        words = words[:-2] if unbounded else words
        if not 1 <= len(words) <= 2 or words[0] not in _VERBS:
            raise ValueError(f"a pattern of SQL is a verb ({', '.join(_VERBS)}) and tables, as in `select a,b`")
        if unbounded and not _VERBS[words[0]] & {"update", "delete"}:
            raise ValueError("only update and delete have a `where` that can be missing")
        return _VERBS[words[0]], words[1] if len(words) > 1 else "*", unbounded

    @cached_property
    def _tables(self) -> tuple[Fits, ...]:
        return tuple(
            whole("".join("(?s:.*)" if piece == "*" else literal(piece) for piece in re.split(r"(\*)", table) if piece))
            for table in self._words[1].split(",")
        )

    def fits(self, part: Part, *, allows: bool) -> bool:
        """Whether the statement is one of these."""
        if not isinstance(part, SqlStatement):
            return False
        verbs, _, unbounded = self._words
        if part.verb not in verbs or (part.bounded and unbounded):
            return False
        if allows:
            return part.sure and (part.bounded or unbounded) and all(map(self._is_named, part.tables))
        named = (*part.tables, *(table.rpartition(".")[2] for table in part.tables))
        return not named or any(map(self._is_named, named))

    def _is_named(self, table: str) -> bool:
        return any(fits(table) for fits in self._tables)
