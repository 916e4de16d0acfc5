"""Running the allowed tools of a turn, at the same time where they may; each outcome is kept as soon as it is known."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias

import anyio

from litellm_bighub.agent.drivers.function_calls import FunctionCaller
from litellm_bighub.agent.tools.tool import Tool
from litellm_bighub.domain.payload import JsonMapping


@dataclass(frozen=True, slots=True)
class Returned:
    """The tool ran and returned."""

    output: object


@dataclass(frozen=True, slots=True)
class Raised:
    """The tool ran and raised; `model_error` is the error for the model."""

    error: str
    model_error: str


Outcome: TypeAlias = Returned | Raised


@dataclass(slots=True)
class Job:
    """One tool to run. `outcome` is written when it ends, so that a cancelled turn knows what happened.

    Attributes:
        started: whether the function may have had an effect.
    """

    tool: Tool
    keywords: JsonMapping
    started: bool = False
    outcome: Outcome | None = None


async def run_jobs(jobs: Sequence[Job], *, max_parallel: int, caller: FunctionCaller) -> None:
    """Run the jobs, at most `max_parallel` at a time; a tool that wants to be alone waits for those before it."""
    for alone, group in groupby(jobs, key=lambda job: job.tool.alone):
        if alone or len(jobs) == 1:
            for job in group:
                await _run(job, caller)
        else:
            await _together(group, max_parallel, caller)


async def _together(jobs: Iterable[Job], max_parallel: int, caller: FunctionCaller) -> None:
    limit = anyio.CapacityLimiter(max_parallel)

    async def limited(job: Job) -> None:
        async with limit:
            await _run(job, caller)

    async with anyio.create_task_group() as group:
        for job in jobs:
            group.start_soon(limited, job)


async def _run(job: Job, caller: FunctionCaller) -> None:
    job.started = True
    try:
        output = await caller.call(functools.partial(job.tool.function, **job.keywords))
    except Exception as error:  # noqa: BLE001 - whatever the user's function raises is the tool's outcome
        job.outcome = _raised(error)
    else:
        job.outcome = Returned(output)


def _raised(error: Exception) -> Raised:
    lines = str(error).strip().splitlines()
    short = lines[0][:200] if lines else ""
    name = type(error).__name__
    return Raised(f"{name}: {error}", f"{name}: {short}" if short else name)
