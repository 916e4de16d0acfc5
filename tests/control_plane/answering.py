"""Run as a process of its own: denies calls that wait, one after the other, and says so, until it is killed.

Usage: python -m tests.control_plane.answering DATABASE_URL POLICY_FILE APPROVAL_ID...
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from litellm_bighub.control_plane.approvals.resolution import Resolution
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.tables.approvals import Approval


async def deny(database_url: str, policy: Path, approval_ids: list[str]) -> None:
    plane = ControlPlane.open(database_url, policy)

    async def one(approval_id: str) -> None:
        if isinstance(await plane.resolve(Resolution(approval_id, "deny", "ann")), Approval):
            print(approval_id, flush=True)  # noqa: T201 - here the person would read it

    for start in range(0, len(approval_ids), 5):
        await asyncio.gather(*(one(approval_id) for approval_id in approval_ids[start : start + 5]))


if __name__ == "__main__":
    asyncio.run(deny(sys.argv[1], Path(sys.argv[2]), sys.argv[3:]))
