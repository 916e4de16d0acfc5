"""A second process of the control plane, for figures of how soon it hears of a change.

Usage: python -m benchmarks.waking DATABASE_URL. Each line of standard input is an approval to wait for, or
`switch`: ask until a kill switch blocks. It says `ready` before, and the time of the monotonic clock after.
"""

from __future__ import annotations

import asyncio
import sys
import time

from benchmarks.control_plane import CALL, CONTEXT, opened


async def main(url):
    plane = opened(url)
    for line in sys.stdin:
        print("ready", flush=True)
        if line.strip() == "switch":
            blocked_by = ""
            while blocked_by != "kill_switch":
                blocked_by = (await plane.decide(CALL, CONTEXT, dry_run=True)).judgement.blocked_by
        else:
            await plane.wait(line.strip(), timeout=10)
        print(time.monotonic(), flush=True)
    await plane.aclose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
