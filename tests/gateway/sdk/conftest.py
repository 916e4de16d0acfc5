"""What all tests of calls in code share."""

from __future__ import annotations

import asyncio

import pytest


@pytest.fixture(autouse=True)
async def logged_to_the_end():
    """LiteLLM logs a call behind its answer. A loop that closes meanwhile cancels that, once with a crash."""
    yield
    logging = {
        task for task in asyncio.all_tasks() if "success_handler" in getattr(task.get_coro(), "__qualname__", "")
    }
    if logging:
        await asyncio.wait(logging, timeout=20)
