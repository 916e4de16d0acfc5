"""A failed start is told by the errors in the log."""

from __future__ import annotations

import pytest

from litellm_bighub.testing.running_proxy import telling_lines

LOGS = {
    "an exception": (
        'Traceback (most recent call last):\n  File "a.py", line 1\nValueError: bad key\n',
        "  ValueError: bad key",
    ),
    "a dotted exception": ("INFO: x\nlitellm.BadRequestError: no\nbye\n", "  litellm.BadRequestError: no"),
    "a coloured log line": ("\x1b[31m12:00 - ERROR: no model\x1b[0m\nbye\n", "  12:00 - ERROR: no model"),
    "a logged traceback": ("ERROR: Traceback (most recent call last):\nKeyError: 1\n", "  KeyError: 1"),
    "the same error twice": ("KeyError: 1\nKeyError: 1\n", "  KeyError: 1"),
    "no error": ("starting\n\nstopping\n", "  starting\n  stopping"),
    "nothing": ("", "  (it printed nothing)"),
}


@pytest.mark.parametrize(("log", "told"), LOGS.values(), ids=LOGS)
def test_telling_lines(log, told):
    assert telling_lines(log) == told


def test_a_long_log_is_cut_to_its_end():
    told = telling_lines("".join(f"line {number}\n" for number in range(100)))

    assert told.splitlines()[-1] == "  line 99"
    assert len(told.splitlines()) == 12
