"""SQL: formatted where that changes no word of it, with keywords, texts and comments told apart.

A statement is shown formatted only if it is understood, and if the formatted text has the same words in the same order.
Otherwise it is shown as it was written. Databases end comments and texts in different places, so where it is not
understood, only keywords are told apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from litellm_bighub.control_plane.inbox.views.text_block import Line, TextBlock, folded, split_lines
from litellm_bighub.control_plane.inbox.views.text_runs import Style, TextRun, text_runs
from litellm_bighub.policy.parts.part import Part, Unknown
from litellm_bighub.policy.parts.sql_statement import SqlStatement, read_sql

SQL_NAMES: Final = frozenset({"sql", "sql_query", "statement"})
_BEGINS: Final = re.compile(
    r"\s*(?:select|with|insert|update|delete|merge|create|alter|drop|truncate|grant|revoke)\s", re.IGNORECASE
)
_KEYWORD: Final = (
    "select|from|where|and|or|not|in|is|null|as|on|using|join|left|right|full|inner|outer|cross|group|order|by|having|"
    "limit|offset|union|all|distinct|insert|into|values|update|set|delete|merge|create|alter|drop|truncate|table|view|"
    "index|database|schema|column|add|grant|revoke|to|with|case|when|then|else|end|exists|between|like|cascade|returning|"
    "if|asc|desc|primary|key|references|default|begin|commit|rollback"
)
_WORDS: Final = re.compile(rf"(?P<keyword>\b(?:{_KEYWORD})\b)", re.IGNORECASE)
_TOKENS: Final = re.compile(rf"(?P<text>'(?:[^']|'')*')|(?P<keyword>\b(?:{_KEYWORD})\b)", re.IGNORECASE)
_SAME: Final = re.compile(r"'(?:[^']|'')*'|\w+|[^\w\s]")
_QUOTES: Final = re.compile("['\"`\\[]")
_GAPS: Final = re.compile(r"(?<=\S) {2,}(?=\S)")
"""What the formatter leaves between two words of a line."""
_OPTIONAL: Final = frozenset({"as", ";"})
_REMOVING: Final = frozenset({"delete", "drop", "truncate", "alter"})
_REMOVES: Final = re.compile(r"\s*(?:delete|drop|truncate|alter)\b", re.IGNORECASE)


def is_sql(name: str, text: str) -> bool:
    """Whether a field of this name holds SQL."""
    lowered = name.lower()
    return lowered in SQL_NAMES or (lowered == "query" and _BEGINS.match(text) is not None)


def sql_block(text: str, longest: int | None = None) -> TextBlock:
    """A text of statements."""
    shown = text if longest is None else text[:longest]
    parts = read_sql(text)
    understood = not any(isinstance(part, Unknown) for part in parts)
    pretty = _formatted(shown) if understood and shown == text else shown
    block = TextBlock((), language="sql", notes=tuple(_notes(parts)), left_out=len(text) - len(shown))
    return folded(_lines(pretty, _TOKENS if understood else _WORDS), block)


def _notes(parts: Sequence[Part]) -> Iterator[str]:
    for part in dict.fromkeys(parts):
        if isinstance(part, Unknown):
            yield "not understood: read it word by word"
        elif isinstance(part, SqlStatement) and (part.verb in _REMOVING or not part.bounded):
            yield part.shown


def _formatted(text: str) -> str:
    """The text on several lines, if no word of it changes; else the text."""
    import sqlglot  # noqa: PLC0415 - slow to import
    from sqlglot.errors import SqlglotError  # noqa: PLC0415

    try:
        pretty = ";\n\n".join(sqlglot.transpile(text, pretty=True, comments=False))
    except (SqlglotError, RecursionError, ValueError, AttributeError, TypeError, KeyError, IndexError):
        return text  # whatever a parser of that size stumbles over
    pretty = "\n".join(line if _QUOTES.search(line) else _GAPS.sub(" ", line) for line in pretty.split("\n"))
    return pretty if _words(pretty) == _words(text) else text


def _words(text: str) -> list[str]:
    """What a statement consists of; only words in quotes tell upper from lower case."""
    words = (word if word.startswith("'") else word.lower() for word in _SAME.findall(text))
    return [word for word in words if word not in _OPTIONAL]


def _lines(text: str, tokens: re.Pattern[str]) -> Iterator[Line]:
    for number, line in enumerate(split_lines(text), 1):
        yield Line(tuple(_styled(line, tokens)), "danger" if _REMOVES.match(line) else "", number)


def _styled(line: str, tokens: re.Pattern[str]) -> Iterator[TextRun]:
    at = 0
    for found in tokens.finditer(line):
        yield from text_runs(line[at : found.start()])
        style: Style = "text" if found.lastgroup == "text" else "keyword"
        yield from (replace(run, style=style) for run in text_runs(found[0]))
        at = found.end()
    yield from text_runs(line[at:])
