"""CI's second chance for tests that fail on a busy machine: it hides nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / ".ci" / "second_chance.py"
PLUGINS = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "xdist.plugin"}  # the others take long to import
ONCE = """
import pathlib, pytest

@pytest.mark.xdist_group("a group")
@pytest.mark.parametrize("who", ["ann@example.com"])
def test_once(who):
    ran = pathlib.Path({ran!r})
    first = not ran.exists()
    ran.touch()
    assert not first

def test_good():
    pass
"""


def carried_out(folder, content):
    (folder / "test_some.py").write_text(content)
    told = folder / "flaky.txt"
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "-n", "1", "--dist", "loadgroup"],
        cwd=folder,
        env={**os.environ, "SECOND_CHANCE": str(told), **PLUGINS},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, told.read_text() if told.exists() else ""


def test_what_fails_once_is_told(tmp_path):
    code, printed, told = carried_out(tmp_path, ONCE.format(ran=str(tmp_path / "ran")))

    assert (code, told) == (0, "FLAKY: test_some.py::test_once[ann@example.com]\n")
    assert printed.endswith(told)


@pytest.mark.parametrize(("failing", "again"), [(1, True), (5, True), (6, False)])
def test_what_fails_again_and_what_fails_too_often_fails(tmp_path, failing, again):
    content = f"import pytest\n@pytest.mark.parametrize('n', range({failing}))\ndef test_bad(n):\n    assert False\n"

    code, printed, told = carried_out(tmp_path, content)

    assert (code, told) == (1, "")
    assert ("once more, alone" in printed) is again


def test_a_file_that_cannot_be_read_gets_none(tmp_path):
    code, printed, _ = carried_out(tmp_path, "def test_(:\n")

    assert code != 0
    assert "once more" not in printed
