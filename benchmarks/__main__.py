"""Run the benchmarks and write RESULTS.md: `python -m benchmarks [name …]`, all without a name."""

from __future__ import annotations

import asyncio
import importlib
import importlib.metadata
import os
import platform
import sys
from pathlib import Path

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

SUITES = (
    "imports",
    "handler",
    "texts",
    "stream",
    "text_streams",
    "latency",
    "decisions",
    "decision_cpu",
    "proxy",
    "side_by_side",
    "load",
    "control_plane",
    "policy_costs",
    "agent",
)
RESULTS = Path(__file__).with_name("RESULTS.md")
PACKAGES = ("litellm", "openai", "bighub", "pydantic")


def machine():
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    return f"Python {platform.python_version()}, {os.cpu_count()} cores ({platform.machine()}), {versions}."


def row(figure):
    mark = "yes" if figure.reached else "**no**"
    return f"| {figure.what} | {figure.ours} | {figure.theirs} | {figure.ratio} | {figure.target} | {mark} |"


def section(suite, figures):
    head = "| what | ours | theirs | ratio | to reach | reached |\n|---|---|---|---|---|---|"
    return "\n".join([f"## {suite.__name__.rpartition('.')[2]}", "", suite.__doc__ or "", "", head, *map(row, figures)])


async def main(names):
    sections = []
    for name in names:
        suite = importlib.import_module(f"benchmarks.{name}")
        figures = []
        async for figure in suite.figures():
            print(row(figure), flush=True)
            figures.append(figure)
        sections.append(section(suite, figures))
        if names == available()[: len(names)]:
            intro = "# Measured\n\nWritten by `make bench`: both sides in one run, on one machine.\n" + machine() + "\n"
            RESULTS.write_text("\n\n".join([intro, *sections]) + "\n")


def available():
    return [name for name in SUITES if Path(__file__).with_name(f"{name}.py").exists()]


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:] or available()))
