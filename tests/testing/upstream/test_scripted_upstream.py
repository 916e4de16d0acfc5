"""The scripted upstream speaks OpenAI's protocol so that the official client cannot tell."""

from __future__ import annotations

import anthropic
import httpx
import openai
import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from litellm_bighub.testing import (
    Failure,
    Output,
    Pace,
    ScriptedUpstream,
    Verbatim,
    apply_patch_call,
    computer_call,
    custom_call,
    function_call,
    local_shell_call,
    reasoning,
    refusal,
    shell_call,
    text,
)

CITATION = {"type": "url_citation", "url": "https://a.test", "title": "a", "start_index": 0, "end_index": 3}
ITEMS = {
    "text": text("The answer is forty-two."),
    "empty text": text(""),
    "cited text": text("The answer.", annotations=[CITATION]),
    "refusal": refusal("I would rather not say."),
    "reasoning": reasoning("First I looked.", "Then I thought.", encrypted="b3BhcXVl"),
    "raw reasoning": reasoning(content=["what it really thought"]),
    "function_call": function_call("lookup_order", {"order_id": "A-17", "note": "ümläut"}),
    "broken arguments": function_call("lookup_order", '{"order_id": '),
    "custom_call": custom_call("sql", "select 1"),
    "shell_call": shell_call("ls", "pwd"),
    "local_shell_call": local_shell_call("ls", "-l"),
    "apply_patch_call": apply_patch_call({"type": "delete_file", "path": "a.py"}),
    "computer_call": computer_call({"type": "click", "button": "left", "x": 1, "y": 2}),
    "mcp_call": {"type": "mcp_call", "name": "f", "server_label": "s", "arguments": '{"a": 1}', "output": "done"},
    "code": {"type": "code_interpreter_call", "code": "print(1)", "container_id": "c", "outputs": None},
}
TOOLS = [{"type": "function", "name": "lookup_order", "parameters": {"type": "object"}}]
EVENT: TypeAdapter[object] = TypeAdapter(ResponseStreamEvent)


@pytest.fixture
def client(upstream):
    with openai.OpenAI(base_url=upstream.base_url, api_key="any", max_retries=0) as client:
        yield client


def _stream(upstream, **body):
    """The raw bytes of a stream, as a client that knows no types reads them."""
    sent = {"model": "gpt-4.1", "input": "go", "stream": True, **body}
    return httpx.post(f"{upstream.base_url}/responses", json=sent, trust_env=False).text


def _events(raw: str):
    frames = [frame.split("\n") for frame in raw.strip().split("\n\n")]
    for name, data in frames:
        event = EVENT.validate_json(data.removeprefix("data: "), strict=True)
        assert name == f"event: {event.type}"
        yield event


@pytest.mark.parametrize("items", [*([item] for item in ITEMS.values()), list(ITEMS.values())], ids=[*ITEMS, "all"])
def test_every_event_and_the_envelope_are_of_openais_types(upstream, items):
    upstream.script("go", items)

    events = list(_events(_stream(upstream, tools=TOOLS)))

    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [events[0].type, events[1].type, events[-1].type] == [
        "response.created",
        "response.in_progress",
        "response.completed",
    ]
    done = [event.item for event in events if event.type == "response.output_item.done"]
    assert done == events[-1].response.output
    assert [item.type for item in done] == [item["type"] for item in items]


@pytest.mark.parametrize("delta_size", [1, 5, 1000])
def test_the_official_accumulator_ends_with_the_same_response(upstream, client, delta_size):
    upstream.script("go", Output(list(ITEMS.values())[:7], pace=Pace(delta_size=delta_size)))

    with client.responses.stream(model="gpt-4.1", input="go") as stream:
        seen = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        streamed = stream.get_final_response()

    assert seen == "The answer is forty-two.The answer."
    assert streamed.output_text == seen
    assert streamed.output[-1].arguments == ITEMS["function_call"]["arguments"]


def test_a_whole_response_is_of_openais_type(upstream):
    upstream.script("go", list(ITEMS.values()))
    body = {"model": "gpt-4.1", "input": "go", "tools": TOOLS, "temperature": 0.5, "metadata": {"a": "b"}}

    answer = httpx.post(f"{upstream.base_url}/responses", json=body, trust_env=False)

    response = Response.model_validate(answer.json(), strict=True)
    assert (response.temperature, response.metadata, response.model) == (0.5, {"a": "b"}, "gpt-4.1")
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens


def test_a_stored_response_can_be_fetched_and_an_unstored_one_not(client):
    kept = client.responses.create(model="gpt-4.1", input="keep")
    gone = client.responses.create(model="gpt-4.1", input="forget", store=False)

    assert client.responses.retrieve(kept.id).output_text == "echo: keep"
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(gone.id)


def test_a_background_response_has_its_output_only_when_fetched(client):
    queued = client.responses.create(model="gpt-4.1", input="later", background=True)

    assert (queued.status, queued.output) == ("queued", [])
    assert client.responses.retrieve(queued.id).output_text == "echo: later"


def test_what_a_stored_response_was_asked_can_be_listed(client):
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "c", "output": "done"}
    kept = client.responses.create(model="gpt-4.1", input=[{"role": "user", "content": "keep"}, call, output])

    listed = client.responses.input_items.list(kept.id).data
    assert [item.type for item in listed] == ["message", "function_call", "function_call_output"]
    assert listed[0].content[0].text == "keep"
    with pytest.raises(openai.NotFoundError):
        client.responses.input_items.list("resp_unknown")


def test_a_background_response_can_be_cancelled(client):
    queued = client.responses.create(model="gpt-4.1", input="later", background=True)

    cancelled = client.responses.cancel(queued.id)
    assert (cancelled.status, cancelled.output_text) == ("cancelled", "echo: later")
    with pytest.raises(openai.NotFoundError):
        client.responses.cancel("resp_unknown")


def test_compaction_and_token_counts(upstream, client):
    upstream.script("long", [text("in short")])

    assert client.responses.compact(model="gpt-4.1", input="long story").output[0].content[0].text == "in short"
    assert client.responses.input_tokens.count(model="gpt-4.1", input="how many").input_tokens > 0


def test_chat_whole_and_streamed_say_the_same(upstream, client):
    upstream.script("go", [text("Looking it up."), ITEMS["function_call"], function_call("f", {})])
    messages = [{"role": "user", "content": "go"}]

    whole = client.chat.completions.create(model="gpt-4.1", messages=messages).choices[0]
    with client.chat.completions.stream(
        model="gpt-4.1", messages=messages, stream_options={"include_usage": True}
    ) as stream:
        for _ in stream:
            pass
        streamed = stream.get_final_completion()

    assert whole.finish_reason == streamed.choices[0].finish_reason == "tool_calls"
    assert whole.message.content == streamed.choices[0].message.content == "Looking it up."
    assert [call.function.arguments for call in whole.message.tool_calls] == [
        call.function.arguments for call in streamed.choices[0].message.tool_calls
    ]
    assert streamed.usage.total_tokens > 0


@pytest.mark.parametrize("delta_size", [1, 1000])
def test_messages_whole_and_streamed_say_the_same(upstream, delta_size):
    called = function_call("lookup_order", {"order_id": "A-17"}, call_id="toolu_1")
    items = [reasoning("First I looked."), text("Looking it up."), called]
    upstream.script("go", Output(items, pace=Pace(delta_size)))
    asked = {"model": "claude", "max_tokens": 100, "messages": [{"role": "user", "content": "go"}]}
    with anthropic.Anthropic(base_url=upstream.base_url.removesuffix("/v1"), api_key="any", max_retries=0) as client:
        whole = client.messages.create(**asked)
        with client.messages.stream(**asked) as stream:
            streamed = stream.get_final_message()

    thought, said, call = whole.content
    assert (thought.thinking, said.text, call.input) == ("First I looked.", "Looking it up.", {"order_id": "A-17"})
    assert (call.id, whole.stop_reason, streamed.stop_reason) == ("toolu_1", "tool_use", "tool_use")
    shared = [block.model_dump(exclude={"signature", "parsed_output"}) for block in whole.content]
    assert [block.model_dump(exclude={"signature", "parsed_output"}) for block in streamed.content] == shared


def test_it_keeps_every_request_as_it_came(upstream, client):
    assert client.models.list().data  # a gateway asks this by itself, so it is not kept
    client.responses.create(model="gpt-4.1", instructions="be brief", input=[{"role": "user", "content": "ünï"}])

    (request,) = upstream.requests
    assert (request.method, request.path, request.prompt, request.model) == ("POST", "/v1/responses", "ünï", "gpt-4.1")
    assert request.headers["authorization"] == "Bearer any"
    assert request.body["instructions"] == "be brief"
    assert "ünï" in request.raw


PROMPTS = {
    "text": ("a", "a"),
    "messages": ([{"role": "user", "content": "a"}, {"role": "user", "content": "b"}], "b"),
    "parts": ([{"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "input_image"}]}], "a"),
    "tool output": ([{"role": "user", "content": "a"}, {"type": "function_call_output", "output": "b"}], "b"),
    "nothing": ([], ""),
}


@pytest.mark.parametrize(("given", "prompt"), PROMPTS.values(), ids=PROMPTS)
def test_the_prompt_is_the_last_text_the_model_was_given(upstream, given, prompt):
    httpx.post(f"{upstream.base_url}/responses", json={"model": "m", "input": given}, trust_env=False)

    assert upstream.requests[-1].prompt == prompt


def test_a_script_matches_text_model_or_a_question_and_the_newest_line_first(upstream, client):
    upstream.script("weather", [text("old")])
    upstream.script("weather", [text("sunny")])
    upstream.script("gpt-small", [text("small")])
    upstream.script(lambda request: bool(request.body.get("tools")), [text("has tools")])

    def ask(given, model="gpt-4.1", **more):
        return client.responses.create(model=model, input=given, **more).output_text

    assert ask("the weather?") == "sunny"
    assert ask("hello", model="gpt-small") == "small"
    assert ask("hello", tools=TOOLS) == "has tools"
    assert ask("hello") == "echo: hello"


def test_answers_of_a_line_come_in_turn_and_the_last_one_stays(upstream, client):
    upstream.script("go", Failure(429, headers={"retry-after": "0"}), [text("first")], [text("then")])

    with pytest.raises(openai.RateLimitError):
        client.responses.create(model="gpt-4.1", input="go")
    assert [client.responses.create(model="gpt-4.1", input="go").output_text for _ in range(3)] == [
        "first",
        "then",
        "then",
    ]


def test_a_line_without_an_answer_is_refused(upstream):
    with pytest.raises(ValueError, match="needs an answer"):
        upstream.script("go")


def test_a_cut_stream_breaks_after_exactly_that_many_events(upstream, client):
    upstream.script("go", Output([text("never to be read whole")], pace=Pace(cut_after=5)))

    seen = []
    with pytest.raises((httpx.RemoteProtocolError, openai.APIConnectionError)):  # openai 3 wraps what httpx raises
        seen.extend(event.type for event in client.responses.create(model="gpt-4.1", input="go", stream=True))

    assert len(seen) == 5
    assert client.responses.create(model="gpt-4.1", input="still there").output_text == "echo: still there"


def test_a_cut_whole_answer_breaks(upstream, client):
    upstream.script("go", Output([text("never")], pace=Pace(cut_after=0)))

    with pytest.raises(openai.APIConnectionError):
        client.responses.create(model="gpt-4.1", input="go")


@pytest.mark.parametrize(("status", "ended"), [("incomplete", "response.incomplete"), ("failed", "response.failed")])
def test_a_response_can_end_badly(upstream, status, ended):
    upstream.script("go", Output([text("so far")], status=status))

    last = list(_events(_stream(upstream)))[-1]

    assert (last.type, last.response.status) == (ended, status)


def test_events_word_for_word(upstream):
    odd = {"type": "response.from_the_future", "secret": "x"}
    upstream.script("go", Verbatim(events=[odd], body={"object": "odd"}))

    assert (
        _stream(upstream)
        == 'event: response.from_the_future\ndata: {"type": "response.from_the_future", "secret": "x"}\n\n'
    )
    assert httpx.post(f"{upstream.base_url}/responses", json={"input": "go"}, trust_env=False).json() == {
        "object": "odd"
    }


def test_it_ends_while_a_client_still_reads_a_slow_stream():
    with ScriptedUpstream() as upstream:
        upstream.script("go", Output([text("x" * 1000)], pace=Pace(delta_size=1, delay_seconds=60)))
        client = openai.OpenAI(base_url=upstream.base_url, api_key="any", max_retries=0)
        stream = client.responses.create(model="gpt-4.1", input="go", stream=True)
        assert next(stream).type == "response.created"

    stream.close()
    client.close()
