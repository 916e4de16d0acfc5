"""Through the real proxy: every text of Messages is checked, in requests, answers and streams."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import httpx
import pytest
import yaml

from litellm_bighub.testing import Output, Pace, Verbatim, function_call, reasoning, running_proxy, text
from tests.formats.messages.streams import joined, read
from tests.formats.messages.texts.test_gate import block, call_block, end, start, text_block, thinking_block

pytestmark = pytest.mark.proxy

SECRET = "bob@example.com"
MODES = ["pre_call", "post_call"]
CUT = ("mail bob@exa", "mple.com today")
WHOLE = "".join(CUT)


@pytest.fixture(scope="module")
def gateway(_upstream, tmp_path_factory, warm):
    folder = tmp_path_factory.mktemp("messages")
    base = _upstream.base_url.removesuffix("/v1")
    config = {
        "model_list": [
            {
                "model_name": "claude",
                "litellm_params": {"model": "anthropic/claude-sonnet-4-5", "api_base": base, "api_key": "sk-x"},
            },
            {
                "model_name": "gpt",
                "litellm_params": {"model": "openai/gpt-4.1", "api_base": _upstream.base_url, "api_key": "sk-x"},
            },
        ],
        "guardrails": [
            {
                "guardrail_name": "emails",
                "litellm_params": {
                    "guardrail": "litellm_content_filter",
                    "mode": MODES,
                    "default_on": False,
                    "patterns": [{"pattern_type": "prebuilt", "pattern_name": "email", "action": "MASK"}],
                },
            },
            {
                "guardrail_name": "texts",
                "litellm_params": {
                    "guardrail": "litellm_bighub.TextGuardrail",
                    "mode": MODES,
                    "default_on": True,
                    "apply": ["emails"],
                },
            },
            {
                "guardrail_name": "calls",
                "litellm_params": {
                    "guardrail": "litellm_bighub.BighubGuardrail",
                    "mode": MODES,
                    "default_on": True,
                    "policy": str(folder / "policy.yaml"),
                },
            },
        ],
        "litellm_settings": {"telemetry": False},
        "router_settings": {"num_retries": 0, "allowed_fails": 1000},
    }
    (folder / "policy.yaml").write_text("version: 1\ndefault: allow\n")
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    with running_proxy(folder / "config.yaml", env={"UPSTREAM_BASE_URL": _upstream.base_url}, python=warm) as proxy:
        yield proxy


def ask(proxy: Any, **body: Any) -> httpx.Response:
    asked = {"model": "claude", "max_tokens": 99, "messages": [{"role": "user", "content": "go"}], **body}
    return httpx.post(
        f"{proxy.base_url}/v1/messages",
        headers={"x-api-key": proxy.master_key, "anthropic-version": "2023-06-01"},
        json=asked,
        trust_env=False,
        timeout=60,
    )


TOOL = {"name": "look", "description": WHOLE, "input_schema": {"type": "object", "properties": {}}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": WHOLE}]}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"a": WHOLE}}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"system": WHOLE}, id="system"),
        pytest.param({"system": [{"type": "text", "text": WHOLE}]}, id="system block"),
        pytest.param({"messages": [{"role": "user", "content": WHOLE}]}, id="content"),
        pytest.param({"messages": [{"role": "user", "content": [{"type": "text", "text": WHOLE}]}]}, id="text"),
        pytest.param({"tools": [TOOL]}, id="tool"),
        pytest.param(
            {
                "messages": [
                    {"role": "user", "content": "go"},
                    {"role": "assistant", "content": [CALL]},
                    {"role": "user", "content": [RESULT]},
                ]
            },
            id="call and result",
        ),
        pytest.param({"metadata": {"user_id": WHOLE}}, id="user"),
        pytest.param({"stop_sequences": [WHOLE]}, id="stop sequence"),
        pytest.param(
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {
                                "type": "document",
                                "title": WHOLE,
                                "context": WHOLE,
                                "source": {"type": "text", "media_type": "text/plain", "data": WHOLE},
                            }
                        ],
                    }
                ]
            },
            id="document",
        ),
        pytest.param({"extra_body": {"system": WHOLE}}, id="extra_body"),
        pytest.param({"extra_headers": {"x-mine": WHOLE}}, id="extra_headers"),
        pytest.param({"unknown": {"deep": [WHOLE]}}, id="a field that nobody knows"),
    ],
)
@pytest.mark.parametrize("model", ["claude", "gpt"])
def test_the_model_is_sent_no_text_unchecked(gateway, upstream, model, body):
    answer = ask(gateway, model=model, **body)
    assert answer.status_code == 200, answer.text
    assert upstream.requests
    for request in upstream.requests:
        assert SECRET not in json.dumps([request.body, dict(request.headers)])


@pytest.mark.parametrize(
    ("texts", "sent"),
    [
        (CUT, ["mail [EMAIL_REDACTED]", "[EMAIL_REDACTED] today"]),
        (["mail bob\u200b@example.com"], ["mail [EMAIL_REDACTED]"]),
        (["good \u200bday"], ["good \u200bday"]),
    ],
    ids=["two parts", "an invisible character", "nothing to find"],
)
def test_the_model_is_sent_no_secret_that_is_hidden(gateway, upstream, texts, sent):
    answer = ask(gateway, messages=[{"role": "user", "content": [{"type": "text", "text": text} for text in texts]}])
    assert answer.status_code == 200, answer.text
    (request,) = upstream.requests
    assert [part["text"] for part in request.body["messages"][0]["content"]] == sent


def test_the_client_gets_no_secret_that_is_split_over_blocks(gateway, upstream):
    events = [start(), *text_block(0, CUT[0]), *text_block(1, CUT[1]), *end()]
    upstream.script("go", Verbatim(events=events, body=joined(events)))
    answer = ask(gateway)
    assert [part["text"] for part in answer.json()["content"]] == ["mail [EMAIL_REDACTED]", "[EMAIL_REDACTED] today"]


CITATION = {"type": "char_location", "cited_text": WHOLE, "document_index": 0, "document_title": WHOLE}
CITATION |= {"start_char_index": 0, "end_char_index": 3}
PAGE = {"type": "web_search_result", "title": WHOLE, "url": "https://x", "encrypted_content": "\u1234"}
ANSWERS = {
    "text": text_block(0, *CUT),
    "thinking without a signature": thinking_block(0, *CUT, signature=""),
    "thinking": [*thinking_block(0, *CUT), *text_block(1, "hi")],
    "arguments": call_block(0, '{"a": "mail bob@exa', 'mple.com"}'),
    "escaped arguments": call_block(0, '{"a": "mail bob\\u0040exa', 'mple.com"}'),
    "what the provider ran": call_block(0, '{"query": "mail bob@exa', 'mple.com"}', kind="server_tool_use"),
    "citation": block(
        0,
        {"type": "text", "text": ""},
        {"type": "text_delta", "text": "x"},
        {"type": "citations_delta", "citation": CITATION},
    ),
    "search result": block(0, {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [PAGE]}),
}


def answered(name: str) -> Verbatim:
    events = [start(), *ANSWERS[name], *end("tool_use" if "toolu_0" in json.dumps(ANSWERS[name]) else "end_turn")]
    return Verbatim(events=events, body=joined(events))


@pytest.mark.parametrize("name", ANSWERS)
def test_the_client_gets_no_text_of_a_whole_answer_unchecked(gateway, upstream, name):
    upstream.script("go", answered(name))
    answer = ask(gateway)
    assert answer.status_code == 200, answer.text
    assert SECRET not in answer.text
    (block_,) = answer.json()["content"][-1:]
    assert anthropic.types.Message.model_validate(answer.json())
    assert block_["type"] == ("text" if name == "thinking" else ANSWERS[name][0]["content_block"]["type"])


@pytest.mark.parametrize("name", ANSWERS)
def test_the_client_gets_no_text_of_a_stream_unchecked(gateway, upstream, name):
    upstream.script("go", answered(name))
    answer = ask(gateway, stream=True)
    assert answer.status_code == 200, answer.text
    assert SECRET not in json.dumps(read(answer.content))
    told = joined(read(answer.content))
    upstream.script("go", answered(name))
    assert told["content"] == ask(gateway).json()["content"] or name in {"citation", "search result"}


@pytest.mark.parametrize("stream", [False, True])
def test_the_client_of_another_provider_gets_no_text_unchecked(gateway, upstream, stream):
    """LiteLLM makes a message of what OpenAI answers."""
    call = function_call("look", {"a": WHOLE})
    upstream.script("go", Output([reasoning(WHOLE), text(WHOLE), call], pace=Pace(delta_size=3)))
    answer = ask(gateway, model="gpt", stream=stream)
    assert answer.status_code == 200, answer.text
    content = joined(read(answer.content))["content"] if stream else answer.json()["content"]
    assert {"text", "tool_use"} <= {each["type"] for each in content}
    assert SECRET not in json.dumps(content)


def test_a_stream_without_a_secret_leaves_as_it_is(gateway, upstream):
    events = [start(), *text_block(0, "good ", "day"), *end()]
    upstream.script("go", Verbatim(events=events))
    told = joined(read(ask(gateway, stream=True).content))
    assert told == {**joined(events), "model": told["model"]}
