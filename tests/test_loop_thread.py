"""The event loop of synchronous code."""

from __future__ import annotations

import subprocess
import sys

import pytest

from litellm_bighub.loop_thread import LoopThread


@pytest.fixture
def loop():
    loop = LoopThread("test")
    yield loop
    loop.stop()


async def answer(value: int) -> int:
    return value


def test_it_answers(loop):
    assert [loop.call(answer, value) for value in (1, 2)] == [1, 2]


def test_a_call_that_would_wait_for_itself_is_an_error(loop):
    async def asks() -> int:
        return loop.call(answer, 1)

    with pytest.raises(RuntimeError, match="asynchronous one must be awaited"):
        loop.call(asks)
    assert loop.call(answer, 2) == 2


FORKED = """
import os
from litellm_bighub.loop_thread import LoopThread

async def answer():
    return "answered"

loop = LoopThread("test")
print(loop.call(answer), flush=True)
child = os.fork()
if child == 0:
    print(loop.call(answer), flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no fork")
def test_a_forked_process_starts_its_own():
    ended = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.split() == ["answered", "answered"]
