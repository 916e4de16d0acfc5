"""Runs a command in a process group of its own, and ends that whole group when its own standard input closes.

The parent holds the other end of a pipe. However the parent ends, by an exception, a signal or a kill, the pipe closes
and nothing stays behind. Where a process that the parent forked holds the pipe too, SIGTERM does the same. Run as a
script, with the standard library alone: `python -I leash.py command …`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from threading import Thread

GRACE_SECONDS = 5.0


def main(command: Sequence[str]) -> int:
    """Run the command until it ends or standard input closes. Returns its exit code, 128 + n after signal n."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    Thread(target=_end_with_parent, args=(child.pid,), daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: Thread(target=_end, args=(child.pid,), daemon=True).start())
    # Not reaped yet, so that the group's number cannot be another's when its last members are ended.
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    _signal_group(child.pid, signal.SIGKILL)
    code = child.wait()
    return 128 - code if code < 0 else code


def _end_with_parent(group: int) -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    _end(group)


def _end(group: int) -> None:
    _signal_group(group, signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    _signal_group(group, signal.SIGKILL)


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
