"""Waiting for changes, and not waiting any more."""

from __future__ import annotations

import asyncio

from litellm_bighub.control_plane.store.database import open_database, sqlite_url
from litellm_bighub.control_plane.store.signals import Signals


async def test_a_cancellation_that_comes_with_a_change_is_not_lost(tmp_path):
    engine = open_database(sqlite_url(tmp_path / "a.db"))
    signals = Signals(engine)

    async def looking():
        while True:
            with signals.watch() as changed:
                await changed(60)

    task = asyncio.ensure_future(looking())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    signals.wake()
    asyncio.get_running_loop().call_soon(task.cancel)
    done, _ = await asyncio.wait({task}, timeout=5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    signals.close()
    engine.dispose()
    assert done
