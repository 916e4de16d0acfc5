"""The setting `open_routes`: routes that an operator opens although no tool call is decided on there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from litellm_bighub.errors import ConfigurationError
from litellm_bighub.gateway.routes.route_table import RouteCoverage, RouteRow, row_of

_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "WS")
_SEGMENT: Final = r"(?:\{\*?\}|[A-Za-z0-9._:@+=,!$&'()-])+"
_NAME: Final = r"(?!v\d[^/]*(?:/|$))[A-Za-z0-9._:@-]+"
_ENTRY: Final = re.compile(rf"(?:\*|{'|'.join(_METHODS)}) (?:~|/v\d[a-z0-9]*)?/{_NAME}(?:/{_SEGMENT})*(?:\{{/\*\}})?/?")
"""It has a name of its own: everything, or everything under a version, is for `ungoverned_routes` to open."""
_DOTS: Final = re.compile(r"/\.{1,2}(?=/|$)")
_EXAMPLES: Final = {"~": ("", "/v1"), "{}": ("x",), "{*}": ("x", "x/x"), "{/*}": ("", "/x", "/x/x")}
_FORM: Final = 'is no route; write it as in "POST /my/route" or "* /my/{*}"'


@dataclass(frozen=True, slots=True)
class OpenRoutes:
    """What the entries of `open_routes` open.

    Attributes:
        rows: as the table of routes has them.
    """

    rows: tuple[RouteRow, ...] = ()

    def opens(self, method: str, path: str) -> bool:
        """Whether an entry fits. Where a route may be read, its head may be asked for, and what else may be asked."""
        methods = reads(method)
        return any(re.fullmatch(row.regex, f"{each} {path}") for row in self.rows for each in methods)

    def __str__(self) -> str:
        return ", ".join(row.pattern for row in self.rows)


def read_open_routes(name: str, entries: Sequence[str], *, decides_on_mcp: bool) -> OpenRoutes:
    """What the setting `open_routes` opens.

    Args:
        name: the guardrail's name, for errors.
        entries: of the setting.
        decides_on_mcp: whether the guardrail decides on calls of MCP tools.

    Raises:
        ConfigurationError: an entry is no route, opens one that is governed, or one that is open anyway.
    """
    return OpenRoutes(
        tuple(
            _read(f"{name}.open_routes[{number}]", entry, decides_on_mcp=decides_on_mcp)
            for number, entry in enumerate(entries)
        )
    )


def can_be_opened(route: str) -> bool:
    """Whether an entry could name this very route."""
    return _is_entry(route) and "{" not in route


def _is_entry(entry: str) -> bool:
    return _ENTRY.fullmatch(entry) is not None and _DOTS.search(entry) is None


def read_route(key: str, entry: str) -> RouteRow:
    """The row of an entry.

    Raises:
        ConfigurationError: it is no route.
    """
    if not _is_entry(entry):
        raise ConfigurationError(key, _FORM)
    return RouteRow(entry, RouteCoverage.OPEN)


def reads(method: str) -> tuple[str, ...]:
    """The methods by whose rows one is judged: who may read a route may ask for its head, and for its options."""
    match method:
        case "HEAD":
            return ("HEAD", "GET")
        case "OPTIONS":
            return _METHODS[:-1]
        case _:
            return (method,)


def _read(key: str, entry: str, *, decides_on_mcp: bool) -> RouteRow:
    row = read_route(key, entry)
    coverages = {_coverage_of(method, path) for method, path in _examples(row)}
    if RouteCoverage.GOVERNED in coverages or (decides_on_mcp and RouteCoverage.MCP in coverages):
        raise ConfigurationError(key, f"{entry} opens nothing: tool calls on it are decided on")
    if not coverages & {RouteCoverage.REFUSED, RouteCoverage.MCP}:
        raise ConfigurationError(key, f"{entry} opens nothing: it is not refused")
    return row


def _examples(row: RouteRow) -> list[tuple[str, str]]:
    method, _, path = row.pattern.partition(" ")
    paths = [""]
    for part in re.split(r"(~|\{/?\*?\})", path):
        paths = [start + end for start in paths for end in _EXAMPLES.get(part, (part,))]
    return [(each, path) for each in (_METHODS[:5] if method == "*" else (method,)) for path in paths]


def _coverage_of(method: str, path: str) -> RouteCoverage:
    row = row_of(method, path)
    return RouteCoverage.REFUSED if row is None else row.coverage
