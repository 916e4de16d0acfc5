"""Texts of streams through the handler and the text guardrail: nothing leaves before it was checked."""

import asyncio

import litellm
import pytest
from fastapi import HTTPException
from litellm.integrations.custom_guardrail import CustomGuardrail
from litellm.proxy._types import UserAPIKeyAuth

from litellm_bighub import OpenAIResponsesHandler, TextGuardrail
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.registry import format_named, texts_of
from litellm_bighub.formats.stream.text_part import WholeText
from litellm_bighub.gateway.hooks.text_stream import checked

CALLER = UserAPIKeyAuth(request_route="/v1/responses")


class Masking(CustomGuardrail):
    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        return {"texts": [text.replace("secret", "[mask]") for text in inputs["texts"]]}


class Refusing(CustomGuardrail):
    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        if any("secret" in text for text in inputs["texts"]):
            raise HTTPException(status_code=400, detail={"error": "not that"})
        return inputs


def stream(*deltas):
    text = "".join(deltas)
    place = {"output_index": 0, "content_index": 0, "item_id": "msg_1"}
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed"}
    part = {"type": "output_text", "text": text, "annotations": []}
    yield {"type": "response.created", "sequence_number": 0, "response": {"id": "resp_1", "output": []}}
    for number, delta in enumerate(deltas, 1):
        yield {"type": "response.output_text.delta", "sequence_number": number, "delta": delta, **place}
    yield {"type": "response.output_text.done", "sequence_number": 90, "text": text, **place}
    yield {
        "type": "response.output_item.done",
        "sequence_number": 91,
        "output_index": 0,
        "item": {**item, "content": [part]},
    }
    response = {"id": "resp_1", "status": "completed", "output": [{**item, "content": [part]}]}
    yield {"type": "response.completed", "sequence_number": 92, "response": response}


async def upstream(events):
    for event in events:
        yield event


@pytest.fixture
def configured(monkeypatch):
    """A text guardrail that applies the guardrails of this config by name."""
    masking, refusing = Masking(guardrail_name="masking"), Refusing(guardrail_name="refusing")
    monkeypatch.setattr(litellm, "callbacks", [masking, refusing])

    def make(*names, **settings):
        return TextGuardrail(
            guardrail_name="texts", event_hook="post_call", default_on=True, apply=list(names), **settings
        )

    return make


async def sent(guardrail, events):
    hook = guardrail.async_post_call_streaming_iterator_hook(CALLER, upstream(events), {})
    return [event async for event in hook]


@pytest.mark.format("responses")
@pytest.mark.parametrize("hold", ["sentence", "window", "whole"])
async def test_a_rewritten_text_is_what_leaves_in_every_event(configured, hold):
    events = await sent(configured("masking", hold=hold), stream("It is sec", "ret, keep it."))

    deltas = "".join(get(event, "delta") or "" for event in events)
    (envelope,) = [get(event, "response") for event in events if get(event, "type") == "response.completed"]
    assert deltas == "It is [mask], keep it."
    assert get(get(get(envelope, "output")[0], "content")[0], "text") == "It is [mask], keep it."
    assert "secret" not in repr(events)


@pytest.mark.format("responses")
@pytest.mark.lesson("a text leaves before it was scanned")
async def test_a_refused_stream_ends_with_an_error_event(configured):
    events = await sent(configured("refusing"), stream("x" * 300, " ", "y" * 300, " a secret"))

    assert get(events[-1], "type") == "error"
    assert "secret" not in repr(events)


class Crashing(CustomGuardrail):
    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        raise RuntimeError("the check crashed")


@pytest.mark.format("responses")
@pytest.mark.lesson("a check that crashes counts as safe")
@pytest.mark.parametrize("hold", ["sentence", "window", "whole"])
async def test_a_check_that_crashes_lets_no_text_of_a_stream_out(hold):
    """It says nothing about the text, and least of all that it is safe."""
    guardrail = TextGuardrail(
        guardrail_name="texts", default_on=True, guardrails=[Crashing(guardrail_name="crashing")], hold=hold
    )
    hook = guardrail.async_post_call_streaming_iterator_hook(CALLER, upstream(stream("x" * 300, " a secret")), {})
    released = []

    async def read():
        async for event in hook:
            released.append(event)  # noqa: PERF401 - what came before the error counts

    with pytest.raises(RuntimeError, match="the check crashed"):
        await read()

    assert "x" not in "".join(get(event, "delta") or "" for event in released)
    assert "secret" not in repr(released)


@pytest.mark.format("responses")
@pytest.mark.lesson("a check that crashes counts as safe")
async def test_a_check_that_crashes_lets_no_whole_answer_out():
    guardrail = TextGuardrail(guardrail_name="texts", guardrails=[Crashing(guardrail_name="crashing")])
    response = {"output": [{"type": "message", "content": [{"type": "output_text", "text": "a secret"}]}]}

    with pytest.raises(RuntimeError, match="the check crashed"):
        await guardrail.async_post_call_success_hook({}, CALLER, response)


async def test_guardrails_run_one_after_the_other(configured):
    events = await sent(configured("masking", "refusing"), stream("a secret"))

    assert get(events[-1], "type") == "response.completed"


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"apply": []}, r"texts\.apply: names no guardrail"),
        ({"apply": ["masking"], "hold": "some"}, r"texts\.hold"),
        ({"apply": ["masking"], "window_size": 8, "window_overlap": 8}, "window_overlap must be smaller"),
        ({"apply": ["masking"], "hould": "window"}, r"texts\.hould: is no setting; did you mean hold"),
    ],
    ids=["nothing to apply", "a value", "a window without a cut", "a typo"],
)
def test_what_cannot_be_used_stops_the_start(settings, place):
    with pytest.raises(ConfigurationError, match=place):
        TextGuardrail(guardrail_name="texts", **settings)


@pytest.mark.format("responses")
async def test_a_guardrail_that_the_config_does_not_have_fails_the_request(configured):
    with pytest.raises(ConfigurationError, match="nobody is no other guardrail"):
        await configured("nobody").async_pre_call_hook(CALLER, None, {"input": "hello"}, "aresponses")


async def test_streams_whose_texts_nobody_finds_are_left_alone(configured):
    hook = configured("masking").async_post_call_streaming_iterator_hook(
        UserAPIKeyAuth(request_route="/my/route"), upstream(["a chunk"]), {}
    )

    assert [event async for event in hook] == ["a chunk"]


@pytest.mark.format("responses")
async def test_requests_and_whole_answers_are_checked_too(configured):
    guardrail = configured("masking")

    data = await guardrail.async_pre_call_hook(CALLER, None, {"input": "a secret"}, "aresponses")
    response = {"output": [{"type": "message", "content": [{"type": "output_text", "text": "a secret"}]}]}
    await guardrail.async_post_call_success_hook(data, CALLER, response)

    assert data["input"] == "a [mask]"
    assert response["output"][0]["content"][0]["text"] == "a [mask]"


@pytest.mark.format("responses")
async def test_a_buffered_stream_is_rewritten_in_the_list_that_holds_it():
    events = list(stream("a sec", "ret"))

    await OpenAIResponsesHandler().process_output_streaming_response(
        events, Masking(guardrail_name="masking"), deliver_ended_stream_rewrites=True
    )

    assert "secret" not in repr(events)
    assert "".join(get(event, "delta") or "" for event in events) == "a [mask]"


@pytest.mark.format("responses")
async def test_a_buffered_stream_stays_as_it_is_when_the_guardrail_refuses():
    events = list(stream("a secret"))
    before = list(events)

    with pytest.raises(HTTPException):
        await OpenAIResponsesHandler().process_output_streaming_response(
            events, Refusing(guardrail_name="refusing"), deliver_ended_stream_rewrites=True
        )

    assert events == before


@pytest.mark.format("responses")
async def test_a_consumer_that_leaves_closes_the_upstream():
    closed = asyncio.Event()

    async def endless():
        try:
            while True:
                yield next(stream("x"))
        finally:
            closed.set()

    async def same(scan):
        return scan.texts

    events = checked(endless(), texts_of(format_named("responses")).gate(WholeText()), same)
    await anext(events)
    await events.aclose()

    assert closed.is_set()
