"""Runs the tests of the rest on a copy of the repository that lacks a format's folder and its line.

A format is one folder and one line, so everything else passes without it. `tests/format_marks.py` says which tests are
about a format.

    python -m tests.without [-m MARKS] [a format …] [-- arguments of pytest]
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from litellm_bighub.formats.registry import FORMATS, format_named
from tests.formats.toy import house

HERE_ALONE: Final = (".git", ".venv", ".site", ".matrix", ".hypothesis", "node_modules", "__pycache__", ".*_cache")
WITHOUT_SERVERS: Final = "not proxy and not browser and not postgres"


def main() -> int:
    """Run, format for format."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("formats", nargs="*", default=[known.name for known in FORMATS])
    parser.add_argument("-m", dest="marks", default=WITHOUT_SERVERS, help="the tests to run, as pytest's -m")
    arguments = sys.argv[1:]
    split = arguments.index("--") if "--" in arguments else len(arguments)
    options = parser.parse_args(arguments[:split])
    failed = [name for name in options.formats if not passes(name, "-m", options.marks, *arguments[split + 1 :])]
    return 1 if failed else 0


def passes(name: str, *arguments: str) -> bool:
    """Whether everything else does without this format."""
    print(f"== without {name}", flush=True)  # noqa: T201 - what it is for
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "house"
        shutil.copytree(house.ROOT, copy, ignore=shutil.ignore_patterns(*HERE_ALONE), symlinks=True)
        house.remove_format(copy / house.PACKAGE, name)
        shutil.rmtree(copy / "tests" / "formats" / name)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
        environment = {**house.environment(copy), "WITHOUT_FORMAT": " ".join(names(name))}
        return subprocess.run(command, cwd=copy, env=environment, check=False).returncode == 0


def names(name: str) -> list[str]:
    """The format's own, and those of its functions."""
    known = format_named(name)
    return [name, *{*known.call_types, known.in_code.function, known.in_code.method, known.in_code.governed} - {name}]


if __name__ == "__main__":
    sys.exit(main())
