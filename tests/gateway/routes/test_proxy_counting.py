"""Through the real proxy: a request that counts tokens is checked as the request that would be sent."""

from __future__ import annotations

import json

import anthropic
import httpx
import openai
import pytest

from tests.gateway.masking_gateway import ASKED, MASKED, REFUSED

pytestmark = pytest.mark.proxy

TURN = [{"role": "user", "content": [{"type": "text", "text": f"mail {ASKED}"}]}]
TOOL = {"name": "send", "description": f"to {ASKED}", "input_schema": {"type": "object", "properties": {}}}
MESSAGES = {"messages": TURN, "system": f"be {ASKED}", "tools": [TOOL], "output_config": {"format": None}}
INPUT = {"input": [{"type": "message", **TURN[0]}], "instructions": f"be {ASKED}"}
INPUT["input"] = [{"role": "user", "content": [{"type": "input_text", "text": f"mail {ASKED}"}]}]
ROUTES = [
    ("/v1/messages/count_tokens", "claude", MESSAGES),
    ("/v1/messages/count_tokens", "azure", MESSAGES),
    ("/v1/messages/count_tokens?beta=true", "claude", {**MESSAGES, "metadata": {"user_id": ASKED}}),
    ("/v1/messages/count_tokens", "gpt", MESSAGES),
    ("/v1/responses/input_tokens", "gpt", {**INPUT, "litellm_metadata": {"note": ASKED}}),
    ("/responses/input_tokens", "claude", INPUT),
    ("/openai/v1/responses/input_tokens", "gpt", {**INPUT, "later": {"field": ASKED}}),
]


def count(masking, path, body, **headers):
    known = {"Authorization": f"Bearer {masking.proxy.master_key}", **headers}
    return httpx.post(f"{masking.proxy.base_url}{path}", json=body, headers=known, trust_env=False, timeout=60)


@pytest.mark.parametrize(("path", "model", "body"), ROUTES)
def test_no_text_reaches_the_provider_unchecked(masking, upstream, path, model, body):
    counted = count(masking, path, {"model": model, **body})
    assert counted.json()["input_tokens"] > 0
    for request in upstream.requests:
        assert ASKED not in request.raw + request.query + str(request.headers)
        assert MASKED in request.raw


def test_a_provider_is_asked_to_count(masking, upstream):
    """Or the test above would look at nothing. LiteLLM 1.104 asks Anthropic itself, whatever address it is given."""
    count(masking, "/v1/messages/count_tokens", {"model": "azure", **MESSAGES})
    assert [request.path for request in upstream.requests] == ["/anthropic/v1/messages/count_tokens"]


def test_what_the_caller_wrote_is_counted_whole(masking):
    short, long = ("x", "word " * 500)
    counts = [
        count(masking, "/v1/responses/input_tokens", {"model": "gpt", "input": said}).json()["input_tokens"]
        for said in (short, long)
    ]
    assert counts[1] > counts[0] + 400


@pytest.mark.parametrize(("path", "model", "body"), ROUTES)
def test_a_guardrail_refuses_to_count(masking, upstream, path, model, body):
    body = json.loads(json.dumps(body).replace("mail ", f"{REFUSED} "))
    refused = count(masking, path, {"model": model, **body})
    assert 400 <= refused.status_code < 404
    assert refused.json()["error"]["type"] == "invalid_request_error"
    assert upstream.requests == []


@pytest.mark.parametrize("path", ["/v1/messages/count_tokens", "/v1/responses/input_tokens"])
def test_who_is_not_known_counts_nothing(masking, upstream, path):
    refused = count(masking, path, {"model": "gpt", **MESSAGES, **INPUT}, Authorization="Bearer sk-another")
    assert refused.status_code in {400, 401}
    assert upstream.requests == []


@pytest.mark.parametrize(
    "body", [b"[]", b"{", b"", b"[" * 100_000, b"\xff"], ids=["list", "cut", "none", "deep", "bytes"]
)
def test_a_body_that_nobody_can_read_is_refused(masking, upstream, body):
    headers = {"Authorization": f"Bearer {masking.proxy.master_key}", "content-type": "application/json"}
    url = f"{masking.proxy.base_url}/v1/responses/input_tokens"
    refused = httpx.post(url, content=body, headers=headers, trust_env=False, timeout=60)
    assert refused.is_error
    assert upstream.requests == []


def test_a_form_is_no_way_around_it(masking, upstream):
    headers = {"Authorization": f"Bearer {masking.proxy.master_key}"}
    url = f"{masking.proxy.base_url}/v1/messages/count_tokens"
    form = {"model": "claude", "messages": json.dumps(TURN)}
    refused = httpx.post(url, data=form, headers=headers, trust_env=False, timeout=60)
    assert refused.status_code == 400
    assert upstream.requests == []


@pytest.mark.parametrize("path", ["/v1/messages/count_tokens/", "//v1/messages/count_tokens"])
def test_another_spelling_of_the_route_is_no_way_around_it(masking, upstream, path):
    count(masking, path, {"model": "claude", **MESSAGES})
    assert all(ASKED not in request.raw for request in upstream.requests)


def test_the_official_clients_count(masking, upstream):
    key = masking.proxy.master_key
    with anthropic.Anthropic(api_key=key, base_url=masking.proxy.base_url, max_retries=0) as claude:
        assert claude.messages.count_tokens(model="claude", messages=TURN, system=f"be {ASKED}").input_tokens > 0
    with openai.OpenAI(api_key=key, base_url=masking.proxy.openai_url, max_retries=0) as gpt:
        assert gpt.responses.input_tokens.count(model="gpt", input=f"mail {ASKED}").input_tokens > 0
    assert all(ASKED not in request.raw for request in upstream.requests)
