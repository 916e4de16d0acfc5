"""Run as a process of its own: asks to spend 1 again and again at once; may kill itself right before a commit.

Before the commit everything is written, so a sum that is kept apart from its decisions would show.

Usage: python -m tests.control_plane.spending DATABASE_URL POLICY_FILE NUMBER COMMITS_UNTIL_KILLED
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Engine, event
from typing_extensions import Self

from litellm_bighub.control_plane.decisions.embedded_decider import EmbeddedDecider
from litellm_bighub.domain.call import CallContext, ToolCall


def kill_before_commit(number: int) -> None:
    """Let the driver say what it is about to run, and kill this process before it commits so many changes of sums."""
    changes: list[str] = []

    def look(statement: str) -> None:
        if statement.startswith("INSERT INTO totals"):
            changes.append(statement)
        if statement.endswith("COMMIT") and len(changes) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    class Cursor(psycopg.Cursor[Any]):
        def execute(self, query: Any, *arguments: Any, **more: Any) -> Self:
            if isinstance(query, bytes):
                look(query.decode())
            return super().execute(query, *arguments, **more)

    def watch(connection: Any, _: object) -> None:
        if isinstance(connection, psycopg.Connection):
            connection.cursor_factory = Cursor
        else:
            connection.set_trace_callback(look)

    event.listen(Engine, "connect", watch)


async def spend(database_url: str, policy: Path, number: int) -> None:
    decider = EmbeddedDecider.from_policy_file(policy, database_url=database_url, patience=60)
    call = ToolCall("c", "function", "pay", {"n": 1}, value=1)
    await asyncio.gather(*(decider.decide(call, CallContext()) for _ in range(number)))
    await decider.aclose()


if __name__ == "__main__":
    if sys.argv[4] != "0":
        kill_before_commit(int(sys.argv[4]))
    asyncio.run(spend(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
