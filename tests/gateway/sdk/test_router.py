"""LiteLLM's routers, retries and fallbacks in code: whichever attempt is answered, each call is decided on once."""

from __future__ import annotations

import httpx
import litellm
import openai
import pytest

import litellm_bighub
from litellm_bighub import BighubGuardrail, ToolDecisions
from litellm_bighub.domain.decision import Block
from litellm_bighub.errors import UngovernedCallError
from litellm_bighub.testing import Failure, Output, Pace, ScriptedDecider, ScriptedUpstream
from tests.deciders.fakes import Kept
from tests.gateway.sdk.sdk_calls import (
    ANSWER,
    CANARY,
    CHAT,
    MESSAGES,
    RESPONSES,
    each_api,
    litellms_types,
    whole_and_streamed,
)

pytestmark = litellms_types

FAILURE = Failure(500, "not now")


@pytest.fixture(scope="module")
def _other():
    with ScriptedUpstream() as upstream:
        yield upstream


@pytest.fixture
def broken(_other):
    """A provider that answers nothing but errors."""
    _other.reset()
    _other.script("go", FAILURE)
    return _other


@pytest.fixture
def kept():
    return Kept()


@pytest.fixture
def decisions(kept):
    return ToolDecisions(ScriptedDecider({"wipe": Block("not within policy")}), sinks=[kept])


@pytest.fixture
def callback(decisions, monkeypatch):
    """`litellm.callbacks` as a program has it that governs its plain calls."""
    decider = decisions.decider
    monkeypatch.setattr(litellm, "callbacks", [BighubGuardrail(guardrail_name="bighub", decider_instance=decider)])
    yield decider
    litellm_bighub.uninstall()


def router(*upstreams: ScriptedUpstream, retries: int = 0) -> litellm.Router:
    """The model `first`, with the others as fallbacks."""
    names = ["first", "second", "third"][: len(upstreams)]
    params = {"model": "openai/gpt-4.1", "api_key": "sk-x", "max_retries": 0}
    models = [
        {"model_name": name, "litellm_params": {**params, "api_base": upstream.base_url}}
        for name, upstream in zip(names, upstreams, strict=True)
    ]
    fallbacks = [{"first": names[1:]}] if names[1:] else []
    return litellm.Router(model_list=models, fallbacks=fallbacks, num_retries=retries, retry_after=0)


async def given(answer, *, streamed) -> list:
    return [event async for event in answer] if streamed else [answer]


@each_api
@whole_and_streamed
async def test_after_a_fallback_each_call_is_decided_on_once(upstream, broken, decisions, kept, api, streamed):
    upstream.script("go", ANSWER)
    request = {**api.arguments(stream=streamed), "model": "first"}
    answer = await api.awaited(**request, router=router(broken, upstream), tool_decisions=decisions)
    events = await given(answer, streamed=streamed)

    assert api.calls(api.joined(events) if streamed else answer) == ["lookup"]
    assert CANARY not in repr(events)
    assert [(event.tool, event.verdict) for event in kept.events] == [("lookup", "allowed"), ("wipe", "blocked")]
    assert (len(broken.requests), len(upstream.requests)) == (1, 1)


@each_api
def test_a_router_serves_synchronous_code_again_and_again(upstream, broken, decisions, kept, api):
    upstream.script("go", ANSWER)
    routed = router(broken, upstream)
    for _ in range(3):
        answer = api.blocking(**{**api.arguments(), "model": "first"}, router=routed, tool_decisions=decisions)
        assert api.calls(answer) == ["lookup"]
    assert len(kept.events) == 6


@each_api
async def test_after_a_routers_retry_each_call_is_decided_on_once(upstream, decisions, kept, api):
    upstream.script("go", FAILURE, ANSWER)
    request = {**api.arguments(), "model": "first"}
    answer = await api.awaited(**request, router=router(upstream, retries=1), tool_decisions=decisions)

    assert api.calls(answer) == ["lookup"]
    assert len(kept.events) == 2
    assert len(upstream.requests) == 2


@each_api
async def test_after_a_retry_each_call_is_decided_on_once(upstream, decisions, kept, api):
    upstream.script("go", FAILURE, ANSWER)
    answer = await api.awaited(**api.arguments(upstream, num_retries=2, max_retries=0), tool_decisions=decisions)

    assert api.calls(answer) == ["lookup"]
    assert len(kept.events) == 2


@pytest.mark.format("chat")
async def test_after_a_fallback_of_the_function_each_call_is_decided_on_once(upstream, broken, decisions, kept):
    upstream.script("go", ANSWER)
    fallback = {"model": "openai/gpt-4.1", "api_base": upstream.base_url}
    answer = await litellm_bighub.acompletion(
        **CHAT.arguments(broken, max_retries=0), fallbacks=[fallback], tool_decisions=decisions
    )

    assert CHAT.calls(answer) == ["lookup"]
    assert len(kept.events) == 2


async def broken_stream(api, broken, upstream, decisions, *, cut_after) -> list:
    """What a router's stream gives back whose first provider breaks off."""
    broken.script("go", Output(ANSWER.items, pace=Pace(delta_size=100, cut_after=cut_after)))
    upstream.script("go", ANSWER)
    request = {**api.arguments(stream=True), "model": "first"}
    answer = await api.awaited(**request, router=router(broken, upstream), tool_decisions=decisions)
    events = []
    try:
        async for event in answer:
            events.append(event)  # noqa: PERF401 - what came before the error counts
    except (openai.APIError, httpx.HTTPError):
        pass
    return events


@pytest.mark.format("chat")
async def test_a_fallback_in_the_midst_of_a_stream_is_decided_on_once(upstream, broken, decisions, kept, callback):
    """The router sends a second request while the first is read; the callback stands back from that, too."""
    events = await broken_stream(CHAT, broken, upstream, decisions, cut_after=0)

    assert CHAT.calls(CHAT.joined(events)) == ["lookup"]
    assert CANARY not in repr(events)
    assert [(event.tool, event.verdict) for event in kept.events] == [("lookup", "allowed"), ("wipe", "blocked")]


@each_api
@pytest.mark.parametrize("cut_after", [2, 6, 12])
async def test_of_a_stream_that_breaks_no_undecided_call_leaves(upstream, broken, decisions, kept, api, cut_after):
    events = await broken_stream(api, broken, upstream, decisions, cut_after=cut_after)

    assert CANARY not in repr(events)
    assert len({event.tool for event in kept.events}) == len(kept.events)


# Plain calls of LiteLLM, with our guardrail as a callback.


@pytest.mark.parametrize(
    ("api", "name"),
    [(RESPONSES, "aresponses"), (CHAT, "acompletion"), (MESSAGES, "aanthropic_messages")],
    ids=["aresponses", "acompletion", "aanthropic_messages"],
)
async def test_a_plain_router_is_governed_once_after_a_fallback(upstream, broken, callback, api, name):
    upstream.script("go", ANSWER)
    answer = await getattr(router(broken, upstream), name)(**{**api.arguments(), "model": "first"})

    assert api.calls(answer) == ["lookup"]
    assert CANARY not in repr(answer)
    assert len(callback.asked) == 2


RETRIES = [
    pytest.param({"num_retries": 2}, id="num_retries"),
    pytest.param({"num_retries": 2, "max_retries": 0}, id="max_retries"),
    pytest.param({"retry_policy": {"InternalServerErrorRetries": 2}}, id="retry_policy"),
    pytest.param({"context_window_fallback_dict": {"openai/gpt-4.1": "openai/gpt-4o"}}, id="context window"),
]


@each_api
@pytest.mark.parametrize("more", RETRIES)
@whole_and_streamed
async def test_a_plain_call_with_retries_is_refused_before_anything_is_asked(upstream, callback, api, more, streamed):
    """LiteLLM retries past its hooks, and would do so after the refusal, too."""
    upstream.script("go", FAILURE, ANSWER)
    with pytest.raises(UngovernedCallError, match=rf"litellm_bighub\.{api.name}"):
        await api.plain(**api.arguments(upstream, **more), stream=streamed)
    assert upstream.requests == []


@pytest.mark.format("chat")
async def test_retries_of_every_call_are_refused_too(upstream, callback, monkeypatch):
    monkeypatch.setattr(litellm, "num_retries", 2)
    with pytest.raises(UngovernedCallError, match=r"litellm_bighub\.acompletion"):
        await litellm.acompletion(**CHAT.arguments(upstream))
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("api", "name"),
    [(RESPONSES, "aresponses"), (CHAT, "acompletion"), (MESSAGES, "aanthropic_messages")],
    ids=["aresponses", "acompletion", "aanthropic_messages"],
)
async def test_retries_of_every_call_release_nothing_undecided_from_a_plain_router(
    upstream, callback, monkeypatch, api, name
):
    """Some releases do not see that a router has made the call, and retry it themselves: then it is refused."""
    monkeypatch.setattr(litellm, "num_retries", 2)
    upstream.script("go", FAILURE, ANSWER)
    try:
        answer = await getattr(router(upstream, retries=1), name)(**{**api.arguments(), "model": "first"})
    except UngovernedCallError:
        return
    assert api.calls(answer) == ["lookup"]
    assert CANARY not in repr(answer)
    assert len(callback.asked) == 2
