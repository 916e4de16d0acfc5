"""A Python that has imported LiteLLM's proxy once, and forks for each program that would import it again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent


@contextmanager
def warm_python(folder: Path) -> Iterator[list[str]]:
    """The command of a Python that has LiteLLM's proxy at hand: followed by `-m module …` or `-c code`.

    The import takes ten seconds of CPU, most of a proxy's start. What differs from a Python that is started anew: the
    import happened before, in an environment without what the program is given. So not every test takes it; which
    proxies are started as users start theirs, `tests/conftest.py` says.
    """
    path = folder / "warm"
    command = [sys.executable, "-u", str(HERE / "server.py"), str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as server:
        try:
            yield [sys.executable, "-I", str(HERE / "client.py"), str(path)]
        finally:
            server.stdin.close()
            server.wait(30)
