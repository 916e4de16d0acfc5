"""Calls of MCP tools that LiteLLM makes itself while it streams the answer, with one decision each.

Our hooks see such a call twice: as a function call in the stream, and when LiteLLM is about to call the MCP server,
which happens while the stream's next event is awaited. The second hook knows server and tool, so it decides. The stream
holds its call until then and takes the decision over, once, and only for the same name, id and arguments. Calls that
LiteLLM does not make, and calls of functions that the caller lists itself, are decided on in the stream.

The second hook finds the stream through the request's scope, which names the stream only while its next event is
awaited. So whatever runs then belongs to this stream, and no caller can forge that.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any, TypeAlias

from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.call import ToolCall
from litellm_bighub.domain.decision import Decision
from litellm_bighub.domain.payload import JsonMapping, Payload
from litellm_bighub.formats.payload.copies import text
from litellm_bighub.formats.payload.fields import get, is_object, members
from litellm_bighub.gateway.pipeline.gated_stream import close_stream
from litellm_bighub.gateway.pipeline.request_scope import enter, request_scope

_Key: TypeAlias = "tuple[str, str, str]"
Decide = Callable[[Sequence[ToolCall]], Awaitable[Sequence[Decision]]]


class ServerSideCalls:
    """The calls of one stream that LiteLLM may make itself.

    Args:
        decisions: decides on the stream. Decisions of another guardrail are not taken over.
        request: the request, which lists the tools.
    """

    def __init__(self, decisions: ToolDecisions, request: JsonMapping) -> None:
        self._decisions = decisions
        self._expects = may_run(request)
        self._callers = frozenset(_names(request.get("tools"))) | frozenset(_names(request.get("functions")))
        self._made: defaultdict[_Key, deque[Decision]] = defaultdict(deque)
        self._waiting: defaultdict[_Key, deque[asyncio.Future[Decision | None]]] = defaultdict(deque)
        self._ended = False

    def within(self, events: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """The upstream's events. Decisions that are made while an event is awaited can be taken over."""
        return _Within(events, self) if self._expects else events

    async def decided(self, calls: Sequence[ToolCall], decide: Decide) -> list[Decision]:
        """Decide on calls of the stream. For calls that LiteLLM makes itself, take over the decision made there.

        Args:
            calls: the calls.
            decide: decides on calls that LiteLLM does not make.
        """
        expected = [self._expects_call(call) for call in calls]
        own = [call for call, awaited in zip(calls, expected, strict=True) if not awaited]
        decided = iter(await decide(own) if own else ())
        known = [None if awaited else next(decided) for awaited in expected]
        for index, awaited in enumerate(expected):
            if awaited:
                known[index] = await self._taken_over(calls[index])
        left = [call for call, decision in zip(calls, known, strict=True) if decision is None]
        decided = iter(await decide(left) if left else ())
        return [next(decided) if decision is None else decision for decision in known]

    def publish(self, key: _Key, decision: Decision) -> None:
        """Hand the stream the decision on a call that LiteLLM is about to make."""
        waiting = self._waiting[key]
        while waiting:
            taker = waiting.popleft()
            if not taker.done():
                taker.set_result(decision)
                return
        self._made[key].append(decision)

    def belongs_to(self, decisions: ToolDecisions) -> bool:
        """Whether these `ToolDecisions` govern the stream."""
        return self._decisions is decisions

    def end(self) -> None:
        """The upstream has ended, so LiteLLM makes no more calls."""
        self._ended = True
        for waiting in self._waiting.values():
            for taker in waiting:
                if not taker.done():
                    taker.set_result(None)

    def _expects_call(self, call: ToolCall) -> bool:
        return self._expects and call.type == "function" and call.unreadable is None and call.name not in self._callers

    async def _taken_over(self, call: ToolCall) -> Decision | None:
        key = call_key(call.id, call.name, call)
        if self._made[key]:
            return self._made[key].popleft()
        if self._ended:
            return None
        taker: asyncio.Future[Decision | None] = asyncio.get_running_loop().create_future()
        self._waiting[key].append(taker)
        return await taker


class _Within:
    def __init__(self, events: AsyncIterator[Any], runs: ServerSideCalls) -> None:
        self._events = events
        self._runs = runs

    def __aiter__(self) -> _Within:
        return self

    async def __anext__(self) -> Payload:
        scope = request_scope()
        enter(scope._replace(server_side_calls=self._runs))
        try:
            return await anext(self._events)
        except StopAsyncIteration:
            self._runs.end()
            raise
        finally:
            enter(request_scope()._replace(server_side_calls=scope.server_side_calls))

    async def aclose(self) -> None:
        """Close the inner stream if it can be closed."""
        await close_stream(self._events)


def may_run(request: JsonMapping) -> bool:
    """Whether LiteLLM may itself make calls of the answer to this request."""
    tools = request.get("tools")
    return any(_runs_by_itself(tool) for tool in tools) if isinstance(tools, list) else False


def publish_decision(decisions: ToolDecisions, data: JsonMapping, call: ToolCall, decision: Decision) -> None:
    """Hand a decision to the stream for which LiteLLM makes the call, if there is one.

    Args:
        decisions: made the decision.
        data: the call as LiteLLM describes it to guardrails.
        call: the call that was decided on.
        decision: the decision.
    """
    runs = request_scope().server_side_calls
    if runs is None or not runs.belongs_to(decisions) or call.unreadable is not None:
        return
    record: object = get(data.get("litellm_logging_obj"), "model_call_details")
    name = text(get(record, "mcp_tool_call_metadata"), "namespaced_tool_name")
    call_id = text(get(get(record, "litellm_params"), "metadata"), "tool_call_id")
    if name and call_id:
        runs.publish(call_key(call_id, name, call), decision)


def call_key(call_id: str, name: str, call: ToolCall) -> _Key:
    """Identifies a call of a stream: its id, the name that the model used, and its arguments."""
    return (call_id, name, call.digest)


def _runs_by_itself(tool: object) -> bool:
    return text(tool, "type") == "mcp" and get(tool, "require_approval") == "never"


def _names(tools: object) -> Iterator[str]:
    """Every name of a tool that the caller defines itself, at any depth."""
    if isinstance(tools, list):
        for tool in tools:
            yield from _names(tool)
    elif is_object(tools) and text(tools, "type") != "mcp":
        for key, value in members(tools).items():
            if key == "name" and isinstance(value, str):
                yield value
            else:
                yield from _names(value)
