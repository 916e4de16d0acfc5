"""Runs a scenario with `bighub_openai` and with `litellm_bighub.compat`, each before an upstream and BIGHUB of its own.

What can be seen of a run is one `Seen`; `differences` says where two of them differ.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import openai
from bighub import AsyncBighubClient, BighubClient

from litellm_bighub.testing import HostedBighub, ScriptedUpstream, text
from litellm_bighub.testing.hosted_answers import Answer, allow

DONE = [text("done")]
GENERATED = frozenset({"event_id", "trace_id", "response_id", "id", "session_id", "source_version"})
"""Made anew in each run, or naming who made it."""


def refund(order_id: str, amount: float) -> dict[str, Any]:
    """Refund an order."""
    return {"ok": True, "order_id": order_id, "amount": amount}


@dataclass(frozen=True)
class Scenario:
    """What happens to an agent.

    Attributes:
        turns: what the model answers.
        decisions: what BIGHUB answers, the last one for ever.
        tools: by name, each with its options.
        options: of the agent.
        method: `run`, `run_stream`, `run_with_approval`, or `check_tool`.
        arguments: of the method, beside the conversation.
        async_only: a sync agent cannot do it.
    """

    turns: Sequence[Any] = ()
    decisions: Sequence[Answer] = (allow(),)
    tools: Mapping[str, tuple[Callable[..., Any], Mapping[str, Any]]] = field(
        default_factory=lambda: {"refund": (refund, {})}
    )
    options: Mapping[str, Any] = field(default_factory=dict)
    method: str = "run"
    arguments: Mapping[str, Any] = field(default_factory=dict)
    async_only: bool = False


@dataclass
class Seen:
    """What can be seen of a run, in plain containers."""

    result: Any = None
    error: str = ""
    stream: list[str] = field(default_factory=list)
    hook: list[Any] = field(default_factory=list)
    ran: list[Any] = field(default_factory=list)
    questions: list[Any] = field(default_factory=list)
    memories: list[Any] = field(default_factory=list)
    outcomes: list[Any] = field(default_factory=list)
    told: list[Any] = field(default_factory=list)


def observe(package: Any, scenario: Scenario, *, is_async: bool) -> Seen:
    """Run the scenario with a package."""
    seen = Seen()
    with ScriptedUpstream() as upstream, HostedBighub(*scenario.decisions) as bighub:
        bighub.approvals["req_approval"] = {"request_id": "req_approval", "status": "pending"}
        upstream.script(lambda _: True, *scenario.turns, DONE)
        try:
            asyncio.run(_run(package, scenario, upstream.base_url, bighub, seen, is_async=is_async))
        except Exception as error:  # noqa: BLE001 - whatever a package raises is what is compared
            seen.error = type(error).__name__
        seen.ran.sort(key=repr)  # ours run at the same time
        seen.questions = sorted((request.body for request in bighub.requests), key=_value)
        seen.memories = [{**each.body, "events": sorted(each.body["events"], key=_seq)} for each in bighub.memories]
        seen.outcomes = sorted((request.body for request in bighub.outcomes), key=repr)
        seen.told = [item for request in upstream.requests for item in request.body["input"] if _is_output(item)]
    return seen


async def _run(
    package: Any, scenario: Scenario, base_url: str, bighub: HostedBighub, seen: Seen, *, is_async: bool
) -> None:
    made = package.AsyncGuardedOpenAI if is_async else package.GuardedOpenAI
    clients = (openai.AsyncOpenAI, AsyncBighubClient) if is_async else (openai.OpenAI, BighubClient)
    model = clients[0](base_url=base_url, api_key="any", max_retries=0)
    guard = made(
        openai_client=model,
        bighub_client=clients[1](base_url=bighub.url, api_key=bighub.api_key),
        on_decision=lambda event: seen.hook.append(dict(event)),
        **{
            "evaluate_retries": 0,
            "memory_ingest_timeout_ms": 10_000,
            "provider_retry_backoff_seconds": 0,
            "provider_retry_jitter_seconds": 0,
            **scenario.options,
        },
    )
    for name, (function, options) in scenario.tools.items():
        guard.tool(name, _recording(function, name, seen), **options)
    try:
        seen.result = await _called(guard, scenario, seen)
    finally:
        for each in (guard, model):
            closed = each.close()
            if inspect.isawaitable(closed):
                await closed


async def _called(guard: Any, scenario: Scenario, seen: Seen) -> Any:
    if scenario.method in {"check_tool", "list_tools", "resume_after_approval"}:
        result = getattr(guard, scenario.method)(**scenario.arguments)
        return await result if inspect.isawaitable(result) else result
    asked = {"messages": [{"role": "user", "content": "go"}], "model": "gpt-4.1", **scenario.arguments}
    result = getattr(guard, scenario.method)(**asked)
    if scenario.method != "run_stream":
        return await result if inspect.isawaitable(result) else result
    events = [event async for event in result] if hasattr(result, "__aiter__") else list(result)
    seen.stream = [event["type"] for event in events]
    return events[-1]["response"]


def _recording(function: Callable[..., Any], name: str, seen: Seen) -> Callable[..., Any]:
    """The function, with its signature, which writes down what it was called with."""
    if inspect.iscoroutinefunction(function):

        async def arun(*args: Any, **arguments: Any) -> Any:
            seen.ran.append((name, args, arguments))
            return await function(*args, **arguments)

        return _like(function, arun)

    def run(*args: Any, **arguments: Any) -> Any:
        seen.ran.append((name, args, arguments))
        return function(*args, **arguments)

    return _like(function, run)


def _like(function: Callable[..., Any], made: Callable[..., Any]) -> Callable[..., Any]:
    made.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    made.__annotations__, made.__doc__, made.__name__ = function.__annotations__, function.__doc__, function.__name__
    return made


def _value(question: Mapping[str, Any]) -> str:
    """Our questions about one answer of the model go out at the same time, so they arrive in any order."""
    return f"{question['action']} {question.get('value')}"


def _seq(event: Mapping[str, Any]) -> int:
    return int(event["seq"])


def _is_output(item: Any) -> bool:
    return isinstance(item, dict) and item.get("type") == "function_call_output"


def differences(theirs: Seen, ours: Seen) -> dict[str, tuple[Any, Any]]:
    """Where ours is not what theirs is, by place. What ours has besides counts where it goes to BIGHUB."""
    found: dict[str, tuple[Any, Any]] = {}
    for name in vars(theirs):
        strict = name in {"questions", "outcomes"}
        found.update(_differing(name, getattr(theirs, name), getattr(ours, name), strict=strict))
    return found


def _differing(place: str, theirs: Any, ours: Any, *, strict: bool) -> Iterator[tuple[str, tuple[Any, Any]]]:
    if place.rsplit(".", 1)[-1] in GENERATED and bool(theirs) == bool(ours):
        return
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in [*theirs, *(key for key in ours if strict and key not in theirs)]:
            yield from _differing(f"{place}.{key}", theirs.get(key), ours.get(key), strict=strict)
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for one, other in zip(theirs, ours, strict=True):
            yield from _differing(place, one, other, strict=strict)
    elif theirs != ours or type(theirs) is not type(ours):
        yield place, (theirs, ours)
