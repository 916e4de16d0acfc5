"""With a policy that allows everything, clients receive event by event what a proxy without the plugin gives them.

Two real proxies stand before scripted models that make the same ids. Examples in the manner of the official clients run
against both, and what went over the wire to each client is compared, but for the headers that are ours.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Literal

import agents
import anthropic
import openai
import pytest
import yaml
from pydantic import BaseModel

from litellm_bighub.testing import (
    Output,
    Pace,
    RunningProxy,
    ScriptedUpstream,
    custom_call,
    function_call,
    reasoning,
    refusal,
    running_proxy,
    text,
)

pytestmark = pytest.mark.proxy

MODEL = {"model": "openai/gpt-4.1", "api_base": "os.environ/UPSTREAM_BASE_URL", "api_key": "sk-x"}
OURS = {
    "guardrail_name": "bighub",
    "litellm_params": {
        "guardrail": "litellm_bighub.BighubGuardrail",
        "mode": ["pre_call", "post_call"],
        "default_on": True,
        "policy": "bighub_policy.yaml",
    },
}
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
RESPONSES_TOOLS = [{"type": "function", "name": "get_weather", "parameters": WEATHER, "strict": False}]
CHAT_TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}}]
MESSAGES_TOOLS = [{"name": "get_weather", "input_schema": WEATHER}]
PARALLEL = [
    text("I look both up."),
    function_call("get_weather", {"city": "Paris"}, call_id="call_paris"),
    function_call("get_weather", {"city": "Bogotá"}, call_id="call_bogota"),
]


class Step(BaseModel):
    explanation: str
    output: str


class MathResponse(BaseModel):
    steps: list[Step]
    final_answer: str


SOLVED = text(json.dumps({"steps": [{"explanation": "8x = -23", "output": "x"}], "final_answer": "-23/8"}))


@dataclass
class Exchange:
    """One answer as it went over the wire."""

    path: str
    status: int
    headers: dict[str, str]
    body: bytearray = field(default_factory=bytearray)


def _recording(library: Any, exchanges: list[Exchange]) -> Any:
    """A transport of a client library (httpx, or what an SDK ships in its place) with a record of every answer."""

    def seen(request: Any, response: Any, recorded: Callable[[Any, Any, Exchange], Any]) -> Any:
        exchange = Exchange(request.url.path, response.status_code, dict(response.headers))
        exchanges.append(exchange)
        stream = recorded(library, response.stream, exchange)
        return library.Response(response.status_code, headers=response.headers, stream=stream)

    class Recording(library.BaseTransport, library.AsyncBaseTransport):
        def __init__(self) -> None:
            self._sync = library.HTTPTransport()
            self._async = library.AsyncHTTPTransport()

        def handle_request(self, request: Any) -> Any:
            return seen(request, self._sync.handle_request(request), _recorded)

        async def handle_async_request(self, request: Any) -> Any:
            return seen(request, await self._async.handle_async_request(request), _async_recorded)

    return Recording()


def _recorded(library: Any, stream: Any, exchange: Exchange) -> Any:
    class Recorded(library.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            for piece in stream:
                exchange.body.extend(piece)
                yield piece

        def close(self) -> None:
            stream.close()

    return Recorded()


def _async_recorded(library: Any, stream: Any, exchange: Exchange) -> Any:
    class Recorded(library.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for piece in stream:
                exchange.body.extend(piece)
                yield piece

        async def aclose(self) -> None:
            await stream.aclose()

    return Recorded()


_PLAINLY = {"Accept-Encoding": "identity"}


@dataclass
class Side:
    """One of the two proxies with the model behind it."""

    proxy: RunningProxy
    upstream: ScriptedUpstream
    exchanges: list[Exchange] = field(default_factory=list)

    def openai(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=self.proxy.openai_url, **self._options(openai.DefaultHttpxClient))

    def async_openai(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(base_url=self.proxy.openai_url, **self._options(openai.DefaultAsyncHttpxClient))

    def anthropic(self) -> anthropic.Anthropic:
        return anthropic.Anthropic(base_url=self.proxy.base_url, **self._options(anthropic.DefaultHttpxClient))

    def _options(self, client: Any) -> dict[str, Any]:
        library = sys.modules[client.__mro__[1].__module__.partition(".")[0]]
        http = client(transport=_recording(library, self.exchanges), headers=_PLAINLY, trust_env=False, timeout=60)
        return {"api_key": self.proxy.master_key, "http_client": http, "max_retries": 0}


@pytest.fixture(scope="module")
def _sides(tmp_path_factory, warm):
    with ExitStack() as stack:
        sides = []
        for name, guardrails in (("plain", []), ("ours", [OURS])):
            folder = tmp_path_factory.mktemp(name)
            (folder / "bighub_policy.yaml").write_text("version: 1\ndefault: allow\n")
            config = {
                "model_list": [{"model_name": "gpt-4.1", "litellm_params": MODEL}],
                "guardrails": guardrails,
                "litellm_settings": {"telemetry": False},
            }
            (folder / "proxy_config.yaml").write_text(yaml.safe_dump(config))
            upstream = stack.enter_context(ScriptedUpstream())
            env = {"UPSTREAM_BASE_URL": upstream.base_url, "LITELLM_SALT_KEY": "sk-side-by-side-1234567890"}
            proxy = stack.enter_context(running_proxy(folder / "proxy_config.yaml", env=env, python=warm))
            sides.append((proxy, upstream))
        yield sides


@pytest.fixture
def sides(_sides):
    """The proxy without the plugin, and the one with it; nothing is scripted or asked yet."""
    for _, upstream in _sides:
        upstream.reset()
    return [Side(proxy, upstream) for proxy, upstream in _sides]


Example = Callable[[Side], Any]
EXAMPLES: dict[str, tuple[list[tuple[str, Any]], Example]] = {}


def example(*script: tuple[str, Any]) -> Callable[[Example], Example]:
    """An example with what the model answers: pairs of what a request holds and the answer to it."""

    def register(run: Example) -> Example:
        EXAMPLES[run.__name__] = (list(script), run)
        return run

    return register


@example(("weather", PARALLEL))
def responses_parallel_calls(side):
    with side.openai() as client:
        answer = client.responses.create(model="gpt-4.1", input="weather", tools=RESPONSES_TOOLS)
    return [item.type for item in answer.output]


@example(("weather", PARALLEL), ("22 degrees", [text("Warm in Paris.")]))
def responses_whole_loop_with_previous_response_id(side):
    with side.openai() as client:
        first = client.responses.create(model="gpt-4.1", input="weather", tools=RESPONSES_TOOLS)
        outputs = [
            {"type": "function_call_output", "call_id": item.call_id, "output": "22 degrees"}
            for item in first.output
            if item.type == "function_call"
        ]
        second = client.responses.create(model="gpt-4.1", input=outputs, previous_response_id=first.id)
    return second.output_text


@example(("weather", Output([reasoning("Two cities."), *PARALLEL], pace=Pace(delta_size=5))))
def responses_stream(side):
    with side.openai() as client:
        stream = client.responses.create(model="gpt-4.1", input="weather", tools=RESPONSES_TOOLS, stream=True)
        return [event.type for event in stream]


@example(("weather", Output(PARALLEL, pace=Pace(delta_size=3))))
def responses_stream_helper(side):
    with (
        side.openai() as client,
        client.responses.stream(model="gpt-4.1", input="weather", tools=RESPONSES_TOOLS) as stream,
    ):
        events = [event.type for event in stream]
        return events, stream.get_final_response().output_text


@example(("8x", [SOLVED]))
def responses_structured_output(side):
    with side.openai() as client:
        return client.responses.parse(model="gpt-4.1", input="8x + 7 = -23", text_format=MathResponse).output_parsed


@example(("8x", Output([SOLVED], pace=Pace(delta_size=7))))
def responses_structured_output_streamed(side):
    with (
        side.openai() as client,
        client.responses.stream(model="gpt-4.1", input="8x + 7 = -23", text_format=MathResponse) as stream,
    ):
        stream.until_done()
        return stream.get_final_response().output_parsed


@example(("code", Output([custom_call("code_exec", "print('hello')", call_id="call_code")], pace=Pace(delta_size=4))))
def responses_custom_tool(side):
    with side.openai() as client:
        tools = [{"type": "custom", "name": "code_exec", "description": "Runs Python."}]
        return [
            event.type for event in client.responses.create(model="gpt-4.1", input="code", tools=tools, stream=True)
        ]


@example(("no", Output([refusal("I cannot help with that.")], pace=Pace(delta_size=6))))
def responses_refusal(side):
    with side.openai() as client:
        return [event.type for event in client.responses.create(model="gpt-4.1", input="no", stream=True)]


@example(("tale", Output([text("Once upon a time")], status="incomplete", pace=Pace(delta_size=6))))
def responses_incomplete(side):
    with side.openai() as client:
        return [event.type for event in client.responses.create(model="gpt-4.1", input="tale", stream=True)]


@example(("later", [text("Done.")]))
def responses_background_and_stored(side):
    with side.openai() as client:
        first = client.responses.create(model="gpt-4.1", input="later", background=True)
        second = client.responses.retrieve(first.id)
        items = client.responses.input_items.list(first.id)
    return first.status, second.output_text, len(items.data)


@example(("weather", PARALLEL))
def chat_parallel_calls(side):
    with side.openai() as client:
        messages = [{"role": "user", "content": "weather"}]
        answer = client.chat.completions.create(model="gpt-4.1", messages=messages, tools=CHAT_TOOLS)
    return [call.function.arguments for call in answer.choices[0].message.tool_calls]


@example(("weather", Output(PARALLEL, pace=Pace(delta_size=4))))
def chat_stream_with_usage(side):
    with side.openai() as client:
        stream = client.chat.completions.create(
            model="gpt-4.1",
            messages=[{"role": "user", "content": "weather"}],
            tools=CHAT_TOOLS,
            stream=True,
            stream_options={"include_usage": True},
        )
        return [chunk.model_dump(exclude={"id", "created"}) for chunk in stream]


@example(("hello", Output([text("Hello there, how are you?")], pace=Pace(delta_size=4))))
def chat_stream_of_text(side):
    with side.openai() as client:
        stream = client.chat.completions.create(
            model="gpt-4.1", messages=[{"role": "user", "content": "hello"}], stream=True
        )
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


@example(("8x", [SOLVED]))
def chat_structured_output(side):
    with side.openai() as client:
        messages = [{"role": "user", "content": "8x + 7 = -23"}]
        answer = client.chat.completions.parse(model="gpt-4.1", messages=messages, response_format=MathResponse)
    return answer.choices[0].message.parsed


@example(("weather", Output(PARALLEL, pace=Pace(delta_size=5))))
def chat_stream_helper(side):
    with (
        side.openai() as client,
        client.chat.completions.stream(
            model="gpt-4.1", messages=[{"role": "user", "content": "weather"}], tools=CHAT_TOOLS
        ) as stream,
    ):
        events = [event.type for event in stream]
        return events, stream.get_final_completion().choices[0].finish_reason


@example(("say", [text("This is a test.")]))
def text_completion(side):
    with side.openai() as client:
        return client.completions.create(model="gpt-4.1", prompt="say").choices[0].text


@example(("weather", PARALLEL))
def messages_parallel_calls(side):
    with side.anthropic() as client:
        answer = client.messages.create(
            model="gpt-4.1",
            max_tokens=1024,
            messages=[{"role": "user", "content": "weather"}],
            tools=MESSAGES_TOOLS,
        )
    return answer.stop_reason, [block.type for block in answer.content]


@example(("weather", PARALLEL), ("22 degrees", [text("Warm.")]))
def messages_whole_loop(side):
    with side.anthropic() as client:
        turns: list[Any] = [{"role": "user", "content": "weather"}]
        asked = {"model": "gpt-4.1", "max_tokens": 1024, "tools": MESSAGES_TOOLS}
        first = client.messages.create(messages=turns, **asked)
        results = [
            {"type": "tool_result", "tool_use_id": block.id, "content": "22 degrees"}
            for block in first.content
            if block.type == "tool_use"
        ]
        turns += [{"role": "assistant", "content": first.content}, {"role": "user", "content": results}]
        return client.messages.create(messages=turns, **asked).content[0].text


@example(("weather", Output(PARALLEL, pace=Pace(delta_size=4))))
def messages_stream_helper(side):
    with (
        side.anthropic() as client,
        client.messages.stream(
            model="gpt-4.1",
            max_tokens=1024,
            messages=[{"role": "user", "content": "weather"}],
            tools=MESSAGES_TOOLS,
        ) as stream,
    ):
        events = [event.type for event in stream]
        return events, [block.type for block in stream.get_final_message().content]


@example(("hello", Output([text("Hello there, how are you?")], pace=Pace(delta_size=4))))
def messages_stream_of_text(side):
    with (
        side.anthropic() as client,
        client.messages.stream(
            model="gpt-4.1", max_tokens=1024, messages=[{"role": "user", "content": "hello"}]
        ) as stream,
    ):
        return "".join(stream.text_stream)


def _run_agents(side: Side, road: Literal["responses", "chat"], prompt: str, *, streamed: bool) -> Any:
    models = {"responses": agents.OpenAIResponsesModel, "chat": agents.OpenAIChatCompletionsModel}

    @agents.function_tool
    def get_weather(city: str) -> str:
        """The weather of a city."""
        return f"It is 22 degrees in {city}"

    async def run() -> Any:
        agents.set_tracing_disabled(disabled=True)
        async with side.async_openai() as client:
            model = models[road](model="gpt-4.1", openai_client=client)
            spanish = agents.Agent(name="Spanish agent", instructions="You only speak Spanish.", model=model)
            solver = agents.Agent(name="Solver", instructions="Solve.", model=model, output_type=MathResponse)
            triage = agents.Agent(
                name="Triage agent",
                instructions="Hand off to the right agent.",
                handoffs=[spanish, solver],
                tools=[get_weather],
                model=model,
            )
            if not streamed:
                return (await agents.Runner.run(triage, prompt)).final_output
            result = agents.Runner.run_streamed(triage, prompt)
            kinds = [event.type async for event in result.stream_events()]
            return kinds, result.final_output

    return asyncio.run(run())


_HANDED_OFF = (
    ("Hola", [function_call("transfer_to_spanish_agent", {}, call_id="call_hand")]),
    ("Spanish agent", [text("¡Hola! ¿Cómo estás?")]),
)
_SOLVED = (("8x", [function_call("transfer_to_solver", {}, call_id="call_hand")]), ("Solver", [SOLVED]))
_WEATHER = (("weather", PARALLEL), ("It is 22 degrees", [text("Warm in both.")]))
for _road in ("responses", "chat"):
    for _streamed in (False, True):
        for _name, _script, _prompt in (
            ("handoff", _HANDED_OFF, "Hola"),
            ("structured", _SOLVED, "8x + 7 = -23"),
            ("tools", _WEATHER, "weather"),
        ):
            EXAMPLES[f"agents_{_name}_{_road}_{'streamed' if _streamed else 'whole'}"] = (
                list(_script),
                lambda side, road=_road, prompt=_prompt, streamed=_streamed: _run_agents(
                    side, road, prompt, streamed=streamed
                ),
            )


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_receives_what_a_proxy_without_the_plugin_gives(sides, name):
    script, run = EXAMPLES[name]
    told, results = [], []
    for side in sides:
        for prompt, answer in script:
            side.upstream.script(prompt, answer)
        results.append(run(side))
        told.append([_comparable(exchange) for exchange in side.exchanges])
    plain, ours = told
    assert len(plain) > 0
    for one, other in zip(ours, plain, strict=True):
        assert one["headers"] ^ other["headers"] == set()
        assert one["body"] == other["body"]
    assert ours == plain
    assert results[1] == results[0]


_RANDOM = re.compile(r"\b(resp_|chatcmpl[-_]|msg_|cmpl[-_]|toolu_|rs_|fc_|ctc_)(up[0-9]+|[A-Za-z0-9+/=_-]{16,})")
_OF_THE_MOMENT = frozenset({"created", "created_at", "completed_at"})
_OF_THE_SIDE = re.compile(
    r"^(date|content-length|x-litellm-(call-id|response-duration|overhead|timing|version).*|server)$"
)


def _comparable(exchange: Exchange) -> Any:
    """What has to be the same on both sides: ids that LiteLLM makes are numbered, times are left out."""
    numbered: dict[str, str] = {}
    raw = exchange.body.decode()
    if exchange.headers.get("content-type", "").startswith("text/event-stream"):
        body: Any = [_line(line, numbered) for line in raw.splitlines()]
    else:
        body = _plain(json.loads(raw), numbered)
    names = {name for name in exchange.headers if not name.startswith("x-bighub-") and not _OF_THE_SIDE.match(name)}
    return {"path": _text(exchange.path, numbered), "status": exchange.status, "headers": names, "body": body}


def _line(line: str, numbered: dict[str, str]) -> Any:
    field_, _, value = line.partition(": ")
    if field_ != "data" or value == "[DONE]":
        return line
    return _plain(json.loads(value), numbered)


def _plain(value: Any, numbered: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: None if key in _OF_THE_MOMENT else _plain(child, numbered) for key, child in value.items()}
    if isinstance(value, list):
        return [_plain(child, numbered) for child in value]
    return _text(value, numbered) if isinstance(value, str) else value


def _text(value: str, numbered: dict[str, str]) -> str:
    return _RANDOM.sub(lambda found: numbered.setdefault(found[0], f"{found[1]}{len(numbered)}"), value)
