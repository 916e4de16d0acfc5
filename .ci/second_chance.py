"""Runs pytest, and where at most five tests failed, has those run once more, alone.

Fails if one fails again. A test that passes then is no good test: it is told as `FLAKY: <test id>`, here and in the
file that SECOND_CHANCE names. For CI; `make test` runs the suite plainly.

    SECOND_CHANCE=flaky.txt python .ci/second_chance.py [pytest's arguments]
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

MOST = 5
FAILED = 1  # pytest's exit code; every other but 0 says that the run itself went wrong


def main(arguments: list[str]) -> int:
    """Pytest's exit code, 0 if what failed passed alone."""
    with tempfile.TemporaryDirectory() as cache:  # of this run alone: other environments run the same suite
        code = _pytest("-o", f"cache_dir={cache}", *arguments)
        found = Path(cache) / "v" / "cache" / "lastfailed"
        failed = sorted({_without_group(name) for name in json.loads(found.read_text())}) if found.exists() else []
    if code != FAILED or not 0 < len(failed) <= MOST or not all("::" in name for name in failed):
        return code
    print(f"== once more, alone: {len(failed)} that failed", flush=True)
    code = _pytest("-n", "0", "-p", "no:cacheprovider", *failed)
    if code == 0:
        told = "".join(f"FLAKY: {name}\n" for name in failed)
        print(told, end="", flush=True)
        if path := os.environ.get("SECOND_CHANCE"):
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(told)
    return code


def _pytest(*arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False).returncode


def _without_group(name: str) -> str:
    """Under `--dist loadgroup` the id of a test ends with `@` and the name of its group."""
    return re.sub(r"@[^\]@:]*$", "", name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
