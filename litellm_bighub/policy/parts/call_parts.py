"""Taking a call apart by what the policy's `tools:` say of its arguments."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from string import Formatter
from typing import Annotated, Final, Literal, TypeAlias

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult
from pydantic import AfterValidator, Field

from litellm_bighub.domain.call import Arguments, ToolCall
from litellm_bighub.policy.approvers import VisibleTo
from litellm_bighub.policy.parts import shell_parts
from litellm_bighub.policy.parts.part import WHOLE_CALL, Part, Unknown
from litellm_bighub.policy.parts.patch_text import written_paths
from litellm_bighub.policy.parts.path_use import Directories, PathUse, Use
from litellm_bighub.policy.parts.recipient import read_recipients
from litellm_bighub.policy.parts.sql_statement import read_sql
from litellm_bighub.policy.parts.url_use import read_url
from litellm_bighub.policy.rule_pattern import Pattern
from litellm_bighub.settings import ToolSettings

Dialect: TypeAlias = Literal["postgres", "mysql", "sqlite", "tsql", "bigquery", "snowflake", "duckdb", "oracle"]


def _show_template(text: str) -> str:
    """A template whose placeholders are JMESPaths.

    Raises:
        ValueError: it has a placeholder that is none.
    """
    for _, name, spec, conversion in Formatter().parse(text):
        if name is None:
            continue
        if not name or spec or conversion:
            raise ValueError("a placeholder is a JMESPath in braces, as in {amount}; a brace that is none is doubled")
        try:
            jmespath.compile(name)
        except JMESPathError as error:
            raise ValueError(f"{{{name}}} is no JMESPath") from error
    return text


ShowTemplate: TypeAlias = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_show_template)]


LabelName: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=100)]
LabelNames: TypeAlias = LabelName | Annotated[list[LabelName], Field(min_length=1, max_length=20)]


def listed(names: LabelNames | None) -> list[str]:
    """Labels as a list; an empty one where nothing is said."""
    return [] if names is None else [names] if isinstance(names, str) else names


class ToolParts(ToolSettings):
    """What the policy file says of a tool: what every guardrail may say, and which arguments hold its parts."""

    command: str | None = Field(
        default=None, description="JMESPath over the arguments: a text for a shell, or the words of a command"
    )
    cwd: str | None = Field(
        default=None, description="JMESPath over the arguments: the folder in which relative paths begin"
    )
    read: str | None = Field(default=None, description="JMESPath over the arguments: paths that are read")
    write: str | None = Field(default=None, description="JMESPath over the arguments: paths that are written")
    patch: str | None = Field(default=None, description="JMESPath over the arguments: a text for apply_patch")
    url: str | None = Field(default=None, description="JMESPath over the arguments: addresses that are fetched")
    sql: str | None = Field(default=None, description="JMESPath over the arguments: statements of SQL")
    sql_dialect: Dialect | None = Field(
        default=None, description="of these statements; without it several have to read them"
    )
    recipients: str | None = Field(default=None, description="JMESPath over the arguments: addresses of mail")
    output: LabelNames | None = Field(
        default=None, description="the label of its results, as in untrusted or secret, or a list of them"
    )
    currency: str | None = Field(
        default=None, description="JMESPath over the arguments: the currency of the value, three letters"
    )
    show: ShowTemplate | None = Field(
        default=None, description="one sentence for approvers, with JMESPaths over the arguments in braces"
    )
    visible_to: VisibleTo | None = Field(
        default=None,
        description="group:… or user:…: approvers who may look at what redaction hides in a call that waits, or such "
        "lists by where it stands",
    )


def _texts(value: object) -> list[str] | None:
    """A text, or a list of texts that is not empty. None may hold half of a surrogate pair."""
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not found:
        return None
    texts = [str(one) for one in found if isinstance(one, str) and _is_unicode(one)]
    return texts if len(texts) == len(found) else None


def _is_unicode(text: str) -> bool:
    return not _has_half_pair(text) and "\0" not in text


def _has_half_pair(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def _command(value: object, directories: Directories) -> Sequence[Part]:
    if isinstance(value, str) and not _has_half_pair(value):
        return shell_parts.of_text(value, directories)
    words = _texts(value)
    return [Unknown("its command is no text")] if words is None else shell_parts.of_argv(words, directories)


def _paths(use: Use) -> Reader:
    def read(value: object, directories: Directories) -> Sequence[Part]:
        paths = _texts(value)
        if paths is None or not all(paths):
            return [Unknown("its path is no text")]
        return [PathUse(resolved, use) for path in paths for resolved in directories.resolve(path)]

    return read


def _patch(value: object, directories: Directories) -> Sequence[Part]:
    paths = written_paths(value) if isinstance(value, str) and _is_unicode(value) else None
    return [Unknown("its patch is not understood")] if paths is None else _paths("write")(paths, directories)


def _url(value: object, _: Directories) -> Sequence[Part]:
    return [read_url(text) or Unknown("its address is not understood") for text in _texts(value) or ("",)]


def _sql(dialect: str | None) -> Reader:
    def read(value: object, _: Directories) -> Sequence[Part]:
        texts = _texts(value)
        return [part for text in texts or ("",) for part in read_sql(text, dialect)]

    return read


def _recipients(value: object, _: Directories) -> Sequence[Part]:
    return [part for text in _texts(value) or ("",) for part in read_recipients(text)]


Reader: TypeAlias = Callable[[object, Directories], Sequence[Part]]
READERS: Final[Mapping[str, Reader]] = {
    "command": _command,
    "read": _paths("read"),
    "write": _paths("write"),
    "patch": _patch,
    "url": _url,
    "recipients": _recipients,
}
"""By the field of `ToolParts`: what makes parts of the value that stands there. None may raise."""
PART_FIELDS: Final = (*READERS, "sql", "cwd")
KINDS: Final[Mapping[str, frozenset[str]]] = {
    "command": frozenset({"command", "read", "write"}),
    "read": frozenset({"read"}),
    "write": frozenset({"write"}),
    "patch": frozenset({"write"}),
    "url": frozenset({"url"}),
    "sql": frozenset({"sql"}),
    "recipients": frozenset({"recipient"}),
}
"""By the field of `ToolParts`: the fields of rules whose patterns see the parts that stand there."""
PATTERN_FIELDS: Final = frozenset[str]().union(*KINDS.values())
_CURRENCY: Final = re.compile(r"[A-Za-z]{3}")


class CallParts:
    """Takes calls apart.

    Args:
        tools: by name or pattern; the first that fits a call's tool counts.
        workspace: where relative paths begin if the call does not say.
    """

    def __init__(self, tools: Mapping[str, ToolParts], workspace: str = "") -> None:
        self._tools = [(Pattern(name), _Entry(tool)) for name, tool in tools.items()]
        self._workspace = Directories.at(workspace)

    @property
    def workspace(self) -> str:
        """The folder that agents work in; empty if the policy names none."""
        return self._workspace.workspace

    def of(self, call: ToolCall) -> Sequence[Part]:
        """The parts of a call; the call itself if nothing is said of its tool."""
        reader = _BY_TYPE.get(call.type)
        if reader is not None:  # what an entry says is for a function of that name
            return reader(call.arguments, self._workspace)
        entry = self._entry(call)
        if entry is None or not entry.readers:
            return [WHOLE_CALL]
        return entry.parts(call.arguments, self._workspace)

    def undescribed(self, call: ToolCall) -> frozenset[str]:
        """The fields of rules whose patterns see nothing of the call, because nothing is said of its arguments."""
        if call.type in _BY_TYPE:
            return frozenset()
        entry = self._entry(call)
        return PATTERN_FIELDS if entry is None else PATTERN_FIELDS - entry.kinds

    def currency(self, call: ToolCall) -> str | None:
        """The currency of a call's value in capitals, empty if it cannot be read; `None` if nothing is said of it."""
        entry = self._entry(call)
        if entry is None or entry.currency is None:
            return None
        found = _found(entry.currency, call.arguments)
        return found.upper() if isinstance(found, str) and _CURRENCY.fullmatch(found) else ""

    def _entry(self, call: ToolCall) -> _Entry | None:
        name = call.name
        for pattern, entry in self._tools:
            if pattern.matches(name):
                return entry
        return None


class _Entry:
    """What is said of one tool, ready to use."""

    def __init__(self, tool: ToolParts) -> None:
        readers = {**READERS, "sql": _sql(tool.sql_dialect)}
        fields = {name: getattr(tool, name) for name in readers}
        self.readers = [
            (jmespath.compile(expression), readers[name])
            for name, expression in fields.items()
            if expression is not None
        ]
        self.kinds = frozenset[str]().union(*(KINDS[name] for name in readers if fields[name] is not None))
        self._cwd = None if tool.cwd is None else jmespath.compile(tool.cwd)
        self.currency = None if tool.currency is None else jmespath.compile(tool.currency)

    def parts(self, arguments: Arguments, workspace: Directories) -> Sequence[Part]:
        directory = None if self._cwd is None else _found(self._cwd, arguments)
        if directory is not None and not (isinstance(directory, str) and _is_unicode(directory)):
            return [Unknown("its folder is no text")]
        directories = _inside(workspace, directory)
        found = [
            part for expression, reader in self.readers for part in reader(_found(expression, arguments), directories)
        ]
        return [*found, *_folder(directories)]


def _inside(workspace: Directories, directory: str | None) -> Directories:
    return Directories.at(workspace.workspace, directory) if directory else workspace


def _folder(directories: Directories) -> Sequence[Part]:
    """The folder that a call runs in, which a rule has to allow if it is known to be outside of the workspace."""
    inside = [not directories.workspace or directories.contains(folder) for folder in directories.current]
    return [
        PathUse(folder, "read", restricts_only)
        for folder, restricts_only in zip(directories.current, inside, strict=True)
        if folder not in {"", directories.workspace}
    ]


def _found(expression: ParsedResult, arguments: Arguments) -> object:
    tree = expression.parsed
    if tree["type"] == "field":
        return arguments.get(tree["value"])
    try:
        found: object = expression.search(arguments)
    except (JMESPathError, ArithmeticError, TypeError):
        return None
    return found


def _shell(arguments: Arguments, workspace: Directories) -> Sequence[Part]:
    """`action.commands` of the Responses API: texts for a shell."""
    action = arguments.get("action")
    commands = _texts(action.get("commands")) if isinstance(action, Mapping) else None
    if commands is None:
        return [Unknown("its command is no text")]
    return [part for command in commands for part in shell_parts.of_text(command, workspace)]


def _local_shell(arguments: Arguments, workspace: Directories) -> Sequence[Part]:
    """`action.command` of the Responses API: words, run without a shell."""
    action = arguments.get("action")
    words = _texts(action.get("command")) if isinstance(action, Mapping) else None
    if not isinstance(action, Mapping) or words is None:
        return [Unknown("its command is no text")]
    directory = action.get("working_directory")
    if directory is not None and not (isinstance(directory, str) and _is_unicode(directory)):
        return [Unknown("its folder is no text")]
    directories = _inside(workspace, directory)
    found = shell_parts.of_argv(words, directories, assigns=bool(action.get("env")), moved=bool(action.get("user")))
    return [*found, *_folder(directories)]


def _apply_patch(arguments: Arguments, workspace: Directories) -> Sequence[Part]:
    """`operation.path` of the Responses API: the file that is written."""
    operation = arguments.get("operation")
    return READERS["write"](operation.get("path") if isinstance(operation, Mapping) else None, workspace)


_BY_TYPE: Final[Mapping[str, Callable[[Arguments, Directories], Sequence[Part]]]] = {
    "shell": _shell,
    "local_shell": _local_shell,
    "apply_patch": _apply_patch,
}
"""Calls that everybody knows how to read."""
