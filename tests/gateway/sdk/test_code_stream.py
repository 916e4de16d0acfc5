"""Calls in code for code that blocks: in a plain thread, in a thread with an event loop, and streams that are left."""

from __future__ import annotations

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

import litellm_bighub
from litellm_bighub import ToolDecisions
from litellm_bighub.deciders.hosted.hosted_decider import hosted
from litellm_bighub.domain.decision import Block
from litellm_bighub.gateway.pipeline.enforcement_modes import ToolCallWithheld, Withholding
from litellm_bighub.settings import ServiceSettings
from litellm_bighub.testing import HostedBighub, ScriptedDecider, function_call
from tests.gateway.sdk.sdk_calls import ANSWER, CANARY, CHAT, RESPONSES, each_api

# LiteLLM's own types, when pydantic first meets them.
pytestmark = pytest.mark.filterwarnings("ignore:Items? .* on TypedDict class .* the `ReadOnly` qualifier")


@pytest.fixture
def decisions():
    return ToolDecisions(ScriptedDecider({"wipe": Block("not within policy")}))


def check(api, upstream, decisions) -> None:
    """Whole and streamed."""
    answer = api.blocking(**api.arguments(upstream), tool_decisions=decisions)
    assert api.calls(answer) == ["lookup"]
    assert CANARY not in repr(answer)

    events = list(api.blocking(**api.arguments(upstream), stream=True, tool_decisions=decisions))
    assert api.calls(api.joined(events)) == ["lookup"]
    assert CANARY not in repr(events)


@each_api
def test_a_plain_thread(upstream, decisions, api):
    upstream.script("go", ANSWER)
    check(api, upstream, decisions)


@each_api
async def test_the_thread_of_a_running_event_loop(upstream, decisions, api):
    upstream.script("go", ANSWER)
    check(api, upstream, decisions)


@each_api
def test_several_threads_at_once(upstream, decisions, api):
    upstream.script("go", ANSWER)
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(check, api, upstream, decisions) for _ in range(4)]:
            done.result()


@pytest.mark.format("chat")
def test_a_decider_that_keeps_its_connections_answers_again_and_again(upstream):
    """Connections belong to an event loop: with a new one for each call the second would fail."""
    with HostedBighub() as bighub:
        decisions = ToolDecisions(hosted(ServiceSettings(base_url=bighub.url, api_key="bhk_test_key")))
        upstream.script("go", [function_call("lookup", {"a": 1})])
        for _ in range(3):
            answer = litellm_bighub.completion(**CHAT.arguments(upstream), tool_decisions=decisions)
            assert CHAT.calls(answer) == ["lookup"]
        asyncio.run(decisions.aclose())


@each_api
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_an_error_goes_out(upstream, decisions, api, streamed):
    upstream.script("go", ANSWER)
    with pytest.raises(ToolCallWithheld):
        list(
            api.blocking(
                **api.arguments(upstream, stream=streamed),
                tool_decisions=decisions,
                withholding=Withholding(on_block="error"),
            )
        )


# Streams that are left.


class Endless:
    """What a router looks like to us, with a stream that never ends and tells when it is closed."""

    def __init__(self) -> None:
        self.closed = Event()

    async def acompletion(self, **request):
        return self

    def __aiter__(self):
        return self

    async def __anext__(self):
        return {"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": None}]}

    async def aclose(self) -> None:
        self.closed.set()


@pytest.fixture
def endless():
    return Endless()


@pytest.fixture
def stream(endless, decisions):
    return litellm_bighub.completion(**CHAT.arguments(stream=True), router=endless, tool_decisions=decisions)


read = pytest.mark.parametrize("events", [0, 2], ids=["unread", "begun"])


@pytest.mark.format("chat")
@read
def test_a_stream_that_is_closed_lets_go_of_the_providers(endless, stream, events):
    for _ in range(events):
        next(stream)
    assert not endless.closed.is_set()
    stream.close()
    stream.close()

    assert endless.closed.is_set()
    assert list(stream) == []


@pytest.mark.format("chat")
def test_a_with_block_closes_it(endless, stream):
    with stream as events:
        next(events)
    assert endless.closed.is_set()


@pytest.mark.format("chat")
@read
def test_a_stream_that_is_thrown_away_lets_go_too(endless, decisions, events):
    left = litellm_bighub.completion(**CHAT.arguments(stream=True), router=endless, tool_decisions=decisions)
    for _ in range(events):
        next(left)
    del left
    gc.collect()
    assert endless.closed.wait(timeout=10)


@pytest.mark.format("chat")
async def test_a_synchronous_call_within_a_decision_is_an_error(upstream):
    """It would wait for the loop that waits for it."""

    class Asking(ScriptedDecider):
        async def decide(self, call, context):
            return litellm_bighub.responses(**RESPONSES.arguments(upstream))

    upstream.script("go", [function_call("lookup", {})])
    with pytest.raises(RuntimeError, match="asynchronous one must be awaited"):
        litellm_bighub.completion(**CHAT.arguments(upstream), tool_decisions=ToolDecisions(Asking()))
