"""How long `import litellm_bighub` takes, over a Python that imports nothing."""

from __future__ import annotations

import subprocess
import sys
import time

from benchmarks.figure import Figure


def started(code):
    best = float("inf")
    for _ in range(10):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        best = min(best, time.perf_counter() - begun)
    return best * 1000


async def figures():
    ours = started("import litellm_bighub") - started("pass")
    theirs = started("import openai") - started("pass")
    yield Figure.of_time("`import litellm_bighub` (theirs: `import openai`)", max(ours, 0.1), theirs, at_most_ms=50)
