"""Copies of the package with one format more, or one less, made by the steps that CONTRIBUTING names."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
PACKAGE = "litellm_bighub"


def copied(folder: Path) -> Path:
    """A copy of the package in a folder."""
    shutil.copytree(ROOT / PACKAGE, folder / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    return folder / PACKAGE


def add_format(package: Path, name: str, record: Path) -> None:
    """A folder under `formats/` that exports a record, and one line in `formats/registry.py`."""
    folder = package / "formats" / name
    folder.mkdir()
    (folder / "__init__.py").write_text('"""A format."""\n')
    shutil.copy(record, folder / "format.py")
    registry = package / "formats" / "registry.py"
    text = registry.read_text()
    imported = f"from {PACKAGE}.formats.{name}.format import {name.upper()}\n"
    text = text.replace(f"from {PACKAGE}.formats.format import", f"{imported}from {PACKAGE}.formats.format import", 1)
    registry.write_text(re.sub(r"(FORMATS: .*?)\n\)", rf"\1\n    {name.upper()},\n)", text, count=1, flags=re.DOTALL))


def remove_format(package: Path, name: str) -> None:
    """The same, undone."""
    shutil.rmtree(package / "formats" / name)
    registry = package / "formats" / "registry.py"
    lines = registry.read_text().splitlines(keepends=True)
    registry.write_text("".join(line for line in lines if not re.search(rf"\b{name.upper()}\b", line)))


def environment(folder: Path) -> dict[str, str]:
    """That of a process which knows the copy in a folder, and nothing of the repository."""
    alone = {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    return {**os.environ, **alone}


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python on the copy in a folder."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment(folder), capture_output=True, text=True, check=False
    )


def type_checked(folder: Path, cache: Path, *what: str) -> subprocess.CompletedProcess[str]:
    """mypy on the copy in a folder, with the project's settings and a cache of the libraries, which are most of it."""
    shutil.copy(ROOT / "pyproject.toml", folder)
    return run(folder, "-m", "mypy", "--cache-dir", str(cache), *what)
