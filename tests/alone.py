"""Checks that in the pure rooms every file has a test file of its own that alone covers it whole, branches included.

The test of `litellm_bighub/domain/call.py` is `tests/domain/test_call.py`. A file that only declares (types, tables,
constants) needs none. Files that do not meet the rule yet stand in `tests/alone_exceptions.txt`, which only shrinks: a
line that is no longer needed fails the check like a line that is missing.

    python -m tests.alone [--shrink] [a source file …]
"""

from __future__ import annotations

import argparse
import ast
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
PACKAGE: Final = ROOT / "litellm_bighub"
ROOMS: Final = ("domain", "policy", "formats", "checks")
EXCEPTIONS: Final = Path(__file__).parent / "alone_exceptions.txt"
SECONDS: Final = 240  # for one test file
SETTINGS: Final = """
[run]
branch = True
include = {source}
data_file = {data}
[report]
exclude_also =
    case _:\\n\\s+assert_never
"""
FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)


def main() -> int:
    """Check, and say in one line for each file what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="*", type=Path, help="check these alone")
    parser.add_argument("--shrink", action="store_true", help="take off the list what is no longer needed")
    options = parser.parse_args()
    named = [source.resolve() for source in options.sources]
    excepted = set(EXCEPTIONS.read_text(encoding="utf-8").split())
    sources = named or list(files())
    with ThreadPoolExecutor(2) as pool:
        gaps = dict(zip([name(source) for source in sources], pool.map(gap, sources), strict=True))
    wrong = [f"{source}: {told}" for source, told in gaps.items() if told and source not in excepted]
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


def gap(source: Path) -> str:
    """What its own test does not cover, or nothing."""
    if not has_functions(source):
        return ""
    test = ROOT / "tests" / source.relative_to(PACKAGE).with_name(f"test_{source.name}")
    if not test.exists():
        return f"{test.relative_to(ROOT)} does not exist"
    with tempfile.TemporaryDirectory() as folder:
        settings, report = Path(folder) / "coveragerc", Path(folder) / "report.json"
        settings.write_text(SETTINGS.format(source=source, data=f"{folder}/data"), encoding="utf-8")
        run = [sys.executable, "-m", "coverage", "run", f"--rcfile={settings}", "-m", "pytest", "-q", test]
        try:
            tested = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return f"{test.relative_to(ROOT)} takes more than {SECONDS} seconds"
        if tested.returncode:
            return f"{test.relative_to(ROOT)} fails\n{tested.stdout[-2000:]}"
        tell = [sys.executable, "-m", "coverage", "json", "-q", f"--rcfile={settings}", "-o", report]
        subprocess.run(tell, cwd=ROOT, capture_output=True, check=False)  # fails where there is nothing to report
        if not report.exists():
            return f"{test.relative_to(ROOT)} never imports it"
        return missing(json.loads(report.read_text(encoding="utf-8")))


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
