"""Run the benchmarks and write RESULTS.md: `python -m benchmarks [name …]`, all without a name."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.metadata
import os
import platform
from datetime import datetime

from benchmarks import results, runs

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

PACKAGES = ("litellm", "openai", "bighub", "pydantic")


def machine():
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    return f"Python {platform.python_version()}, {os.cpu_count()} cores ({platform.machine()}), {versions}"


async def run(name, remark):
    suite = importlib.import_module(f"benchmarks.{name}")
    when, load = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"), f"{os.getloadavg()[0]:.1f}"
    figures = []
    async for figure in suite.figures():
        print(results.row(figure), flush=True)
        figures.append(figure)
    runs.keep(name, runs.Run(when, machine(), load, tuple(figures), remark))
    results.write()


async def main(arguments):
    for name in arguments.names or results.SUITES:
        await run(name, arguments.remark)


def arguments():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*results.SUITES, []], help="suites to run; all without one")
    parser.add_argument("--remark", default="", help="what a reader has to know about this run")
    parser.add_argument("--write", action="store_true", help="run nothing, and write RESULTS.md from the kept runs")
    return parser.parse_args()


if __name__ == "__main__":
    given = arguments()
    if given.write:
        results.write()
    else:
        asyncio.run(main(given))
