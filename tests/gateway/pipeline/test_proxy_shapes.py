"""A real proxy whose upstream answers in shapes that nobody asked for, and LiteLLM's batch completions."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anthropic
import httpx
import pytest
import yaml

from litellm_bighub.testing import (
    Failure,
    Output,
    Pace,
    RunningProxy,
    ScriptedUpstream,
    Verbatim,
    function_call,
    running_proxy,
    text,
)
from tests.formats.absent import of_format
from tests.gateway.conftest import MODEL

pytestmark = [pytest.mark.proxy, pytest.mark.filterwarnings("ignore::Warning")]

messages = of_format("tests.formats.messages.streams")
POLICY = "version: 1\ndefault: block\nrules: [{name: lookups, tool: 'lookup_*', effect: allow}]\n"
CANARY = "canary-4711"
BOTH = [text("Here."), function_call("lookup_a", {"id": "a"}), function_call("wipe", {"id": CANARY})]
TURN = [{"role": "user", "content": "go"}]
TWO = "gpt-4.1,gpt-4.1"
CHAT_ROUTES = [
    "/v1/chat/completions",
    "/chat/completions",
    f"/engines/{TWO}/chat/completions",
    f"/openai/deployments/{TWO}/chat/completions",
    "/cursor/chat/completions",
]


@dataclass(frozen=True)
class Shapes:
    proxy: RunningProxy
    upstream: ScriptedUpstream

    def post(self, path: str, **body: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.proxy.master_key}"}
        with httpx.Client(base_url=self.proxy.base_url, headers=headers, trust_env=False, timeout=60) as http:
            return http.post(path, json={"model": "gpt-4.1", **body})


@pytest.fixture(scope="module")
def _shapes(tmp_path_factory, warm):
    folder: Path = tmp_path_factory.mktemp("shapes")
    (folder / "bighub_policy.yaml").write_text(POLICY)
    with ScriptedUpstream() as upstream:
        native = {"model": "anthropic/claude-x", "api_base": upstream.base_url.removesuffix("/v1"), "api_key": "sk-x"}
        ours = {"guardrail": "litellm_bighub.BighubGuardrail", "mode": ["pre_call", "post_call"], "default_on": True}
        config = {
            "model_list": [
                {"model_name": "gpt-4.1", "litellm_params": MODEL},
                {"model_name": "broken", "litellm_params": {**MODEL, "model": "openai/broken"}},
                {"model_name": "claude", "litellm_params": native},
            ],
            "guardrails": [{"guardrail_name": "bighub", "litellm_params": ours}],
            "router_settings": {"num_retries": 0, "disable_cooldowns": True},
            "litellm_settings": {"telemetry": False},
        }
        (folder / "proxy_config.yaml").write_text(yaml.safe_dump(config))
        env = {"UPSTREAM_BASE_URL": upstream.base_url}
        with running_proxy(folder / "proxy_config.yaml", env=env, python=warm) as proxy:
            yield Shapes(proxy, upstream)


@pytest.fixture
def shapes(_shapes):
    _shapes.upstream.reset()
    return _shapes


def called(completion: dict[str, Any]) -> list[str]:
    return [
        call["function"]["name"]
        for choice in completion["choices"]
        for call in choice["message"].get("tool_calls") or ()
    ]


@pytest.mark.parametrize("path", CHAT_ROUTES)
def test_each_completion_of_a_batch_is_decided_on(shapes, path):
    shapes.upstream.script("go", BOTH)

    answer = shapes.post(path, model=TWO, messages=TURN)

    assert answer.status_code == 200
    assert [called(completion) for completion in answer.json()] == [["lookup_a"], ["lookup_a"]]
    assert CANARY not in answer.text
    assert (answer.headers["x-bighub-allowed"], answer.headers["x-bighub-blocked"]) == ("2", "2")


def test_each_completion_of_several_conversations_is_decided_on(shapes):
    shapes.upstream.script("go", BOTH)

    answer = shapes.post("/v1/chat/completions", model=TWO, messages=[TURN, TURN])

    assert CANARY not in answer.text
    assert answer.status_code != 200 or answer.text.count("was blocked") == 4


def test_of_several_models_the_fastest_is_decided_on(shapes):
    shapes.upstream.script("go", BOTH)

    answer = shapes.post("/v1/chat/completions", model=TWO, messages=TURN, fastest_response=True)

    assert called(answer.json()) == ["lookup_a"]
    assert CANARY not in answer.text


def test_a_failure_within_a_batch_is_told_without_its_message(shapes):
    shapes.upstream.script("go", BOTH)
    shapes.upstream.script("broken", Failure(400, f"wipe {CANARY}"))

    answer = shapes.post("/v1/chat/completions", model="gpt-4.1,broken", messages=TURN)

    completion, failure = answer.json()
    assert called(completion) == ["lookup_a"]
    assert failure["error"]["code"] == "400"
    assert CANARY not in answer.text


@pytest.mark.parametrize("path", CHAT_ROUTES)
def test_a_batch_in_a_stream_is_refused(shapes, path):
    shapes.upstream.script("go", BOTH)

    answer = shapes.post(path, model=TWO, messages=TURN, stream=True)

    assert CANARY not in answer.text
    assert answer.status_code == 400
    assert path in answer.json()["error"]["message"]
    assert shapes.upstream.requests == []


def test_of_several_models_the_fastest_stream_is_decided_on(shapes):
    shapes.upstream.script("go", BOTH)

    answer = shapes.post("/v1/chat/completions", model=TWO, messages=TURN, stream=True, fastest_response=True)

    assert "lookup_a" in answer.text
    assert "was blocked" in answer.text
    assert CANARY not in answer.text


@pytest.mark.parametrize("path", [path.replace(TWO, "gpt-4.1") for path in CHAT_ROUTES])
def test_on_every_chat_route_a_stream_is_a_chat_stream(shapes, path):
    shapes.upstream.script("go", BOTH)

    answer = shapes.post(path, messages=TURN, stream=True)

    assert answer.status_code == 200
    assert "lookup_a" in answer.text
    assert "was blocked" in answer.text
    assert CANARY not in answer.text


CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "wipe", "arguments": f'{{"a":"{CANARY}"}}'}
TOOL_CALL = {"id": "call_1", "type": "function", "function": {"name": "wipe", "arguments": f'{{"a":"{CANARY}"}}'}}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "m",
    "status": "completed",
    "output": [CALL],
}
COMPLETION = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "tool_calls": [TOOL_CALL]}}
    ],
}
CHUNK = {
    **COMPLETION,
    "object": "chat.completion.chunk",
    "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, **TOOL_CALL}]}, "finish_reason": "tool_calls"}],
}
BLOCK = {"type": "tool_use", "id": "toolu_1", "name": "wipe", "input": {"a": CANARY}}
MESSAGE = {**messages.message_start()["message"], "content": [BLOCK], "stop_reason": "tool_use"}
MESSAGE_EVENTS = messages.stream(messages.call(0, CANARY))
FORMATS = [
    pytest.param("/v1/responses", {"input": "go"}, [{"type": "response.completed", "response": RESPONSE}], RESPONSE),
    pytest.param("/v1/chat/completions", {"messages": TURN}, [CHUNK], COMPLETION),
    pytest.param("/v1/messages", {"model": "claude", "messages": TURN, "max_tokens": 9}, MESSAGE_EVENTS, MESSAGE),
]


@pytest.mark.parametrize(("path", "body", "events", "whole"), FORMATS)
def test_a_whole_answer_to_a_stream_request_is_never_handed_on(shapes, path, body, events, whole):
    shapes.upstream.script("go", Verbatim(events, whole, form="whole"))

    answer = shapes.post(path, **body, stream=True)

    assert CANARY not in answer.text
    assert "wipe" not in answer.text
    assert "error" in answer.text


@pytest.mark.parametrize(("path", "body", "events", "whole"), FORMATS)
def test_a_stream_to_a_request_for_a_whole_answer_is_never_handed_on(shapes, path, body, events, whole):
    shapes.upstream.script("go", Verbatim(events, whole, form="stream"))

    answer = shapes.post(path, **body)

    assert answer.status_code >= 400
    assert "error" in answer.json()


def framed(event: dict[str, Any], start: str = "data: ", end: str = "\n\n") -> bytes:
    return f"{start}{json.dumps(event)}{end}".encode()


START = messages.sse(messages.message_start(), *messages.said(0, "hm"))
LATE = messages.sse(*messages.call(1, CANARY), messages.message_delta(), messages.STOP)
FRAMES = [
    *((" data: ", "\n\n"), ("DATA: ", "\n\n"), ("\0data: ", "\n\n"), ("", "\n\n"), ("", ""), ("\ufeffdata: ", "\n\n")),
    *(
        (": x\u2028data: ", "\n\n"),
        (": x\fdata: ", "\n\n"),
        ("data: {}\ndata: ", "\n\n"),
        ("event: ping\ndata: ", "\n\n"),
    ),
]


@pytest.mark.parametrize(("start", "end"), FRAMES, ids=ascii)
def test_a_messages_stream_ends_in_an_error_where_a_frame_cannot_be_read(shapes, start, end):
    event = {"type": "content_block_start", "index": 1, "content_block": BLOCK}
    shapes.upstream.script("go", Verbatim(raw=START + framed(event, start, end)))
    asked = {"model": "claude", "messages": TURN, "max_tokens": 9}

    answer = shapes.post("/v1/messages", **asked, stream=True)

    assert CANARY not in answer.text
    last = json.loads(answer.text.strip().splitlines()[-1].removeprefix("data: "))
    assert last["type"] == "error"
    assert "/v1/messages" in last["error"]["message"]
    client = anthropic.Anthropic(base_url=shapes.proxy.base_url, api_key=shapes.proxy.master_key, max_retries=0)
    with pytest.raises(anthropic.APIStatusError), client.messages.stream(**asked) as stream:
        stream.get_final_message()


def test_a_well_formed_messages_stream_leaves_as_it_came(shapes):
    whole = START + b": keep-alive\n\n" + messages.sse(messages.PING, messages.message_delta("end_turn"), messages.STOP)
    shapes.upstream.script("go", Verbatim(raw=whole))

    answer = shapes.post("/v1/messages", model="claude", messages=TURN, max_tokens=9, stream=True)

    assert answer.status_code == 200
    assert messages.read(answer.content)[1:] == messages.read(whole)[1:]
    assert b": keep-alive" in answer.content


def chat_calls(*named: tuple[str, str]) -> list[dict[str, Any]]:
    return [
        {"index": at, "id": f"call_{name}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for at, (name, arguments) in enumerate(named)
    ]


WIPED = chat_calls(("wipe", json.dumps({"id": CANARY})))
MADE = chat_calls(("lookup_a", '{"id": "a"}'), ("wipe", json.dumps({"id": CANARY})))
ELSEWHERE = {"messages": [{"role": "assistant", "tool_calls": WIPED}], "x_raw": json.dumps(WIPED), "x_region": "eu-1"}
ENVELOPE = {"id": "chatcmpl-1", "created": 1, "model": "gpt-4.1"}
MESSAGE = {"role": "assistant", "content": "Here.", "tool_calls": MADE, **ELSEWHERE}
COMPLETION = {
    **ENVELOPE,
    **ELSEWHERE,
    "object": "chat.completion",
    "choices": [{"index": 0, "finish_reason": "tool_calls", "message": MESSAGE}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
CHUNKS = [
    {
        **ENVELOPE,
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
        **more,
    }
    for delta, reason, more in (
        ({"role": "assistant", "content": "Here."}, None, {}),
        ({"tool_calls": MADE, **ELSEWHERE}, None, {}),
        ({}, "tool_calls", ELSEWHERE),
    )
]
ITEMS = [
    {"type": "function_call", "id": f"fc_{name}", "call_id": f"call_{name}", "name": name, "status": "completed"}
    | {"arguments": arguments}
    for name, arguments in (("lookup_a", '{"id": "a"}'), ("wipe", json.dumps({"id": CANARY})))
]
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "gpt-4.1",
    "status": "completed",
    "output": ITEMS,
    "output_messages": [{"recipient": "functions.wipe", "content": json.dumps({"id": CANARY})}],
    **ELSEWHERE,
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "temperature": 1.0,
    "top_p": 1.0,
    "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
}
BEGUN = {**RESPONSE, "output": [], "status": "in_progress", "output_messages": None, **dict.fromkeys(ELSEWHERE)}
EVENTS = [
    {"type": "response.created", "sequence_number": 0, "response": BEGUN},
    *(
        {
            "type": f"response.output_item.{what}",
            "output_index": at,
            "item": item,
            "sequence_number": 1 + 2 * at + later,
        }
        for at, item in enumerate(ITEMS)
        for later, what in enumerate(("added", "done"))
    ),
    {"type": "response.completed", "sequence_number": 5, "response": RESPONSE},
]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("path", "answer", "body"),
    [
        pytest.param("/v1/chat/completions", Verbatim(CHUNKS, COMPLETION), {"messages": TURN}, id="chat"),
        pytest.param("/v1/messages", Verbatim(EVENTS, RESPONSE), {"messages": TURN, "max_tokens": 9}, id="messages"),
        pytest.param("/v1/responses", Verbatim(EVENTS, RESPONSE), {"input": "go"}, id="responses"),
    ],
)
def test_a_withheld_call_stands_nowhere_else_in_the_same_answer(shapes, path, answer, body, stream):
    """vLLM tells its calls in `messages` and `output_messages` again, others in fields of their own."""
    shapes.upstream.script("go", answer)

    told = shapes.post(path, stream=stream, **body)

    assert told.status_code == 200, told.text
    assert "was blocked" in told.text
    assert "lookup_a" in told.text
    assert CANARY not in told.text


# Streams that their provider tears in the middle of a call.

TORN = [text("Here."), function_call("lookup_a", {"id": f"{CANARY}-of-many-letters"})]
NATIVE = {"/v1/responses": "gpt-4.1", "/v1/chat/completions": "gpt-4.1", "/v1/messages": "claude"}
"""The model whose provider speaks the route's own format."""


@pytest.fixture
def torn(shapes):
    """Scripts a stream of a route up to the first piece of the call's arguments."""

    def script(path: str, how: str) -> None:
        shapes.upstream.script("go", Output(TORN, pace=Pace(delta_size=12)))
        prompt = {"input": "go"} if path == "/v1/responses" else {"messages": TURN}
        asked = {"model": "x", "max_tokens": 9, "stream": True, **prompt}
        url = shapes.upstream.base_url.removesuffix("/v1") + path
        frames = httpx.post(url, json=asked, trust_env=False).text.split("\n\n")
        until = next(number for number, frame in enumerate(frames, 1) if CANARY[:4] in frame)
        shapes.upstream.reset()
        if how == "ends":
            shapes.upstream.script("go", Verbatim(raw="".join(f"{frame}\n\n" for frame in frames[:until]).encode()))
        else:
            pace = Pace(delta_size=12, delay_seconds=0.1, cut_after=until)
            shapes.upstream.script("go", Output(TORN, pace=pace))

    return script


HEARD = {
    ("/v1/responses", "ends"): ('"code":"server_error"', "stream ended before it was decided on"),
    ("/v1/responses", "breaks"): ('"code":"server_error"',),
    ("/v1/chat/completions", "ends"): ("the call itself could not be read", '"code": "500"'),
    ("/v1/chat/completions", "breaks"): ('"code": "500"',),
    ("/v1/messages", "ends"): ("the stream ended before it was decided on",),
    ("/v1/messages", "breaks"): ('"type": "api_error"', '"code": "500"'),
}
"""What the client is told in the end: a provider's failure as such, or what became of the call.

Whether a stream that merely ends is a failure, and in which words, differs between releases of LiteLLM.
"""


@pytest.mark.parametrize(("path", "how"), HEARD)
def test_a_torn_stream_is_heard_as_one_and_tells_nothing_of_its_call(shapes, torn, path, how):
    torn(path, how)
    prompt = {"input": "go"} if path == "/v1/responses" else {"messages": TURN, "max_tokens": 9}

    answer = shapes.post(path, model=NATIVE[path], stream=True, **prompt)

    assert any(sentence in answer.text for sentence in HEARD[path, how])
    assert CANARY[:4] not in answer.text
    assert not re.search(r"tool_calls\W+\[|tool_use|function_call", answer.text)
    assert len(shapes.upstream.requests) == 1
