"""Which tests are about a wire format, so that all others can be run in a house without it (`tests/without.py`).

About a format are the tests

- in its folder, `tests/formats/NAME/`, and in each file that imports from there or from `litellm_bighub/formats/NAME/`,
- that are marked with `@pytest.mark.format("NAME")`: functions, rows, classes or files,
- of a row that has the name of the format or of one of its functions as a value or as a word of its id,
- of a row with a value that was made with its folder.

All others must pass without the format. A mark that names an unknown format ends the run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from litellm_bighub.formats.registry import known_format
from tests.formats.absent import NAMES, WITHOUT, Absent

FOLDERS = tuple(f"{parent}.formats.{WITHOUT}." for parent in ("litellm_bighub", "tests"))


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out files that import the format that is not there."""
    if not WITHOUT or collection_path.suffix != ".py":
        return None
    return True if any(f"{name}.".startswith(FOLDERS) for name in _imported(collection_path)) else None


def _imported(path: Path) -> Iterator[str]:
    """The modules that a file imports when it is imported itself."""
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that are about the format that is not there, and refuse marks that name none."""
    unknown = {
        f"{item.nodeid} names an unknown format: {name!r}"
        for item in items
        for name in _marked(item)
        if name != WITHOUT and known_format(name) is None
    }
    if unknown:
        raise pytest.UsageError(*sorted(unknown))
    about = [item for item in items if WITHOUT and _is_about_it(item)]
    if about:
        config.hook.pytest_deselected(items=about)
        left_out = set(about)
        items[:] = [item for item in items if item not in left_out]


def _marked(item: pytest.Item) -> set[str]:
    return {name for mark in item.iter_markers("format") for name in mark.args}


def _is_about_it(item: pytest.Item) -> bool:
    if WITHOUT in _marked(item):
        return True
    row = getattr(item, "callspec", None)
    if row is None:
        return False
    values = list(row.params.values())
    words = {*re.findall(r"\w+", row.id.lower()), *(value for value in values if isinstance(value, str))}
    return bool(words & NAMES) or any(isinstance(value, Absent) for value in values)
