"""Requests without a conversation through the real proxy: no secret in a byte that upstream or client gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import yaml

from litellm_bighub.testing import Failure, RunningProxy, Verbatim, running_proxy, text
from tests.gateway.hooks.test_proxy_chat_texts import MINE, documented_guardrails

pytestmark = [pytest.mark.proxy]

C = "bob@example.com"
SOUND = ("talk.mp3", b"sound", "audio/mpeg")
PICTURE = ("cat.png", b"picture", "image/png")
BASE = {"api_base": "os.environ/UPSTREAM_BASE_URL", "api_key": "sk-x"}
MODELS = {
    "openai": {"model": "openai/gpt-4.1"},
    "rerank": {"model": "hosted_vllm/rerank"},
    "ocr": {"model": "mistral/mistral-ocr-latest"},
}
BLOCKS = '''
from fastapi import HTTPException
from litellm.exceptions import ModifyResponseException
from litellm.integrations.custom_guardrail import CustomGuardrail


class Block(CustomGuardrail):
    """Refuses, and tells the refused texts to nobody."""

    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        if any("bob@example.com" in text for text in inputs.get("texts", ())):
            raise HTTPException(status_code=400, detail={"error": "an address"})
        return inputs


class Answer(CustomGuardrail):
    """Wants to answer in place of the model."""

    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        if any("bob@example.com" in text for text in inputs.get("texts", ())):
            raise ModifyResponseException("an address", model="m", request_data={})
        return inputs
'''
OWN = {"a custom guardrail": "mine.Mask", "one that blocks": "mine.Block", "one that answers": "mine.Answer"}
MASKING = ("LiteLLM's content filter", "a custom guardrail")


@dataclass(frozen=True)
class Gateway:
    """The proxy, and whether its guardrail masks or refuses."""

    proxy: RunningProxy
    masks: bool


@pytest.fixture(scope="module", params=["LiteLLM's content filter", *OWN])
def gateway(request, _upstream, tmp_path_factory, warm):
    folder = tmp_path_factory.mktemp("plain-texts")
    guardrails = documented_guardrails()
    if request.param in OWN:
        (folder / "mine.py").write_text(MINE + BLOCKS)
        guardrails[0]["litellm_params"] = {"guardrail": OWN[request.param], "mode": ["pre_call", "post_call"]}
    config = {
        "model_list": [{"model_name": name, "litellm_params": {**model, **BASE}} for name, model in MODELS.items()],
        "guardrails": guardrails,
        "search_tools": [{"search_tool_name": "web", "litellm_params": {"search_provider": "perplexity", **BASE}}],
        "litellm_settings": {"telemetry": False},
        "router_settings": {"num_retries": 2, "allowed_fails": 1000},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    with running_proxy(folder / "config.yaml", env={"UPSTREAM_BASE_URL": _upstream.base_url}, python=warm) as proxy:
        yield Gateway(proxy, request.param in MASKING)


def ask(gateway: Gateway, path: str, **body: Any) -> httpx.Response:
    return httpx.post(
        f"{gateway.proxy.openai_url}{path}",
        headers={"Authorization": f"Bearer {gateway.proxy.master_key}"},
        trust_env=False,
        timeout=60,
        **body,
    )


def posted(path: str, **body: Any) -> tuple[str, dict[str, Any]]:
    return path, {"json": {"model": "openai", **body}}


def sent(path: str, name: str, file: Any, **fields: Any) -> tuple[str, dict[str, Any]]:
    return path, {"data": {"model": "openai", **fields}, "files": {name: file}}


EMBEDDINGS, MODERATIONS, SPEECH, TRANSCRIPTIONS = (
    *("/embeddings", "/moderations", "/audio/speech"),
    "/audio/transcriptions",
)
GENERATIONS, EDITS = "/images/generations", "/images/edits"
REQUESTS = {
    "an embedding": posted(EMBEDDINGS, input=C),
    "embeddings": posted(EMBEDDINGS, input=["x", C]),
    "a field of an embedding that nobody knows": posted(EMBEDDINGS, input="x", later={"deep": [C]}),
    "an embedding's user": posted(EMBEDDINGS, input="x", user=C),
    "an embedding laid over": posted(EMBEDDINGS, input="x", extra_body={"input": C}),
    "a rerank's question": posted("/rerank", model="rerank", query=C, documents=["x"]),
    "a rerank's document": posted("/rerank", model="rerank", query="x", documents=["y", C]),
    "a rerank's object": posted("/rerank", model="rerank", query="x", documents=[{"text": C}]),
    "a moderation": posted(MODERATIONS, input=C),
    "moderations": posted(MODERATIONS, input=["x", C]),
    "a moderation's part": posted(MODERATIONS, input=[{"type": "text", "text": C}]),
    "a speech": posted(SPEECH, input=C, voice="alloy"),
    "a speech's manner": posted(SPEECH, input="x", voice="alloy", instructions=C),
    "a transcription's hint": sent(TRANSCRIPTIONS, "file", SOUND, prompt=C),
    "a transcription's file name": sent(TRANSCRIPTIONS, "file", (f"{C}.mp3", b"sound", "audio/mpeg")),
    "an image": posted(GENERATIONS, prompt=C),
    "an image's user": posted(GENERATIONS, prompt="x", user=C),
    "an image as a message": posted(GENERATIONS, messages=[{"role": "user", "content": C}]),
    "an image's edit": sent(EDITS, "image", PICTURE, prompt=C),
    "an edited image's file name": sent(EDITS, "image", (f"{C}.png", b"picture", "image/png"), prompt="x"),
    "what is to be told of a document": posted(
        "/ocr", model="ocr", document={"type": "document_url", "document_url": "https://x/y"}, pages_prompt=C
    ),
    "a search": ("/search/web", {"json": {"query": C}}),
    "searches": ("/search/web", {"json": {"query": ["x", C]}}),
}


@pytest.mark.parametrize("request_of", REQUESTS.values(), ids=REQUESTS)
def test_no_text_of_a_request_reaches_the_provider_unchecked(gateway, upstream, request_of):
    path, body = request_of
    answer = ask(gateway, path, **body)
    assert C not in "".join(request.raw for request in upstream.requests)
    if not gateway.masks:
        assert answer.status_code == 400, answer.text
        assert upstream.requests == []


HARMLESS = {
    "embeddings": posted(EMBEDDINGS, input=["x", "y"]),
    "rerank": posted("/rerank", model="rerank", query="x", documents=["y", "z"]),
    "moderations": posted(MODERATIONS, input="x"),
    "speech": posted(SPEECH, input="x", voice="alloy"),
    "transcriptions": sent(TRANSCRIPTIONS, "file", SOUND, prompt="x", temperature="0"),
    "images": posted(GENERATIONS, prompt="x"),
    "edits": sent(EDITS, "image", PICTURE, prompt="x"),
    "ocr": posted("/ocr", model="ocr", document={"type": "document_url", "document_url": "https://x/y"}),
    "search": ("/search/web", {"json": {"query": "x"}}),
}


@pytest.mark.parametrize("request_of", HARMLESS.values(), ids=HARMLESS)
def test_what_holds_no_secret_passes(gateway, upstream, request_of):
    path, body = request_of
    answer = ask(gateway, path, **body)
    assert answer.status_code == 200, answer.text
    assert len(upstream.requests) == 1


FORMATS = ("json", "text", "srt", "vtt", "verbose_json")
SAYING = {
    "rerank": HARMLESS["rerank"],
    **{f"transcriptions as {form}": sent(TRANSCRIPTIONS, "file", SOUND, response_format=form) for form in FORMATS},
    "images": HARMLESS["images"],
    "edits": HARMLESS["edits"],
    "ocr": HARMLESS["ocr"],
    "search": HARMLESS["search"],
}


@pytest.mark.parametrize("request_of", SAYING.values(), ids=SAYING)
def test_no_text_of_an_answer_reaches_the_client_unchecked(gateway, upstream, request_of):
    path, body = request_of
    upstream.script(lambda _: True, [text(f"mail {C} now")])
    answer = ask(gateway, path, **body)
    assert C not in answer.text
    assert len(upstream.requests) == 1, "asked more than once"
    if gateway.masks:
        assert answer.status_code == 200, answer.text
        assert "mail " in answer.text
        assert " now" in answer.text
    else:
        assert answer.status_code == 400, answer.text


UNREADABLE = {
    "an embedding by the numbers of its tokens": posted(EMBEDDINGS, input=[1, 2, 3]),
    "embeddings by the numbers of their tokens": posted(EMBEDDINGS, input=[[1, 2], [3]]),
    "one laid over by them": posted(EMBEDDINGS, input="x", extra_body={"input": [1, 2, 3]}),
    "a text completion by them": posted("/completions", prompt=[1, 2, 3]),
    "a streamed transcription": sent(TRANSCRIPTIONS, "file", SOUND, stream="true"),
    "a streamed image": posted(GENERATIONS, prompt="x", stream=True),
    "one laid over": posted(GENERATIONS, prompt="x", extra_body={"stream": True}),
    "a streamed edit": sent(EDITS, "image", PICTURE, prompt="x", stream="true"),
    "a provider's own answer": posted(
        "/ocr", model="ocr", document={"type": "document_url", "document_url": "https://x/y"}, req_format="native"
    ),
}


@pytest.mark.parametrize("request_of", UNREADABLE.values(), ids=UNREADABLE)
def test_what_no_guardrail_could_read_is_refused(gateway, upstream, request_of):
    path, body = request_of
    answer = ask(gateway, path, **body)
    assert answer.status_code == 400, answer.text
    assert "tokens" in answer.text or "no guardrail could check" in answer.text
    assert upstream.requests == []


@pytest.mark.parametrize("request_of", HARMLESS.values(), ids=HARMLESS)
def test_no_error_quotes_the_provider(gateway, upstream, request_of):
    path, body = request_of
    upstream.script(lambda _: True, Failure(400, f"mail {C} now"))
    answer = ask(gateway, path, **body)
    assert answer.status_code >= 400
    assert C not in answer.text


SPLIT = {
    "words": {"text": f"mail {C} now", "words": [{"word": word} for word in ("mail", "bob@", "example.com", "now")]},
    "segments": {"text": f" mail {C}", "segments": [{"id": 0, "text": " mail bob@"}, {"id": 1, "text": "example.com"}]},
}


@pytest.mark.parametrize("told", SPLIT.values(), ids=SPLIT)
def test_a_secret_that_pieces_of_a_transcript_tell_is_not_told(gateway, upstream, told):
    upstream.script(lambda _: True, Verbatim(body={"task": "transcribe", "language": "en", "duration": 1.0, **told}))
    path, body = sent(TRANSCRIPTIONS, "file", SOUND, response_format="verbose_json")
    answer = ask(gateway, path, **body)
    assert answer.status_code == (200 if gateway.masks else 400), answer.text
    for piece in (C, "bob@", "example.com"):
        assert piece not in answer.text


def test_no_document_is_taken_in_whose_words_nobody_could_check(gateway, upstream):
    answer = ask(
        gateway,
        "/rag/ingest",
        json={
            "file_url": f"{upstream.base_url}/x",
            "ingest_options": {"vector_store": {"custom_llm_provider": "openai"}},
        },
    )
    assert answer.status_code == 400, answer.text
    assert "no guardrail could check" in answer.text
    assert upstream.requests == []
