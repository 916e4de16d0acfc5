"""The driver between a stream and its gate: whatever comes in whatever order, nothing is lost and nothing left over."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import anyio
import pytest
from hypothesis import given, settings, strategies as st

from litellm_bighub.formats.registry import format_named
from litellm_bighub.formats.stream.gate_protocol import Pass, StreamGate, Withhold
from litellm_bighub.gateway.pipeline.gated_stream import gated_events

pytestmark = pytest.mark.format("responses")


class Upstream:
    """Events that come one by one, with turns of the loop between them; remembers that it was closed."""

    def __init__(self, events, *, pauses=(), error=None) -> None:
        self.events = list(events)
        self.pauses = list(pauses)
        self.error = error
        self.closed = False

    def __aiter__(self):
        return self

    async def __anext__(self):
        for _ in range(self.pauses.pop(0) if self.pauses else 0):
            await asyncio.sleep(0)
        if self.events:
            return self.events.pop(0)
        if self.error is not None:
            raise self.error
        raise StopAsyncIteration

    async def aclose(self) -> None:
        await asyncio.sleep(0)
        self.closed = True


def stream(kinds: str) -> list[dict]:
    """`t` is a word of text, `c` a call with its three events; the envelope ends it."""
    events: list[dict] = []
    output = []
    for index, kind in enumerate(kinds):
        if kind == "t":
            events.append({"type": "response.output_text.delta", "output_index": index, "delta": f"text-{index}"})
            continue
        item = {"type": "function_call", "id": f"fc_{index}", "call_id": f"c_{index}", "name": f"tool_{index}"}
        done = {**item, "arguments": f'{{"n":{index}}}'}
        place = {"output_index": index, "item_id": item["id"]}
        events += [
            {"type": "response.output_item.added", "output_index": index, "item": {**item, "arguments": ""}},
            {"type": "response.function_call_arguments.delta", **place, "delta": done["arguments"]},
            {"type": "response.output_item.done", "output_index": index, "item": done},
        ]
        output.append(done)
    events.append({"type": "response.completed", "response": {"output": output}})
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def gate() -> StreamGate:
    numbers = iter(range(1000))
    return format_named("responses").gate({}, lambda: f"msg_{next(numbers)}")


async def into(seen: list, events) -> None:
    """Keeps what came before an error."""
    async for event in events:
        seen.append(event)  # noqa: PERF401 - a comprehension would lose what came before an error


def left_over() -> list[asyncio.Task]:
    return [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


async def passing(calls):
    return [Pass() for _ in calls]


@settings(max_examples=150)
@given(
    kinds=st.text("tc", max_size=7),
    verdicts=st.lists(st.booleans(), min_size=7, max_size=7),
    delays=st.lists(st.integers(0, 12), min_size=7, max_size=7),
    pauses=st.lists(st.integers(0, 3), max_size=30),
)
def test_answers_may_arrive_in_any_order(kinds, verdicts, delays, pauses):
    asyncio.run(_any_order(kinds, verdicts, delays, pauses))


async def _any_order(kinds, verdicts, delays, pauses):
    asked = []

    async def decide(calls):
        numbers = [int(call.name.removeprefix("tool_")) for call in calls]
        asked.extend(numbers)
        for _ in range(max(delays[number] for number in numbers)):
            await asyncio.sleep(0)
        return [Pass() if verdicts[number] else Withhold(f"no-{number}") for number in numbers]

    upstream = Upstream(stream(kinds), pauses=pauses)
    released = [event async for event in gated_events(upstream, gate(), decide)]

    told = str(released)
    for index, kind in enumerate(kinds):
        if kind == "t":
            assert told.count(f"'text-{index}'") == 1
        else:
            assert (f"tool_{index}" in told) == verdicts[index]
            assert (f"no-{index}" in told) == (not verdicts[index])
    assert sorted(asked) == [index for index, kind in enumerate(kinds) if kind == "c"]
    assert [event["sequence_number"] for event in released] == list(range(len(released)))
    places = [event["output_index"] for event in released if "output_index" in event]
    assert places == sorted(places)
    assert released[-1]["type"] == "response.completed"
    assert upstream.closed
    assert left_over() == []


async def test_text_flows_while_a_decision_is_under_way():
    """Text that comes before the call leaves at once; what comes after it is read on meanwhile."""
    decided, both_asked = asyncio.Event(), asyncio.Event()
    asked = []

    async def decide(calls):
        asked.append(calls)
        if len(asked) == 2:
            both_asked.set()
        await decided.wait()
        return [Pass() for _ in calls]

    upstream = Upstream(stream("tctc"))
    async with aclosing(gated_events(upstream, gate(), decide)) as events:
        assert (await anext(events))["delta"] == "text-0"
        coming = asyncio.ensure_future(anext(events))
        await both_asked.wait()
        assert not coming.done()
        decided.set()
        assert (await coming)["item"]["name"] == "tool_1"
    assert upstream.closed
    assert left_over() == []


async def test_while_a_decision_is_under_way_a_silent_stream_says_that_it_lives():
    decided = asyncio.Event()

    async def decide(calls):
        await decided.wait()
        return [Pass() for _ in calls]

    begun = {"type": "response.created", "response": {"output": []}}
    events = [{**event, "sequence_number": number} for number, event in enumerate([begun, *stream("tc")])]
    released = []
    async with aclosing(gated_events(Upstream(events), gate(), decide, keep_alive_seconds=0.01)) as governed_events:
        async for event in governed_events:
            released.append(event)
            if event["type"] == "response.in_progress":
                decided.set()

    kinds = [event["type"] for event in released]
    assert "response.in_progress" in kinds[2:-1]
    assert [kind for kind in kinds if kind != "response.in_progress"] == [event["type"] for event in events]
    assert [event["sequence_number"] for event in released] == list(range(len(released)))
    assert left_over() == []


async def test_an_error_of_the_upstream_goes_out_and_cancels_the_decision():
    cancelled = asyncio.Event()
    upstream = Upstream(stream("tc")[:-1], error=ConnectionResetError("cut"))
    seen = []
    with pytest.raises(ConnectionResetError):
        await into(seen, gated_events(upstream, gate(), _never(cancelled)))

    assert "tool_1" not in str(seen)
    assert cancelled.is_set()
    assert upstream.closed
    assert left_over() == []


async def test_an_error_of_a_decision_goes_out_and_releases_nothing():
    async def decide(calls):
        raise LookupError("a bug")

    upstream = Upstream(stream("tct"))
    seen = []
    with pytest.raises(LookupError):
        await into(seen, gated_events(upstream, gate(), decide))

    assert [event.get("delta") for event in seen] == ["text-0"]
    assert upstream.closed
    assert left_over() == []


async def test_one_failing_decision_cancels_the_others():
    cancelled = asyncio.Event()

    async def decide(calls):
        if calls[0].name == "tool_0":
            return await _never(cancelled)(calls)
        raise LookupError("a bug")

    with pytest.raises(LookupError):
        _ = [event async for event in gated_events(Upstream(stream("cc")), gate(), decide)]
    assert cancelled.is_set()
    assert left_over() == []


async def test_too_few_outcomes_release_nothing():
    async def decide(calls):
        return []

    seen = []
    with pytest.raises(ValueError, match="zip"):
        await into(seen, gated_events(Upstream(stream("c")), gate(), decide))
    assert seen == []


@pytest.mark.parametrize("taken", range(1, 8))
async def test_a_consumer_that_leaves_closes_the_upstream(taken):
    upstream = Upstream(stream("tctcc"), pauses=[1] * 20)
    async with aclosing(gated_events(upstream, gate(), passing)) as events:
        for _ in range(taken):
            await anext(events)
    assert upstream.closed
    assert left_over() == []


@pytest.mark.parametrize("server", ["asyncio", "anyio"])
async def test_a_cancelled_consumer_lets_decisions_clean_up(server):
    """A server's cancel scope cancels at every await; a decision must still be able to close its connection."""
    asked, cleaned = asyncio.Event(), asyncio.Event()

    async def decide(calls):
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(5):
                await asyncio.sleep(0)
            cleaned.set()

    upstream = Upstream(stream("c"))

    async def consume():
        async with aclosing(gated_events(upstream, gate(), decide)) as events:
            async for _ in events:
                pytest.fail("an undecided call left")

    if server == "asyncio":
        consumer = asyncio.ensure_future(consume())
        await asked.wait()
        consumer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await consumer
    else:
        async with anyio.create_task_group() as group:
            group.start_soon(consume)
            await asked.wait()
            group.cancel_scope.cancel()
    assert cleaned.is_set()
    assert upstream.closed
    assert left_over() == []


def _never(cancelled):
    async def decide(calls):
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    return decide
