"""A backup is restored as the documentation says."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from litellm_bighub.control_plane.decisions.embedded_decider import EmbeddedDecider
from litellm_bighub.domain.call import CallContext, ToolCall

DOCUMENT = Path(__file__).parents[2] / "docs" / "control-plane.md"
POLICY = "version: 1\ndefault: allow\n"


def documented() -> str:
    """The commands that restore, as they stand in the documentation."""
    text = DOCUMENT.read_text()
    blocks = re.findall(r"```sh\n(.*?)```", text[text.index("**Restoring** SQLite") :], flags=re.DOTALL)
    return re.sub(r"^  ", "", blocks[0], flags=re.MULTILINE)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "bighub_policy.yaml").write_text(POLICY)
    return tmp_path


async def decide(folder, names, *, killed=False):
    decider = EmbeddedDecider.from_policy_file(folder / "bighub_policy.yaml")
    for name in names:
        await decider.decide(ToolCall("c", "function", name), CallContext())
    if not killed:
        await decider.aclose()
    return decider


def back_up(folder):
    """What `.backup` of the `sqlite3` program does."""
    with (
        closing(sqlite3.connect(folder / "bighub.db")) as live,
        closing(sqlite3.connect(folder / "bighub-copy.db")) as copy,
    ):
        live.backup(copy)


async def test_the_documented_restore_brings_back_exactly_what_was_backed_up(folder):
    await decide(folder, ["early_1", "early_2"])
    back_up(folder)
    left_open = await decide(folder, [f"late_{number}" for number in range(50)], killed=True)
    assert (folder / "bighub.db-wal").stat().st_size > 0  # the newest changes stand in the log alone

    bin_ = Path(sys.executable).parent
    done = subprocess.run(  # noqa: ASYNC221 - nothing else runs on this loop
        ["sh", "-eu", "-c", documented()],
        cwd=folder,
        env={**os.environ, "PATH": f"{bin_}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.match(r"3 events, the chain holds; keep this: 3:[0-9a-f]{64}$", done.stdout.strip()), done.stdout
    with closing(sqlite3.connect(folder / "bighub.db")) as restored:
        tools = [tool for (tool,) in restored.execute("SELECT tool FROM events WHERE tool <> '' ORDER BY seq")]
    assert tools == ["early_1", "early_2"]

    again = await decide(folder, ["after"])
    assert again.policy.rules == ()
    await left_open.aclose()
