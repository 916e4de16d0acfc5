"""Checks that in the pure rooms every file has a test file of its own that alone covers it whole, branches included.

The test of `litellm_bighub/domain/call.py` is `tests/domain/test_call.py`. A file that only declares (types, tables,
constants) needs none. Files that do not meet the rule yet stand in `tests/alone_exceptions.txt`, which only shrinks: a
line that is no longer needed fails the check like a line that is missing.

Each test file runs in a process of its own, forked from one that has imported the libraries and nothing of ours. To
start an interpreter, pytest and LiteLLM anew for each takes longer than most of these tests.

    python -m tests.alone [--shrink] [a source file …]
"""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import entry_points
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Final

import coverage
import pytest

ROOT: Final = Path(__file__).parent.parent
PACKAGE: Final = ROOT / "litellm_bighub"
ROOMS: Final = ("domain", "policy", "formats", "checks")
EXCEPTIONS: Final = Path(__file__).parent / "alone_exceptions.txt"
AT_ONCE: Final = 2
LIBRARIES: Final = (
    "fastapi",
    "httpx",
    "hypothesis.strategies",
    "litellm",
    "openai.types.responses",
    "rich.console",
    "uvicorn",
)
UNREACHABLE: Final = r"case _:\n\s+assert_never"
FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)


def main() -> int:
    """Check, and say in one line for each file what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="*", type=Path, help="check these alone, excepted or not")
    parser.add_argument("--shrink", action="store_true", help="take off the list what is no longer needed")
    options = parser.parse_args()
    excepted = set(EXCEPTIONS.read_text(encoding="utf-8").split())
    gaps = measured([source.resolve() for source in options.sources] or list(files()))
    hidden = set() if options.sources else excepted
    wrong = [f"{source}: {told}" for source, told in gaps.items() if told and source not in hidden]
    needless = {source for source in excepted if gaps.get(source) == "" or not (PACKAGE / source).exists()}
    if options.shrink:
        excepted -= needless
        EXCEPTIONS.write_text("".join(f"{source}\n" for source in sorted(excepted)), encoding="utf-8")
    else:
        wrong += [f"{source}: take it off tests/alone_exceptions.txt" for source in needless]
    print("\n".join(sorted(wrong)) or f"{len(gaps)} files, {len(excepted)} of them excepted")  # noqa: T201 - what it is for
    return 1 if wrong else 0


def files() -> Iterator[Path]:
    """The files of the pure rooms."""
    for room in ROOMS:
        yield from sorted(path for path in (PACKAGE / room).rglob("*.py") if path.name != "__init__.py")


def name(source: Path) -> str:
    return source.relative_to(PACKAGE).as_posix()


def test_of(source: Path) -> Path:
    return ROOT / "tests" / source.relative_to(PACKAGE).with_name(f"test_{source.name}")


def measured(sources: list[Path]) -> dict[str, str]:
    """For each file what its own test does not cover, or nothing."""
    gaps: dict[str, str] = {}
    to_run = []
    for source in sources:
        if not has_functions(source):
            gaps[name(source)] = ""
        elif not test_of(source).exists():
            gaps[name(source)] = f"{test_of(source).relative_to(ROOT)} does not exist"
        else:
            to_run.append(source)
    import_libraries()
    fork = get_context("fork")
    running = {}
    while to_run or running:
        while to_run and len(running) < AT_ONCE:
            source = to_run.pop()
            answer, ours = fork.Pipe(duplex=False)
            child = fork.Process(target=measure, args=(source, ours))
            child.start()
            ours.close()
            running[child.sentinel] = child, answer, source
        for ended in wait(list(running)):
            child, answer, source = running.pop(ended)
            child.join()
            try:
                gaps[name(source)] = answer.recv()
            except EOFError:
                gaps[name(source)] = f"{test_of(source).relative_to(ROOT)} ended with {child.exitcode}"
    return gaps


def import_libraries() -> None:
    """Import what each child would import again: pytest's plugins, and what the plugin and its tests stand on."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    for plugin in entry_points(group="pytest11"):
        plugin.load()
    for library in LIBRARIES:
        importlib.import_module(library)


def measure(source: Path, answer: Connection) -> None:
    """In a process of its own: run a file's test, and send what it does not cover."""
    test = test_of(source)
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "output").open("w+") as output:
        os.dup2(output.fileno(), sys.stdout.fileno())
        os.dup2(output.fileno(), sys.stderr.fileno())
        tracing = coverage.Coverage(data_file=None, config_file=False, branch=True, include=[str(source)])
        tracing.exclude(UNREACHABLE)
        tracing.start()
        imported = "-Wignore::pytest.PytestAssertRewriteWarning"  # plugins are there already
        code = pytest.main(["-q", "-p", "no:cacheprovider", imported, str(test)])
        tracing.stop()
        if code:
            output.seek(0)
            answer.send(f"{test.relative_to(ROOT)} fails\n{output.read()[-2000:]}")
            return
        report = Path(folder) / "report.json"
        try:
            tracing.json_report(outfile=str(report))
        except coverage.exceptions.NoDataError:
            answer.send(f"{test.relative_to(ROOT)} never imports it")
        else:
            answer.send(missing(json.loads(report.read_text(encoding="utf-8"))))


def missing(report) -> str:
    """The lines and branches that a report calls missing."""
    (covered,) = report["files"].values()
    lines = [str(line) for line in covered["missing_lines"]]
    branches = [f"{start}->{end}" for start, end in covered["missing_branches"]]
    return f"its own test misses {', '.join([*lines, *branches])}" if lines or branches else ""


def has_functions(source: Path) -> bool:
    """Whether there is anything that importing it does not run."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    return any(isinstance(node, FUNCTIONS) and not is_declared(node) for node in ast.walk(tree))


def is_declared(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether it is a protocol's method, which has no body."""
    return all(isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) for line in function.body)


if __name__ == "__main__":
    sys.exit(main())
