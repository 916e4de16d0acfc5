"""Chat completions through the real proxy with the guide's config: no secret in a byte that upstream or client gets."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import yaml

from litellm_bighub.testing import Output, Pace, Verbatim, running_proxy, text
from tests.formats.absent import of_format

pytestmark = [pytest.mark.proxy, pytest.mark.format("chat")]
requests = of_format("tests.formats.chat.texts.test_text_finder")
MESSAGES, NAMES, REQUESTS = requests.MESSAGES, requests.NAMES, requests.REQUESTS

C = "bob@example.com"
ROOT = Path(__file__).parents[3]
MINE = '''
from litellm.integrations.custom_guardrail import CustomGuardrail


class Mask(CustomGuardrail):
    """Masks texts, and one image."""

    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        images = [image.replace("image/png;base64,QUJD", "image/png;base64,REVG") for image in inputs.get("images", ())]
        masked = {"texts": [text.replace("bob@example.com", "[mine]") for text in inputs["texts"]]}
        return {**inputs, **masked, **({"images": images} if images else {})}
'''


def documented_guardrails() -> list[dict[str, Any]]:
    """The config that the guide shows for texts."""
    block = re.search(r"```yaml\n(.*?)```", (ROOT / "docs/guide/texts.md").read_text(), re.DOTALL)
    assert block is not None
    return yaml.safe_load(block[1])["guardrails"]


@pytest.fixture(scope="module", params=["LiteLLM's content filter", "a custom guardrail"])
def gateway(request, _upstream, tmp_path_factory, warm):
    folder = tmp_path_factory.mktemp("chat-texts")
    guardrails = documented_guardrails()
    if request.param == "a custom guardrail":
        (folder / "mine.py").write_text(MINE)
        guardrails[0]["litellm_params"] = {"guardrail": "mine.Mask", "mode": ["pre_call", "post_call"]}
    model = {"model": "openai/gpt-4.1", "api_base": "os.environ/UPSTREAM_BASE_URL", "api_key": "sk-x"}
    config = {
        "model_list": [{"model_name": "gpt-4.1", "litellm_params": model}],
        "guardrails": guardrails,
        "litellm_settings": {"telemetry": False},
        "router_settings": {"num_retries": 0, "allowed_fails": 1000},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    with running_proxy(folder / "config.yaml", env={"UPSTREAM_BASE_URL": _upstream.base_url}, python=warm) as proxy:
        yield proxy


def ask(proxy: Any, **body: Any) -> httpx.Response:
    return httpx.post(
        f"{proxy.openai_url}/chat/completions",
        headers={"Authorization": f"Bearer {proxy.master_key}"},
        json={"model": "gpt-4.1", "messages": [{"role": "user", "content": "go"}], **body},
        trust_env=False,
        timeout=60,
    )


SENT = {name: body for name, body in REQUESTS.items() if "proxy" not in name}


@pytest.mark.parametrize(
    "body", [*({"messages": [message]} for message in MESSAGES.values()), *SENT.values()], ids=[*MESSAGES, *SENT]
)
def test_no_text_of_a_request_reaches_the_model_unchecked(gateway, upstream, body):
    """What LiteLLM or the upstream refuses has reached nobody."""
    ask(gateway, **body)
    assert C not in "".join(request.raw for request in upstream.requests)


@pytest.mark.parametrize("body", [*NAMES.values()], ids=[*NAMES])
def test_a_name_that_a_guardrail_rewrites_fails_the_request(gateway, upstream, body):
    answer = ask(gateway, **body)
    assert answer.status_code >= 400
    assert C not in answer.text
    assert upstream.requests == []


def test_an_image_that_a_guardrail_redacts_is_sent_redacted(gateway, upstream, request):
    if "custom" not in request.node.name:
        pytest.skip("LiteLLM's content filter redacts no images")
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}
    answer = ask(gateway, messages=[{"role": "user", "content": [{"type": "text", "text": "look"}, image]}])
    assert answer.status_code == 200, answer.text
    assert "REVG" in upstream.requests[0].raw
    assert "QUJD" not in upstream.requests[0].raw


ANSWER = {"id": "a1", "object": "chat.completion", "created": 1, "model": "gpt-4.1"}
USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
WHOLE = {name: message for name, message in MESSAGES.items() if message["role"] == "assistant"}


def choice(message: Any, **more: Any) -> dict[str, Any]:
    return {"index": 0, "message": {"role": "assistant", "content": "x", **message}, "finish_reason": "stop", **more}


WHOLE_BODIES = {
    **{name: {"choices": [choice(message)]} for name, message in WHOLE.items()},
    "tokens": {
        "choices": [choice({"content": C}, logprobs={"content": [{"token": C, "logprob": 0, "top_logprobs": []}]})]
    },
    "two choices": {"choices": [choice({}), {**choice({"content": C}), "index": 1}]},
    "a signed thought": {
        "choices": [choice({"thinking_blocks": [{"type": "thinking", "thinking": C, "signature": "s"}]})]
    },
    "a field beside the choices": {"choices": [choice({})], "citations": [C]},
}


UNREADABLE = [body for name, body in WHOLE_BODIES.items() if name in {"a refusal in a part", "a use in a part"}]
"""LiteLLM reads no such parts in an answer, and its error quotes them."""


@pytest.mark.parametrize("body", WHOLE_BODIES.values(), ids=WHOLE_BODIES)
def test_no_text_of_a_whole_answer_reaches_the_client_unchecked(gateway, upstream, body):
    upstream.script("go", Verbatim(body={**ANSWER, **body, "usage": USAGE}))
    answer = ask(gateway)
    assert answer.status_code == (500 if body in UNREADABLE else 200), answer.text
    assert C not in answer.text


def chunk(delta: Any, index: int = 0, finish: str | None = None, **more: Any) -> dict[str, Any]:
    choices = [{"index": index, "delta": delta, "finish_reason": finish, **more}]
    return {**ANSWER, "object": "chat.completion.chunk", "choices": choices}


def named(name: str) -> dict[str, Any]:
    return {"index": 0, "id": "c1", "type": "function", "function": {"name": name, "arguments": ""}}


HALVES = (C[:6], C[6:])
ESCAPED = ('{"to": "\\u0062ob', '@example.com"}')
DELTAS: dict[str, list[Any]] = {
    "content": [{"content": half} for half in HALVES],
    "a refusal": [{"refusal": half} for half in HALVES],
    "reasoning": [{"reasoning_content": half} for half in HALVES],
    "reasoning of another name": [{"reasoning": half} for half in HALVES],
    "a field of tomorrow": [{"later": half} for half in HALVES],
    "arguments": [
        {"tool_calls": [named("mail")]},
        *(
            {"tool_calls": [{"index": 0, "function": {"arguments": part}}]}
            for part in ('{"to": "bob@', 'example.com"}')
        ),
    ],
    "escaped arguments": [
        {"tool_calls": [named("mail")]},
        *({"tool_calls": [{"index": 0, "function": {"arguments": part}}]} for part in ESCAPED),
    ],
    "a thought": [
        *({"thinking_blocks": [{"type": "thinking", "thinking": half}]} for half in HALVES),
        {"thinking_blocks": [{"type": "thinking", "thinking": "", "signature": "s"}]},
    ],
    "annotations": [
        {"content": "x"},
        {"annotations": [{"type": "url_citation", "url_citation": {"title": C, "url": C}}]},
    ],
    "a provider's fields": [{"provider_specific_fields": {"said": half}} for half in HALVES],
}


def events(deltas: list[Any]) -> list[Any]:
    opened, ended = chunk({"role": "assistant", "content": ""}), chunk({}, finish="stop")
    return [opened, *(delta if "choices" in delta else chunk(delta) for delta in deltas), ended]


TOKENS = {"content": [{"token": C, "logprob": 0, "bytes": None, "top_logprobs": []}]}
STREAMS = {
    **DELTAS,
    "tokens": [chunk({"content": "hi"}, logprobs=TOKENS)],
    "choices that alternate": [
        chunk({"content": part}, index) for part in ("x bob@exa", "mple.com y") for index in (0, 1)
    ],
}


@pytest.mark.parametrize("deltas", STREAMS.values(), ids=STREAMS)
def test_no_text_of_a_stream_reaches_the_client_unchecked(gateway, upstream, deltas):
    upstream.script("go", Verbatim(events(deltas)))
    answer = ask(gateway, stream=True)
    assert answer.status_code == 200, answer.text
    assert '"error"' not in answer.text
    told = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
    joined = "".join(texts_of(event, out := []) or "".join(out) for event in told)
    assert C not in answer.text + joined
    assert "bob" not in joined
    assert answer.text.rstrip().endswith("[DONE]")


def texts_of(value: Any, into: list[str]) -> None:
    if isinstance(value, str):
        into.append(value)
    elif isinstance(value, dict):
        for key, member in value.items():
            if key not in {"id", "object", "model", "role", "type", "finish_reason"}:
                texts_of(member, into)
    elif isinstance(value, list):
        for member in value:
            texts_of(member, into)


def test_the_official_client_reads_what_leaves(gateway, upstream):
    upstream.script("go", Verbatim(events([*DELTAS["content"], *DELTAS["escaped arguments"]])))
    client = openai.OpenAI(base_url=gateway.openai_url, api_key=gateway.master_key, max_retries=0)
    with client.chat.completions.stream(model="gpt-4.1", messages=[{"role": "user", "content": "go"}]) as stream:
        [made] = stream.get_final_completion().choices
    assert "bob" not in (made.message.content or "")
    [call] = made.message.tool_calls or ()
    assert (call.id, call.function.name) == ("c1", "mail")
    assert "bob" not in json.loads(call.function.arguments)["to"]


def test_text_flows(gateway, upstream):
    """What nobody changes leaves as the upstream says it."""
    words = [f"word {number} " for number in range(200)]
    upstream.script("go", Verbatim(events([{"content": word} for word in words])))
    answer = ask(gateway, stream=True)
    told = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
    assert len(told) >= 200
    assert "".join(event["choices"][0]["delta"].get("content") or "" for event in told) == "".join(words)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("prompt", [f"go, {C}", [f"go, {C}"]], ids=["a text", "a list"])
def test_text_completions_are_checked_likewise(gateway, upstream, prompt, stream):
    upstream.script("go", Output([text(f"mail {C} now, or not")], pace=Pace(delta_size=4)))
    answer = httpx.post(
        f"{gateway.openai_url}/completions",
        headers={"Authorization": f"Bearer {gateway.master_key}"},
        json={"model": "gpt-4.1", "prompt": prompt, "stream": stream},
        trust_env=False,
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    assert upstream.requests
    assert C not in "".join(request.raw for request in upstream.requests)
    told = answer.text if not stream else "".join(re.findall(r'"text": ?"([^"]*)"', answer.text))
    assert C not in told
    assert "mail " in told
    assert "now, or not" in told
