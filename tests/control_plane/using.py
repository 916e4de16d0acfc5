"""Run as a process of its own: uses approvals up and says so, one after the other, until it is killed.

Usage: python -m tests.control_plane.using DATABASE_URL POLICY_FILE NUMBER
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from litellm_bighub.control_plane.decisions.embedded_decider import EmbeddedDecider
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow


def call(number: int) -> ToolCall:
    return ToolCall("c", "function", "refund", {"order": number})


async def use(database_url: str, policy: Path, number: int) -> None:
    decider = EmbeddedDecider.from_policy_file(policy, database_url=database_url)

    async def one(order: int) -> None:
        if isinstance(await decider.decide(call(order), CallContext()), Allow):
            print(order, flush=True)  # noqa: T201 - here the call would run

    for start in range(0, number, 5):
        await asyncio.gather(*(one(order) for order in range(start, start + 5)))


if __name__ == "__main__":
    asyncio.run(use(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
