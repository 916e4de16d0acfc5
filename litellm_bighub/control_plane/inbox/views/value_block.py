"""A value of JSON as a tree, and a list of objects as a table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, Literal, TypeAlias

from litellm_bighub.control_plane.inbox.views.diff_block import diff_block, is_diff
from litellm_bighub.control_plane.inbox.views.mail_block import MailBlock, html_block, is_html
from litellm_bighub.control_plane.inbox.views.shell_block import shell_block
from litellm_bighub.control_plane.inbox.views.sql_block import is_sql, sql_block
from litellm_bighub.control_plane.inbox.views.text_block import TextBlock, text_block
from litellm_bighub.control_plane.inbox.views.text_runs import Runs, TextRun, text_runs
from litellm_bighub.domain.call import JSON

_MOST_COLUMNS: Final = 8
_OPEN_UNTIL: Final = 12
_FLAT_UNTIL: Final = 120
SHELL_NAMES: Final = frozenset({"command", "commands", "cmd", "script", "bash", "shell", "shell_command"})
_DEEPEST: Final = 30


@dataclass(frozen=True, slots=True)
class Reading:
    """How a value is read.

    Attributes:
        longest: how many characters of a text, and a twentieth of that many elements, are shown; `None` for all.
        shell: a text that is a command for a shell, wherever it stands.
        sql: a text of SQL, wherever it stands.
    """

    longest: int | None = None
    shell: str = ""
    sql: str = ""


@dataclass(frozen=True, slots=True)
class TreeBlock:
    """The fields of an object, or the elements of a list.

    Attributes:
        about: how many there are, as in `3 fields`.
        is_open: whether they are shown at first sight.
        left_out: how many are not shown here.
        is_list: whether these are elements.
    """

    fields: tuple[NamedBlock, ...]
    about: str
    is_open: bool
    left_out: int = 0
    is_list: bool = False
    kind: Literal["tree"] = "tree"

    @property
    def is_flat(self) -> bool:
        """Whether a line or two hold all of it, so that there is nothing to fold. Objects within one have their own."""
        return self._length(_FLAT_UNTIL) <= _FLAT_UNTIL

    @property
    def is_action(self) -> bool:
        """Whether its first field says what is done, as `{"type": "click", "x": 4}` does."""
        first = self.fields[0] if self.fields and not self.is_list else None
        return first is not None and first.name == (TextRun("type"),) and isinstance(first.block, TextBlock)

    def _length(self, most: int) -> int:
        """How many characters it has, told only as far as `most`."""
        length = most + 1 if self.left_out else 0
        for field in self.fields:
            if length > most:
                break
            length += sum(len(run.text) for run in field.name)
            if isinstance(field.block, TreeBlock) and (field.block.is_list or self.is_list):
                length += field.block._length(most - length)  # noqa: SLF001 - its own class
            elif isinstance(field.block, TextBlock) and field.block.is_short and not field.block.left_out:
                length += sum(len(run.text) for line in field.block.lines for run in line.runs)
            else:
                length = most + 1
        return length


@dataclass(frozen=True, slots=True)
class TableBlock:
    """A list of objects with the same plain fields."""

    columns: tuple[Runs, ...]
    rows: tuple[tuple[Runs, ...], ...]
    about: str
    left_out: int = 0
    kind: Literal["table"] = "table"

    @property
    def is_open(self) -> bool:
        """Whether it is shown at first sight."""
        return len(self.rows) <= _OPEN_UNTIL


Block: TypeAlias = TextBlock | TreeBlock | TableBlock | MailBlock


@dataclass(frozen=True, slots=True)
class NamedBlock:
    """A field with its value."""

    name: Runs
    block: Block


def value_block(name: str, value: JSON, reading: Reading, *, depth: int = 0) -> Block:
    """A value as what it is.

    Args:
        name: the field's: what `command` or `patch` holds is read as such.
        value: of the field.
        reading: how it is read.
        depth: within other values.
    """
    if isinstance(value, str):
        return _text(name, value, reading)
    if value is None or isinstance(value, bool | int | float):
        return text_block(json.dumps(value), reading.longest)
    if depth >= _DEEPEST:
        return text_block(json.dumps(value, ensure_ascii=False), reading.longest)
    if not value:
        return text_block("{}" if isinstance(value, Mapping) else "[]")
    most = None if reading.longest is None else max(1, reading.longest // 20)
    if isinstance(value, Mapping):
        return _tree(list(value.items())[:most], len(value), "field", reading, depth)
    if (table := _table(value, most, reading.longest)) is not None:
        return table
    fields = tuple(
        NamedBlock(text_runs(str(at)), value_block(name, element, reading, depth=depth + 1))
        for at, element in enumerate(value[:most], 1)
    )
    left_out = len(value) - len(fields)
    return TreeBlock(fields, _count(len(value), "element"), len(value) <= _OPEN_UNTIL, left_out, is_list=True)


def all_runs(named: Iterable[NamedBlock]) -> Iterator[TextRun]:
    """Every run of the fields, names and folded lines too."""
    for each in named:
        yield from each.name
        block = each.block
        if isinstance(block, TreeBlock):
            yield from all_runs(block.fields)
        elif isinstance(block, TableBlock):
            yield from chain.from_iterable(chain(block.columns, *block.rows))
        else:
            text = block.source if isinstance(block, MailBlock) else block
            yield from chain.from_iterable(line.runs for line in (*text.lines, *text.folded))


def _text(name: str, text: str, reading: Reading) -> Block:
    longest = reading.longest
    if name.lower() in SHELL_NAMES or (text and text == reading.shell):
        return shell_block(text, longest)
    if is_sql(name, text) or (text and text == reading.sql):
        return sql_block(text, longest)
    if is_diff(text) or name.lower() in {"diff", "patch"}:
        return diff_block(text, longest)
    return html_block(text, longest) if is_html(text) else text_block(text, longest)


def _tree(items: Sequence[tuple[str, JSON]], total: int, what: str, reading: Reading, depth: int) -> TreeBlock:
    fields = tuple(
        NamedBlock(text_runs(name), value_block(name, value, reading, depth=depth + 1)) for name, value in items
    )
    return TreeBlock(fields, _count(total, what), depth == 0 or total <= _OPEN_UNTIL, total - len(fields))


def _table(values: list[JSON], most: int | None, longest: int | None) -> TableBlock | None:
    objects = [value for value in values if isinstance(value, Mapping)]
    if len(objects) < 2 or len(objects) != len(values):
        return None
    columns = list(objects[0])
    if not 0 < len(columns) <= _MOST_COLUMNS or any(list(one) != columns for one in objects):
        return None
    if not all(_is_plain(cell) for one in objects for cell in one.values()):
        return None
    rows = tuple(tuple(text_runs(_cell(cell)[:longest]) for cell in one.values()) for one in objects[:most])
    about = _count(len(objects), "row")
    return TableBlock(tuple(map(text_runs, columns)), rows, about, len(objects) - len(rows))


def _is_plain(value: JSON) -> bool:
    return value is None or isinstance(value, bool | int | float) or (isinstance(value, str) and "\n" not in value)


def _cell(value: JSON) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
