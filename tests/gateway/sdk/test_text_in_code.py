"""`TextGuardrail` among the callbacks of a program: what it could not check is refused, never let through."""

from __future__ import annotations

import json

import litellm
import pytest
from litellm.integrations.custom_guardrail import CustomGuardrail

import litellm_bighub
from litellm_bighub import BighubGuardrail, TextGuardrail, ToolDecisions, amessages
from litellm_bighub.errors import UngovernedCallError, UngovernedCallExit
from litellm_bighub.testing import Output, Pace, ScriptedDecider, function_call, text
from tests.gateway.sdk.sdk_calls import litellms_types
from tests.llm_translation.guardrails import First

pytestmark = litellms_types


class Mask(CustomGuardrail):
    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        return {**inputs, "texts": [each.replace("4711", "[hidden]") for each in inputs["texts"]]}


@pytest.fixture
def mask():
    return Mask(guardrail_name="mask")


@pytest.fixture
def callback(upstream, mask, monkeypatch):
    upstream.script("go", [text("It is 4711.")])

    def use(**options):
        options = {"guardrail_name": "texts", "event_hook": ["pre_call", "post_call"], "default_on": True, **options}
        monkeypatch.setattr(litellm, "callbacks", [TextGuardrail(guardrails=[mask], **options)])

    use()
    yield use
    litellm_bighub.uninstall()


def request(upstream, **more):
    return {"model": "openai/gpt-4.1", "input": "go 4711", "api_base": upstream.base_url, "api_key": "sk-x", **more}


@pytest.mark.format("responses")
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_a_plain_call_is_refused(upstream, callback, streamed):
    with pytest.raises(UngovernedCallError, match=r"litellm_bighub\.aresponses\(guardrails"):
        await litellm.aresponses(**request(upstream), stream=streamed)
    assert upstream.requests == []


@pytest.mark.format("responses")
def test_a_plain_synchronous_call_is_refused(upstream, callback):
    with pytest.raises(UngovernedCallError, match=r"litellm_bighub\.responses\(guardrails"):
        litellm.responses(**request(upstream))
    assert upstream.requests == []


async def test_what_fetches_a_response_is_refused(upstream, callback):
    with pytest.raises(UngovernedCallExit, match="aget_responses"):
        await litellm.aget_responses("resp_1", custom_llm_provider="openai", api_base=upstream.base_url, api_key="sk-x")
    assert upstream.requests == []


@pytest.mark.format("responses")
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_the_function_that_the_error_names_checks(upstream, callback, mask, streamed):
    answer = await litellm_bighub.aresponses(**request(upstream), stream=streamed, guardrails=[mask])
    told = "".join([event.model_dump_json() async for event in answer]) if streamed else answer.model_dump_json()
    assert "It is [hidden]." in told
    assert "4711" not in told
    assert upstream.requests[0].body["input"] == "go [hidden]"


@pytest.mark.format("responses")
async def test_a_function_that_only_decides_is_refused_too(upstream, callback):
    with pytest.raises(UngovernedCallError, match="guardrails"):
        await litellm_bighub.aresponses(**request(upstream), tool_decisions=ToolDecisions(ScriptedDecider({})))
    assert upstream.requests == []


@pytest.mark.format("responses")
async def test_a_function_that_only_checks_leaves_the_calls_to_the_guardrail_for_them(upstream, mask, monkeypatch):
    decider = ScriptedDecider({})
    monkeypatch.setattr(litellm, "callbacks", [BighubGuardrail(guardrail_name="bighub", decider_instance=decider)])
    upstream.script("go", [function_call("lookup", {})])
    await litellm_bighub.aresponses(**request(upstream), guardrails=[mask])
    litellm_bighub.uninstall()
    assert [call.name for call, _ in decider.asked] == ["lookup"]


@pytest.mark.format("responses")
@pytest.mark.parametrize("asked", [False, True], ids=["unasked", "asked"])
async def test_one_that_is_off_by_default_refuses_who_asks_for_it(upstream, callback, asked):
    callback(default_on=False)
    if asked:
        with pytest.raises(UngovernedCallError):
            await litellm.aresponses(**request(upstream), guardrails=["texts"])
    else:
        answer = await litellm.aresponses(**request(upstream))
        assert "4711" in answer.model_dump_json()


CHAT = [{"role": "user", "content": "go 4711"}]


@pytest.mark.format("chat")
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_a_plain_chat_completion_is_refused_too(upstream, callback, streamed):
    with pytest.raises(UngovernedCallError, match=r"litellm_bighub\.acompletion\(guardrails"):
        await litellm.acompletion(**{**request(upstream), "messages": CHAT}, stream=streamed)
    assert upstream.requests == []


def test_a_plain_synchronous_chat_completion_is_refused_too(upstream, callback):
    with pytest.raises(UngovernedCallExit, match=r"litellm_bighub\.completion\(guardrails"):
        litellm.completion(**{**request(upstream), "messages": CHAT})
    assert upstream.requests == []


@pytest.mark.format("chat")
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_guardrails_check_chat_completions(upstream, callback, mask, streamed):
    asked = {key: value for key, value in request(upstream).items() if key != "input"}
    answer = await litellm_bighub.acompletion(**asked, messages=CHAT, stream=streamed, guardrails=[mask])
    chunks = [chunk async for chunk in answer] if streamed else []
    told = litellm.stream_chunk_builder(chunks) if streamed else answer
    assert told.choices[0].message.content == "It is [hidden]."
    assert "4711" not in repr(chunks)
    assert upstream.requests[0].body["messages"] == [{"role": "user", "content": "go [hidden]"}]


@pytest.mark.format("chat")
async def test_guardrails_by_name_are_litellms_business(upstream, mask):
    asked = {key: value for key, value in request(upstream).items() if key != "input"}
    upstream.script("go", [text("It is 4711.")])
    answer = await litellm_bighub.acompletion(**asked, messages=CHAT, guardrails=["theirs", mask])
    assert answer.choices[0].message.content == "It is [hidden]."


@pytest.mark.format("messages")
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_the_texts_of_messages_are_checked_in_code(upstream, streamed):
    upstream.script("go", Output([text("mail bob@example.com now")], pace=Pace(delta_size=3)))
    mask = First(lambda said: said.replace("bob@example.com", "[MAIL]"))
    base = upstream.base_url.removesuffix("/v1")
    asked = {"messages": [{"role": "user", "content": "go, bob@example.com"}], "max_tokens": 9, "stream": streamed}

    answer = await amessages(model="anthropic/claude-x", api_base=base, api_key="x", guardrails=[mask], **asked)

    told = b"".join([chunk async for chunk in answer]).decode() if streamed else json.dumps(answer)
    assert "bob" not in told
    assert "[MAIL]" in told
    assert "bob@example.com" not in upstream.requests[-1].raw


@pytest.mark.format("messages")
async def test_messages_without_anything_to_do_are_an_error():
    with pytest.raises(TypeError, match=r"litellm\.anthropic_messages is the one without"):
        await amessages(model="anthropic/claude-x", messages=[], max_tokens=9)


PLAIN = {
    "embedding": {"input": ["go"]},
    "rerank": {"model": "hosted_vllm/rerank", "query": "go", "documents": ["x"]},
    "moderation": {"input": "go"},
    "speech": {"input": "go", "voice": "alloy"},
    "transcription": {"file": ("talk.mp3", b"sound"), "prompt": "go"},
    "image_generation": {"prompt": "go"},
    "image_edit": {"prompt": "go", "image": b"picture"},
    "ocr": {"model": "mistral/ocr", "document": {"type": "document_url", "document_url": "https://x/y"}},
}


def plain(upstream, fields):
    return {"model": "openai/gpt-4.1", "api_base": upstream.base_url, "api_key": "sk-x", **fields}


@pytest.mark.parametrize("name", PLAIN)
async def test_a_request_without_a_conversation_is_refused(upstream, callback, name):
    asked = getattr(litellm, f"a{name}")
    with pytest.raises((UngovernedCallError, UngovernedCallExit), match=r"send it through the proxy"):
        await asked(**plain(upstream, PLAIN[name]))
    assert upstream.requests == []


@pytest.mark.parametrize("name", sorted(PLAIN.keys() - {"moderation"}))  # of that LiteLLM tells no callback at all
def test_a_synchronous_one_is_refused_too(upstream, callback, name):
    with pytest.raises(UngovernedCallExit, match=r"send it through the proxy"):
        getattr(litellm, name)(**plain(upstream, PLAIN[name]))
    assert upstream.requests == []


async def test_it_passes_a_guardrail_that_nobody_asks_for(upstream, callback):
    callback(default_on=False)
    await litellm.aembedding(**plain(upstream, PLAIN["embedding"]))
    assert len(upstream.requests) == 1


def test_a_synchronous_moderation_is_refused_while_texts_are_checked(upstream, callback, monkeypatch):
    asked = {"input": "go 4711", "api_base": upstream.base_url, "api_key": "sk-x"}
    for function in (litellm.moderation, litellm.main.moderation):
        with pytest.raises(UngovernedCallError, match=r"litellm\.moderation"):
            function(**asked)
    assert upstream.requests == []
    monkeypatch.setattr(litellm, "callbacks", [])
    assert litellm.moderation(**asked).results
    assert len(upstream.requests) == 1


HIDDEN, HALVES = "47\u200b11", ("47", "11")


@pytest.mark.parametrize(("looks", "sent"), [(True, "[hidden]"), (False, HIDDEN)])
@pytest.mark.parametrize("name", ["aresponses", "acompletion", "amessages"])
async def test_the_second_look_can_be_switched_off_in_code(upstream, mask, name, looks, sent):
    upstream.script(lambda _: True, [text("hm")])
    content = [{"type": "input_text" if name == "aresponses" else "text", "text": each} for each in (HIDDEN, *HALVES)]
    asked = {"input" if name == "aresponses" else "messages": [{"role": "user", "content": content}]}
    model = {"model": "openai/gpt-4.1", "api_base": upstream.base_url, "api_key": "sk-x", "max_tokens": 99}
    if name == "aresponses":
        model.pop("max_tokens")
    switches = {"join_parts": looks, "ignore_invisible": looks}
    await getattr(litellm_bighub, name)(guardrails=[mask], **switches, **model, **asked)
    told = json.dumps(upstream.requests[-1].body, ensure_ascii=False)
    assert sent in told
    assert ('"47"' in told) is not looks
