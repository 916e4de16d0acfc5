"""Run as a process of its own: asks the control plane the same question many times and prints how often it may.

Usage: python -m tests.control_plane.asking DATABASE_URL POLICY_FILE TIMES
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from litellm_bighub.control_plane.decisions.embedded_decider import EmbeddedDecider
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow


async def ask(database_url: str, policy: Path, times: int) -> int:
    decider = EmbeddedDecider.from_policy_file(policy, database_url=database_url)
    call = ToolCall("c", "function", "refund", {"order": 1}, value=1)
    try:
        answers = await asyncio.gather(*(decider.decide(call, CallContext()) for _ in range(times)))
    finally:
        await decider.aclose()
    return sum(isinstance(answer, Allow) for answer in answers)


if __name__ == "__main__":
    sys.stdout.write(str(asyncio.run(ask(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))))
