"""Run as a process of its own: asks to spend 1 again and again at once; may kill itself right before a commit.

Usage: python -m tests.control_plane.spending DATABASE_URL POLICY_FILE NUMBER COMMITS_UNTIL_KILLED
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from sqlalchemy import Engine, event

from litellm_bighub.control_plane.decisions.embedded_decider import EmbeddedDecider
from litellm_bighub.domain.call import CallContext, ToolCall


def kill_before_commit(number: int) -> None:
    """Let SQLite's driver say what it runs: before the commit of this number everything is written."""
    commits = iter(range(number - 1, -1, -1))

    def look(statement: str) -> None:
        if statement == "COMMIT" and next(commits) == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "connect", lambda connection, _: connection.set_trace_callback(look))


async def spend(database_url: str, policy: Path, number: int) -> None:
    decider = EmbeddedDecider.from_policy_file(policy, database_url=database_url, patience=60)
    call = ToolCall("c", "function", "pay", {"n": 1}, value=1)
    await asyncio.gather(*(decider.decide(call, CallContext()) for _ in range(number)))
    await decider.aclose()


if __name__ == "__main__":
    if sys.argv[4] != "0":
        kill_before_commit(int(sys.argv[4]))
    asyncio.run(spend(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
