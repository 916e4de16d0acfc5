"""Every format, request and answer, whole and streamed, through the real proxy with three kinds of guardrail.

LiteLLM's content filter runs in the proxy, Presidio behind its own HTTP API, and one is as people write their own. What
counts is what the sockets of upstream and client get.
"""

from __future__ import annotations

import json
from itertools import pairwise

import httpx
import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from litellm_bighub.testing import PresidioServer, Verbatim, running_proxy
from tests.gateway.hooks.canary_texts import Texts, answer, joined, lanes, requests, stream

pytestmark = pytest.mark.proxy

MASKS = {"filter": "[EMAIL_REDACTED]", "presidio": "<EMAIL_ADDRESS>", "custom": "[a person]"}
ROADS = {
    "chat": ("/v1/chat/completions", "gpt"),
    "text": ("/v1/completions", "instruct"),
    "messages": ("/v1/messages", "claude"),
    "responses": ("/v1/responses", "gpt"),
}
SECRET = "@example.com"
CUSTOM = f"""
import re
from litellm.integrations.custom_guardrail import CustomGuardrail

class Custom(CustomGuardrail):
    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        texts = [re.sub(r"u[0-9]+@example[.]com", {MASKS["custom"]!r}, text) for text in inputs.get("texts", [])]
        return {{**inputs, "texts": texts}}
"""
matrix = pytest.mark.parametrize(
    ("name", "guardrail"),
    [(name, guardrail) for name in ROADS for guardrail in MASKS],
    ids=[f"{name} with {guardrail}" for name in ROADS for guardrail in MASKS],
)


@pytest.fixture(scope="module")
def ask(_upstream, tmp_path_factory, warm):
    """Sends a request of a format behind a guardrail and returns the answer."""
    folder = tmp_path_factory.mktemp("matrix")
    (folder / "custom.py").write_text(CUSTOM)
    base, modes = _upstream.base_url, ["pre_call", "post_call"]
    models = {
        "gpt": ("openai/gpt-4.1", base),
        "instruct": ("text-completion-openai/gpt-3.5-turbo-instruct", base),
        "claude": ("anthropic/claude-sonnet-4-5", base.removesuffix("/v1")),
    }
    pattern = {"pattern_type": "prebuilt", "pattern_name": "email", "action": "MASK"}
    with PresidioServer() as presidio:
        applied = {
            "filter": {"guardrail": "litellm_content_filter", "patterns": [pattern]},
            "presidio": {
                "guardrail": "presidio",
                "presidio_analyzer_api_base": presidio.url,
                "presidio_anonymizer_api_base": presidio.url,
                "pii_entities_config": {"EMAIL_ADDRESS": "MASK"},
            },
            "custom": {"guardrail": "custom.Custom"},
        }
        ours = {
            f"texts-{name}": {"guardrail": "litellm_bighub.TextGuardrail", "apply": [name], "hold": "window"}
            for name in applied
        }
        config = {
            "model_list": [
                {"model_name": name, "litellm_params": {"model": model, "api_base": url, "api_key": "sk-x"}}
                for name, (model, url) in models.items()
            ],
            "guardrails": [
                {"guardrail_name": name, "litellm_params": {"mode": modes, "default_on": False, **params}}
                for name, params in {**applied, **ours}.items()
            ],
            "litellm_settings": {"telemetry": False},
            "router_settings": {"num_retries": 0, "allowed_fails": 1_000_000},
        }
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
        with running_proxy(folder / "config.yaml", python=warm) as proxy:
            headers = {"Authorization": f"Bearer {proxy.master_key}", "anthropic-version": "2023-06-01"}
            with httpx.Client(base_url=proxy.base_url, headers=headers, trust_env=False, timeout=20) as client:

                def ask(name, guardrail, told, **body):
                    _upstream.reset()
                    _upstream.script(lambda _: True, told)
                    path, model = ROADS[name]
                    more = {"guardrails": [f"texts-{guardrail}"], "model": model}
                    response = client.post(path, json={**body, **more})
                    assert response.status_code == 200, response.text
                    return response.text, "".join(request.raw for request in _upstream.requests)

                yield ask


ASK = {
    "chat": {"messages": [{"role": "user", "content": "go"}]},
    "text": {"prompt": "go"},
    "messages": {"messages": [{"role": "user", "content": "go"}], "max_tokens": 9},
    "responses": {"input": "go"},
}


def strings(value):
    """Every text in a JSON value, and in the JSON that a text holds."""
    match value:
        case dict():
            return [text for each in value.values() for text in strings(each)]
        case list():
            return [text for each in value for text in strings(each)]
        case str():
            return _strings_in(value)
        case _:
            return []


def _strings_in(text):
    try:
        return strings(json.loads(text)) if text.startswith("{") else [text]
    except ValueError:
        return [text]


@matrix
def test_the_upstream_gets_every_text_masked(ask, name, guardrail):
    texts = Texts(MASKS[guardrail])

    _, sent = ask(name, guardrail, Verbatim(body=answer(name, lanes(name, Texts("")))), **requests(name, texts))

    assert SECRET not in json.dumps(json.loads(sent), ensure_ascii=False)
    assert set(texts.masked.values()) <= set(strings(json.loads(sent)))


@matrix
def test_the_client_gets_every_text_of_an_answer_masked(ask, name, guardrail):
    texts = Texts(MASKS[guardrail])

    received, _ = ask(name, guardrail, Verbatim(body=answer(name, lanes(name, texts))), **ASK[name])

    assert SECRET not in "".join(strings(json.loads(received)))
    assert set(texts.masked.values()) <= set(strings(json.loads(received)))


@matrix
@settings(
    max_examples=4,
    phases=[Phase.generate],  # each example asks the proxy
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(cuts=st.sets(st.integers(1, 60), max_size=30))
def test_the_client_gets_every_text_of_a_stream_masked_wherever_it_is_cut(ask, name, guardrail, cuts):
    texts = Texts(MASKS[guardrail])
    told = lanes(name, texts)

    def cut(text):
        places = [0, *sorted(place for place in cuts if place < len(text)), len(text)]
        return [text[start:end] for start, end in pairwise(places)]

    received, _ = ask(name, guardrail, Verbatim(stream(name, told, cut)), **ASK[name], stream=True)
    events = [json.loads(line[6:]) for line in received.splitlines() if line.startswith("data: {")]

    arrived = [strings(text) for text in joined(name, events)]
    lost = {"chat": 1}.get(name, 0)  # LiteLLM drops refusals of streamed chat completions
    assert SECRET not in "".join(strings(events))
    assert all(each in [[masked] for masked in texts.masked.values()] for each in arrived)
    assert len(arrived) == len(told) - lost
