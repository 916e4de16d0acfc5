"""Finding the lines of a server's log that tell why it ended."""

from __future__ import annotations

import re

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ERROR = re.compile(r"^\s*(?:\w+\.)*\w*(?:Error|Exception)\b|^Error\b|\bERROR\b", re.MULTILINE)
_MOST = 12


def telling_lines(log: str) -> str:
    """The errors that the log names, without tracebacks; its last lines if it names none."""
    lines = [line.rstrip() for line in _COLOUR.sub("", log).splitlines() if line.strip()]
    errors = list(dict.fromkeys(line for line in lines if _ERROR.search(line) and "Traceback" not in line))
    return "\n".join(f"  {line.strip()}" for line in (errors or lines)[-_MOST:]) or "  (it printed nothing)"
