"""The other roads through the real proxy: chat completions and Messages, whole and streamed."""

from __future__ import annotations

import json

import anthropic
import openai
import pytest

from litellm_bighub.testing import function_call, text

pytestmark = pytest.mark.proxy

CANARY = "trace-0815"  # other tests look for theirs in what the same proxy wrote down
TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in ("wipe", "lookup_a")
]
ANTHROPIC_TOOLS = [{"name": name, "input_schema": {"type": "object"}} for name in ("wipe", "lookup_a")]
BOTH = [text("Here it comes."), function_call("lookup_a", {"id": "a"}), function_call("wipe", {"id": CANARY})]


def chat(gateway, *guardrails, **more):
    with gateway.client() as client:
        messages = [{"role": "user", "content": "go"}]
        extra = {"guardrails": list(guardrails)}
        return client.chat.completions.create(model="gpt-4.1", messages=messages, tools=TOOLS, extra_body=extra, **more)


def raw(gateway, path, **body):
    with gateway.http() as http:
        body = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "go"}], "max_tokens": 99, **body}
        return http.post(path, json={**body, "guardrails": ["policy"], "stream": True}).content.decode()


@pytest.fixture
def messages(gateway):
    with anthropic.Anthropic(base_url=gateway.proxy.base_url, api_key=gateway.proxy.master_key) as client:

        def ask(create):
            return create(client.messages)(
                model="gpt-4.1",
                max_tokens=99,
                messages=[{"role": "user", "content": "go"}],
                tools=ANTHROPIC_TOOLS,
                extra_body={"guardrails": ["policy"]},
            )

        yield ask


def test_of_two_chat_calls_the_blocked_one_goes(gateway):
    gateway.upstream.script("go", BOTH)

    (choice,) = chat(gateway, "policy").choices

    assert [call.function.name for call in choice.message.tool_calls] == ["lookup_a"]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content.startswith("Here it comes.")
    assert '"wipe" was blocked' in choice.message.content


def test_a_chat_answer_without_calls_left_has_stopped(gateway):
    gateway.upstream.script("go", [function_call("wipe", {"id": CANARY})])

    (choice,) = chat(gateway, "policy").choices

    assert not choice.message.tool_calls
    assert choice.finish_reason == "stop"


@pytest.mark.lesson("a stream of chat delivers arguments before their decision")
def test_of_two_streamed_chat_calls_no_byte_of_the_blocked_one_leaves(gateway):
    gateway.upstream.script("go", BOTH)

    stream = raw(gateway, "/v1/chat/completions", tools=TOOLS)

    assert CANARY not in stream
    deltas = [json.loads(line[6:])["choices"] for line in stream.splitlines() if line.startswith("data: {")]
    calls = [call for (choice, *_) in filter(None, deltas) for call in choice["delta"].get("tool_calls") or []]
    assert {call["index"] for call in calls} == {0}
    assert [call["function"]["name"] for call in calls if call["function"].get("name")] == ["lookup_a"]
    said = "".join(choice["delta"].get("content") or "" for (choice, *_) in filter(None, deltas))
    assert '"wipe" was blocked' in said


def test_without_the_guardrail_chat_is_left_alone(gateway):
    gateway.upstream.script("go", BOTH)

    (choice,) = chat(gateway).choices

    assert [call.function.name for call in choice.message.tool_calls] == ["lookup_a", "wipe"]


def test_a_withheld_chat_call_can_fail_the_request(gateway):
    gateway.upstream.script("go", BOTH)

    with gateway.http() as http:
        body = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "go"}], "guardrails": ["errors"]}
        answer = http.post("/v1/chat/completions", json=body)

    assert answer.status_code == 400
    assert "wipe" in answer.text


@pytest.mark.lesson("the call that chat withholds passes on Responses and Messages")
def test_of_two_messages_calls_the_blocked_one_goes(gateway, messages):
    gateway.upstream.script("go", BOTH)

    answer = messages(lambda api: api.create)

    assert [block.name for block in answer.content if block.type == "tool_use"] == ["lookup_a"]
    assert any("was blocked" in block.text for block in answer.content if block.type == "text")
    assert answer.stop_reason == "tool_use"
    assert CANARY not in answer.to_json()


def test_of_two_streamed_messages_calls_the_blocked_one_goes(gateway, messages):
    gateway.upstream.script("go", BOTH)

    with messages(lambda api: api.stream) as stream:
        answer = stream.get_final_message()

    assert [block.name for block in answer.content if block.type == "tool_use"] == ["lookup_a"]
    assert any("was blocked" in block.text for block in answer.content if block.type == "text")


@pytest.mark.lesson("a stream of Messages delivers arguments before their decision")
def test_no_byte_of_a_blocked_messages_call_leaves_a_stream(gateway):
    gateway.upstream.script("go", BOTH)

    stream = raw(gateway, "/v1/messages", tools=ANTHROPIC_TOOLS)

    assert "lookup_a" in stream
    assert CANARY not in stream


STREAMED_THEN_CALLED = [text("First."), function_call("wipe", {"id": CANARY})]


def test_the_official_client_hears_why_a_chat_stream_ends(gateway):
    """An error in the place of a chunk: the client raises it once, with its sentence, and does not ask again."""
    gateway.upstream.script("go", STREAMED_THEN_CALLED)
    heard: list[str] = []

    def listen(client):
        for chunk in client.chat.completions.create(
            model="gpt-4.1", messages=[{"role": "user", "content": "go"}], stream=True,
            extra_body={"guardrails": ["errors"]},
        ):  # fmt: skip
            heard.append(chunk.to_json(warnings=False))  # noqa: PERF401 - a comprehension would lose what came before

    with gateway.client() as client, pytest.raises(openai.APIError, match='"wipe" was blocked') as failed:
        listen(client.with_options(max_retries=2))

    assert (failed.value.type, failed.value.code) == ("tool_call_blocked", "400")
    assert not isinstance(failed.value, openai.APIConnectionError)
    assert heard
    assert CANARY not in "".join(heard)
    assert len(gateway.upstream.requests) == 1


def test_anthropics_client_hears_why_a_messages_stream_ends(gateway):
    """`event: error`, also where nothing was sent before it; the client does not ask again."""
    for items in (STREAMED_THEN_CALLED, [function_call("wipe", {"id": CANARY})]):
        gateway.upstream.reset()
        gateway.upstream.script("go", items)

        client = anthropic.Anthropic(base_url=gateway.proxy.base_url, api_key=gateway.proxy.master_key, max_retries=2)
        with (
            client,
            pytest.raises(anthropic.APIStatusError, match=r'"wipe\W+was blocked') as failed,
            client.messages.stream(
                model="gpt-4.1",
                max_tokens=64,
                messages=[{"role": "user", "content": "go"}],
                extra_body={"guardrails": ["errors"]},
            ) as stream,
        ):
            stream.get_final_message()

        told = failed.value.body
        assert (told["type"], told["error"]["type"]) == ("error", "invalid_request_error")
        assert len(gateway.upstream.requests) == 1
