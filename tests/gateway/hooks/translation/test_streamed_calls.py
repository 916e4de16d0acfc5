"""Guardrails that look at tool calls get those of streams, before anything of a call leaves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from litellm_bighub.errors import GuardrailAnswerError
from litellm_bighub.formats.registry import FORMATS, texts_of
from litellm_bighub.formats.stream.text_part import WholeText, Window
from litellm_bighub.gateway.hooks.registration import handler_of
from litellm_bighub.gateway.hooks.text_stream import checked
from tests.formats.absent import of_format
from tests.llm_translation.guardrails import First, Today

blocks = of_format("tests.formats.messages.texts.test_gate")
items = of_format("tests.formats.responses.text_streams")
SECRET = "sk-12345"
PIECES = ('{"key":"sk', '-12345"}')


def chunk(delta: Any, reason: str | None = None) -> Any:
    return {
        "id": "c",
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
    }


def streamed_call(piece: str, **first: Any) -> Any:
    function = {"arguments": piece, **({"name": "refund"} if first else {})}
    return chunk({"tool_calls": [{"index": 0, "function": function, **first}]})


STREAMS = {
    "chat": [
        chunk({"role": "assistant", "content": "hi"}),
        streamed_call(PIECES[0], id="call_1", type="function"),
        streamed_call(PIECES[1]),
        chunk({}, "tool_calls"),
    ],
    "messages": [blocks.start(), *blocks.text_block(0, "hi"), *blocks.call_block(1, *PIECES), *blocks.end("tool_use")],
    "responses": items.stream(items.message(0, ["hi"]), items.call(1, "function_call", *PIECES)),
    "responses, custom": items.stream(items.message(0, ["hi"]), items.call(1, "custom_tool_call", "echo sk", "-12345")),
    "responses, shell": items.stream(items.message(0, ["hi"]), items.shell_call(1, ["echo sk-1", "2345"])),
}
MODES = [WholeText(), Window(size=32, overlap=16, context=8)]


async def left(name: str, guardrail: Any, mode: Any = MODES[0]) -> list[Any]:
    """What leaves of a stream before its end, or before it is refused."""
    wire_format = next(known for known in FORMATS if known.name == name.partition(",")[0])
    handler = handler_of(wire_format)

    async def events():
        for event in STREAMS[name]:
            yield event

    async def check(scan: Any) -> Any:
        return await handler.check_scan(guardrail, {}, None, scan)

    sent: list[Any] = []
    try:
        async for event in checked(events(), texts_of(wire_format).gate(mode), check, made=lambda event: event):
            sent.append(event)  # noqa: PERF401 - what left before a refusal counts
    except LookupError:
        sent.append("refused")
    return sent


def calls_of(guardrail: Today) -> list[Any]:
    return [each["function"] for asked in guardrail.calls for each in asked.get("tool_calls", ())]


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("name", STREAMS)
async def test_each_call_is_handed_over_once_and_whole(name, mode):
    guardrail = Today()
    sent = await left(name, guardrail, mode)
    (function,) = calls_of(guardrail)
    assert SECRET in function["arguments"]
    assert function["name"]
    assert len(sent) >= len(STREAMS[name]) - 1


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("name", STREAMS)
async def test_a_guardrail_that_blocks_by_its_calls_lets_nothing_of_one_out(name, mode):
    def block(inputs: Any) -> Any:
        if any(SECRET in each["function"]["arguments"] for each in inputs.get("tool_calls", ())):
            raise LookupError("this call is blocked")
        return inputs

    sent = await left(name, Today(block), mode)
    assert sent[-1] == "refused"
    told = json.dumps(sent)
    assert ("hi" in told) is (name != "chat")  # no text of a chat stream ends before the stream does
    assert not any(word in told for word in ("sk-", "refund", "web_search", "echo", "12345"))


@pytest.mark.parametrize("name", ["chat", "messages", "responses", "responses, custom"])
async def test_a_rewrite_of_a_calls_arguments_is_delivered(name):
    def mask(inputs: Any) -> Any:
        for each in inputs.get("tool_calls", ()):
            each["function"]["arguments"] = each["function"]["arguments"].replace(SECRET, "[KEY]")
        return inputs

    told = json.dumps(await left(name, Today(mask)))
    assert "[KEY]" in told
    assert "12345" not in told


@pytest.mark.parametrize("name", STREAMS)
async def test_of_two_rewrites_that_in_texts_counts(name):
    def mask(inputs: Any) -> Any:
        for each in inputs.get("tool_calls", ()):
            each["function"]["arguments"] = each["function"]["arguments"].replace(SECRET, "[CALL]")
        return {**inputs, "texts": [text.replace(SECRET, "[TEXT]") for text in inputs["texts"]]}

    told = json.dumps(await left(name, Today(mask)))
    assert "[TEXT]" in told
    assert "[CALL]" not in told


@pytest.mark.parametrize("name", STREAMS)
async def test_another_name_fails_the_stream(name):
    def rename(inputs: Any) -> Any:
        for each in inputs.get("tool_calls", ()):
            each["function"]["name"] = "another"
        return inputs

    with pytest.raises(GuardrailAnswerError, match="cannot be written back"):
        await left(name, Today(rename))


@pytest.mark.format("responses")
async def test_a_rewrite_that_no_text_of_the_stream_tells_fails_it():
    def mask(inputs: Any) -> Any:
        for each in inputs.get("tool_calls", ()):
            each["function"]["arguments"] = '{"commands": []}'
        return inputs

    with pytest.raises(GuardrailAnswerError, match="cannot be written back"):
        await left("responses, shell", Today(mask))


@pytest.mark.parametrize("name", STREAMS)
async def test_a_guardrail_that_knows_texts_alone_gets_texts(name):
    guardrail = First(lambda text: text.replace(SECRET, "[KEY]"))
    told = json.dumps(await left(name, guardrail))
    assert "[KEY]" in told
    assert "12345" not in told
