"""Nothing that was started on a leash outlives the one who holds it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from litellm_bighub.testing import leash

# Starts a child of its own, ignores being asked to end, and tells both process ids.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(os.getpid(), child.pid, flush=True)
time.sleep(600)
"""
# Asked to end, it ends well.
POLITE = STUBBORN.replace("signal.SIG_IGN", "lambda *_: sys.exit(0)")


def _leashed(*command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-I", leash.__file__, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def _is_running(pid: int) -> bool:
    """Whether the process runs; one that is dead but not yet reaped by the system does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _have_ended(pids: list[int]) -> bool:
    """Whether all processes end soon; a busy machine takes a moment to end one that was sent SIGKILL."""
    deadline = time.monotonic() + 20
    while any(map(_is_running, pids)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not any(map(_is_running, pids))


@pytest.mark.parametrize("program", [POLITE, STUBBORN], ids=["polite", "stubborn"])
def test_the_whole_group_ends_when_the_pipe_closes(program):
    with _leashed(sys.executable, "-c", program) as process:
        pids = [int(pid) for pid in process.stdout.readline().split()]
        assert all(map(_is_running, pids))

        process.stdin.close()
        process.wait(30)

    assert _have_ended(pids)


@pytest.mark.parametrize("program", [POLITE, STUBBORN], ids=["polite", "stubborn"])
def test_the_whole_group_ends_when_the_leash_is_asked_to_end(program):
    """The pipe may stay open: a process that its holder forked holds it too."""
    with _leashed(sys.executable, "-c", program) as process:
        pids = [int(pid) for pid in process.stdout.readline().split()]
        process.terminate()
        process.wait(30)

    assert _have_ended(pids)


def test_the_group_ends_when_the_holder_is_killed():
    holder = f"""
import subprocess, sys
process = subprocess.Popen([sys.executable, "-I", {leash.__file__!r}, sys.executable, "-c", {POLITE!r}],
    stdin=subprocess.PIPE, start_new_session=True)
process.wait()
"""
    with subprocess.Popen([sys.executable, "-c", holder], stdout=subprocess.PIPE, text=True) as process:
        pids = [int(pid) for pid in process.stdout.readline().split()]
        os.kill(process.pid, signal.SIGKILL)
        process.stdout.read()  # ends when the last holder of the pipe has ended

    assert _have_ended(pids)


@pytest.mark.parametrize(
    ("program", "code"),
    [("raise SystemExit(3)", 3), ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137)],
    ids=["exit code", "signal"],
)
def test_the_exit_code_is_handed_on(program, code):
    with _leashed(sys.executable, "-c", program) as process:
        assert process.wait(30) == code


def test_what_a_leader_leaves_behind_is_ended():
    program = STUBBORN.rsplit("time.sleep", 1)[0]
    with _leashed(sys.executable, "-c", program) as process:
        pids = [int(pid) for pid in process.stdout.readline().split()]
        process.wait(30)

    assert _have_ended(pids)
