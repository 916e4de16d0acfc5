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


PIECES = [
    "$(",
    "(",
    "{ ",
    "`",
    '"$(',
    "$((",
    "${",
    "${a:-$(",
    "<(",
    "if ",
    'bash -c "',
    "! ",
    "a | ",
    "a; ",
    "a && ",
    "\\",
]
PIECES += [
    "case a in (",
    "f() { ",
    "<<E\n",
    "a ",
    "a=b ",
    "{a,b}",
    '"a"',
    "eval ",
    "env ",
    "sudo ",
    "xargs ",
    "$'a'",
    "x=(",
]
PIECES += ["for x in a; do ", "[[ ", "> a ", "cd a; ", "find . -exec ", "timeout 5 ", "~", "a/../"]
TOLD = 20
"""How often a run says how far it is."""


def made(chance):
    kind = chance.randrange(5)
    if kind == 0:
        return "".join(chance.choices(DAMAGE, k=chance.randrange(60)))
    if kind == 1:
        most = chance.choice([128, 0x11000])
        return "".join(chr(chance.randrange(most)) for _ in range(chance.randrange(40)))
    if kind == 2:
        pieces = chance.choices(PIECES, k=chance.choice([1, 1, 2, 3]))
        return damaged(chance, "".join(pieces) * chance.randrange(1, 60 // len(pieces)))
    whole = text(chance)
    return damaged(chance, whole) if kind == 3 else whole


def once(command):
    """Seconds of the processor."""
    began = time.thread_time()
    parts = read_anew(command, WORKSPACE)
    took = time.thread_time() - began
    assert 0 < len(parts) <= 4 * MAX_PARTS
    return took


def best(command, took):
    """The best of some: processes that share the caches make one of them take twice as long for a while."""
    for tries in range(50):
        took = min(took, once(command))
        if took <= AT_MOST_SECONDS and tries >= 5:
            break
    return took


@pytest.mark.timeout(0)  # a million take longer than a test may; each command has a limit of its own
def test_commands_that_nobody_expects(capsys):
    chance = random.Random(SEED)
    slowest, slowest_command = 0.0, ""
    for number in range(NUMBER):
        command = made(chance)
        took = once(command)
        if took > slowest:
            took = best(command, took)
            assert took <= AT_MOST_SECONDS, (number, command)
        if took > slowest:
            slowest, slowest_command = took, command
        if (number + 1) % max(1, NUMBER // TOLD) == 0:
            with capsys.disabled():
                sys.stderr.write(f"{number + 1:,} commands, the slowest took {slowest * 1000:.1f} ms\n")
    with capsys.disabled():
        sys.stderr.write(f"the slowest of {NUMBER:,}: {slowest_command!r}\n")
