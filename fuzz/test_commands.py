"""Random and mutated commands: whatever a shell is given, taking it apart returns, soon, and with a bounded result.

`BIGHUB_FUZZ_COMMANDS=1000000 make fuzz` tries a million.
"""

from __future__ import annotations

import os
import random
import sys
import time

import pytest

from litellm_bighub.policy.parts.path_use import Directories
from litellm_bighub.policy.parts.shell_parts import MAX_PARTS, read_anew
from tests.policy.parts.generated_commands import DAMAGE, damaged, text

NUMBER = int(os.environ.get("BIGHUB_FUZZ_COMMANDS", "3000"))
AT_MOST_SECONDS = 0.010
SEED = int(os.environ.get("BIGHUB_FUZZ_SEED", "15"))
WORKSPACE = Directories.at("/repo")


def made(chance):
    kind = chance.randrange(4)
    if kind == 0:
        return "".join(chance.choice(DAMAGE) for _ in range(chance.randrange(60)))
    if kind == 1:
        most = chance.choice([128, 0x11000])
        return "".join(chr(chance.randrange(most)) for _ in range(chance.randrange(40)))
    whole = text(chance)
    return damaged(chance, whole) if kind == 2 else whole


def seconds(command):
    """Of the processor, the best of some: another process must not fail the test."""
    found = []
    for _ in range(5):
        began = time.thread_time()
        parts = read_anew(command, WORKSPACE)
        found.append(time.thread_time() - began)
        assert 0 < len(parts) <= 4 * MAX_PARTS
        if found[-1] <= AT_MOST_SECONDS:
            break
    return min(found)


@pytest.mark.timeout(0)  # a million take longer than a test may; each command has a limit of its own
def test_commands_that_nobody_expects():
    chance = random.Random(SEED)
    slowest = 0.0
    for number in range(NUMBER):
        command = made(chance)
        took = seconds(command)
        slowest = max(slowest, took)
        assert took <= AT_MOST_SECONDS, (number, command)
    sys.stdout.write(f"{NUMBER} commands, the slowest took {slowest * 1000:.1f} ms\n")
