"""An image or a file that a guardrail redacts is what leaves, in every format, or the request fails."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from litellm.proxy._types import UserAPIKeyAuth

from litellm_bighub import TextGuardrail
from litellm_bighub.errors import GuardrailAnswerError
from tests.gateway.hooks.test_chat_texts import Answering
from tests.llm_translation.guardrails import Today

CALLER = UserAPIKeyAuth()
PNG, JPEG = "data:image/png;base64,QUJD", "data:image/jpeg;base64,REVG"


def user(part: Any) -> Any:
    return [{"role": "user", "content": [{"type": "text", "text": "look"}, part]}]


def source(media_type: str, data: str) -> Any:
    return {"type": "base64", "media_type": media_type, "data": data}


def data_of(url: str) -> str:
    return url.rpartition(",")[2]


PLACES: dict[str, tuple[str, str, Any]] = {
    "chat": (
        "acompletion",
        "images",
        lambda url: {"messages": user({"type": "image_url", "image_url": {"url": url, "detail": "low"}})},
    ),
    "chat, a string": (
        "acompletion",
        "images",
        lambda url: {"messages": user({"type": "image_url", "image_url": url})},
    ),
    "chat, a file": (
        "acompletion",
        "files",
        lambda url: {"messages": user({"type": "file", "file": {"filename": "a.png", "file_data": url}})},
    ),
    "Messages": (
        "anthropic_messages",
        "images",
        lambda url: {"messages": user({"type": "image", "source": source(url[5:].partition(";")[0], data_of(url))})},
    ),
    "Responses": ("aresponses", "images", lambda url: {"input": user({"type": "input_image", "image_url": url})}),
    "Responses, a file": (
        "aresponses",
        "files",
        lambda url: {"input": user({"type": "input_file", "filename": "a.png", "file_data": url})},
    ),
}


async def requested(name: str, answer: Any) -> Any:
    call_type, key, make = PLACES[name]
    cache: Any = None
    call: Any = call_type
    check = Today(lambda inputs: {**inputs, key: answer(inputs[key])} if key in inputs else inputs)
    guardrail = TextGuardrail(guardrail_name="texts", guardrails=[check])
    data = await guardrail.async_pre_call_hook(CALLER, cache, {"model": "m", **make(PNG)}, call)
    return {each: data[each] for each in make(PNG)}


@pytest.mark.parametrize("name", PLACES)
async def test_a_redacted_one_takes_its_place(name):
    assert await requested(name, lambda given: [JPEG for _ in given]) == PLACES[name][2](JPEG)


@pytest.mark.parametrize("name", PLACES)
async def test_one_that_is_left_alone_stays(name):
    assert await requested(name, list) == PLACES[name][2](PNG)


@pytest.mark.parametrize(
    "answered", [[], [JPEG, JPEG], ["[removed]"], [None]], ids=["none", "two", "a word", "nothing"]
)
@pytest.mark.parametrize("name", PLACES)
async def test_what_has_no_place_fails_the_request(name, answered):
    with pytest.raises(GuardrailAnswerError, match="today: "):
        await requested(name, lambda given: answered)


@pytest.mark.format("messages")
async def test_a_link_of_messages_becomes_a_source_of_base64():
    cache: Any = None
    call_type: Any = "anthropic_messages"
    request = {"model": "m", "messages": user({"type": "image", "source": {"type": "url", "url": "https://a.test"}})}
    check = Today(lambda inputs: {**inputs, "images": [JPEG]} if "images" in inputs else inputs)
    guardrail = TextGuardrail(guardrail_name="texts", guardrails=[check])

    data = await guardrail.async_pre_call_hook(CALLER, cache, request, call_type)

    assert data["messages"] == user({"type": "image", "source": source("image/jpeg", "REVG")})


@pytest.mark.format("responses")
async def test_a_picture_that_a_model_has_made_is_redacted():
    item = {"type": "image_generation_call", "id": "i", "status": "completed", "result": "QUJD"}
    answer = {"object": "response", "output": [item]}
    check = Today(lambda inputs: {**inputs, "images": [JPEG]})
    await TextGuardrail(guardrail_name="texts", guardrails=[check]).async_post_call_success_hook({}, CALLER, answer)

    assert answer["output"] == [{**item, "result": "REVG"}]


@pytest.mark.format("chat")
@pytest.mark.parametrize("channels", [{"structured_messages"}, {"images", "structured_messages"}])
async def test_an_image_that_is_redacted_in_the_messages_counts(channels):
    def answer(inputs: Any) -> Any:
        given = copy.deepcopy({key: inputs[key] for key in channels if key in inputs})
        if "images" in given:
            given["images"] = [JPEG]
        if "structured_messages" in given:
            given["structured_messages"][0]["content"][1]["image_url"]["url"] = JPEG
        return {**inputs, **given}

    cache: Any = None
    call_type: Any = "acompletion"
    guardrail = TextGuardrail(guardrail_name="texts", guardrails=[Answering(answer)])
    make = PLACES["chat"][2]
    data = await guardrail.async_pre_call_hook(CALLER, cache, {"model": "m", **make(PNG)}, call_type)

    assert data["messages"] == make(JPEG)["messages"]


@pytest.mark.parametrize("call_type", ["acompletion", "aresponses"])
@pytest.mark.parametrize("both", [False, True], ids=["as a picture", "as a text too"])
async def test_a_picture_in_an_unknown_field_is_not_rewritten_twice(call_type, both):
    cache: Any = None
    said = {"type": "image_url", "image_url": {"url": "https://a.test"}, "later": PNG}
    asked = {"acompletion": {"messages": user(said)}, "aresponses": {"input": user(said)}}[call_type]

    def answer(inputs: Any) -> Any:
        texts = ["x" if text == PNG and both else text for text in inputs["texts"]]
        return {**inputs, "texts": texts, "images": [JPEG if image == PNG else image for image in inputs["images"]]}

    guardrail = TextGuardrail(guardrail_name="texts", guardrails=[Today(answer)])
    call: Any = call_type
    if both:
        with pytest.raises(GuardrailAnswerError, match="later"):
            await guardrail.async_pre_call_hook(CALLER, cache, {"model": "m", **asked}, call)
    else:
        data = await guardrail.async_pre_call_hook(CALLER, cache, {"model": "m", **asked}, call)
        assert JPEG in str(data)
        assert PNG not in str(data)
