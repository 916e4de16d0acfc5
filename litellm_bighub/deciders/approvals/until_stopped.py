"""Waiting for a person, for as long as the process may wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

import anyio

from litellm_bighub.deciders.approvals.waiting_decider import AnsweredApproval, WaitingDecider

Stopped: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
"""Returns when nobody may be waited for any more."""


class UntilStopped:
    """Implements `WaitingDecider`: once the process has stopped, nobody has answered.

    Args:
        waiter: tells when a person has answered.
        stopped: see there.
    """

    def __init__(self, waiter: WaitingDecider, stopped: Stopped) -> None:
        self._waiter = waiter
        self._stopped = stopped

    async def answered(self, approval_id: str, *, seconds: float) -> AnsweredApproval:
        """Wait as `WaitingDecider` has it."""
        answering = asyncio.ensure_future(self._waiter.answered(approval_id, seconds=seconds))
        stopping = asyncio.ensure_future(self._stopped())
        try:
            await asyncio.wait({answering, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return answering.result() if answering.done() else AnsweredApproval("open")
        finally:
            answering.cancel()
            stopping.cancel()
            # A server's cancellation comes again at every await, and would cut off their cleaning up.
            with anyio.CancelScope(shield=True):
                await asyncio.gather(answering, stopping, return_exceptions=True)
