"""Requests, answers and streams of each format, which together have a canary in every string that there can be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from anthropic.types.beta import BetaMessage, BetaRawMessageStreamEvent
from anthropic.types.beta.message_create_params import MessageCreateParamsBase
from openai.types import Completion, completion_create_params
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat.completion_create_params import CompletionCreateParamsBase
from openai.types.responses import Response, ResponseStreamEvent
from openai.types.responses.response_create_params import ResponseCreateParamsBase

from tests.gateway.oracle.type_canaries import Canaries, batches

Body = dict[str, Any]
GO = [{"role": "user", "content": "go"}]


@dataclass(frozen=True)
class Api:
    """An API as clients and the upstream know it.

    Attributes:
        path: of a request.
        model: that speaks it.
        ask: the shortest request.
        request: the type of requests.
        whole: the type of whole answers.
        answer: the shortest answer.
    """

    path: str
    model: str
    ask: Body
    request: Any
    whole: Any
    answer: Body

    def requests(self, canaries: Canaries) -> Iterator[Body]:
        """Requests with one field more than the shortest has."""
        for field, value in canaries.fields(self.request, "model", "stream"):
            if field == "messages":
                for messages in _messages(value):
                    yield {**self.ask, field: [*GO, *messages]}
            else:
                yield {**self.ask, field: value}
        yield {**self.ask, **canaries.values(Any, "unknown")[0]}
        yield {
            **self.ask,
            "extra_body": {"later": canaries.at("extra_body.later"), "user": canaries.at("extra_body.user")},
        }
        yield {**self.ask, "extra_headers": {"x-mine": canaries.at("extra_headers")}}
        yield {**self.ask, "extra_query": {"mine": canaries.at("extra_query")}}
        yield {**self.ask, "metadata": {"deep": [canaries.at("metadata[]")], canaries.at("metadata key"): "a"}}

    def answers(self, canaries: Canaries, place: str = "") -> Iterator[Body]:
        """Whole answers with one field more than the shortest has."""
        for field, value in canaries.fields(self.whole, "object", "created", "created_at"):
            yield {**self.answer, field: value}
        beside = ("output_text", "output_messages", "messages", "citations", "provider_specific_fields", "unknown")
        for field in beside:
            yield {**self.answer, field: canaries.at(place + field)}
            yield {
                **self.answer,
                field: [{"content": [{"text": canaries.at(f"{place}{field}[]")}], "role": "assistant"}],
            }


def _messages(messages: list[Any]) -> Iterator[list[Any]]:
    """The messages, those of many parts as several."""
    for message in messages:
        content = message.get("content")
        if isinstance(content, list):
            yield from ([{**message, "content": parts}] for parts in batches(content, 6))
        else:
            yield [message]


def chat_streams(canaries: Canaries) -> Iterator[list[Body]]:
    """Streams of chunks."""
    bare = {**CHAT.answer, "object": "chat.completion.chunk", "choices": []}
    start = {**bare, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "hi"}}]}
    end = {**bare, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    for field, value in canaries.fields(ChatCompletionChunk, "object", "created"):
        for each in value if field == "choices" else [value]:
            yield [start, {**bare, field: [each] if field == "choices" else each}, end]
    for field in ("reasoning_content", "reasoning", "annotations", "images", "audio", "provider_specific_fields"):
        said = canaries.at(f"delta.{field}")
        held = (
            said if field.startswith("reasoning") else {"deep": said} if field.endswith("fields") else [{"text": said}]
        )
        yield [start, {**bare, "choices": [{"index": 0, "delta": {field: held}}]}, end]
    yield [start, {**bare, "unknown": canaries.at("unknown"), "obfuscation": canaries.at("obfuscation")}, end]


def text_streams(canaries: Canaries) -> Iterator[list[Body]]:
    """Streams of text completions."""
    end = {**TEXT.answer, "choices": [{"index": 0, "text": "", "finish_reason": "stop"}]}
    for field, value in canaries.fields(Completion, "object", "created"):
        yield [{**TEXT.answer, "choices": [], field: value}, end]


def messages_streams(canaries: Canaries) -> Iterator[list[Body]]:
    """Streams of Messages."""
    start = {"type": "message_start", "message": {**MESSAGES.answer, "content": [], "stop_reason": None}}
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    stop = [{"type": "message_delta", "delta": delta, "usage": MESSAGES.answer["usage"]}, {"type": "message_stop"}]
    for kind in get_args(get_args(BetaRawMessageStreamEvent)[0]):
        events = canaries.objects(kind, kind.__name__)
        match events[0]["type"]:
            case "message_start":
                for event in events:
                    for content in batches(event["message"]["content"], 6):
                        yield [{**event, "message": {**event["message"], "content": content}}, *stop]
            case "message_delta":
                yield from ([start, event, stop[1]] for event in events)
            case "message_stop":
                yield from ([start, stop[0], event] for event in events)
            case "content_block_start":
                for some in batches(events, 6):
                    blocks = [[{**event, "index": n}, _stop(n)] for n, event in enumerate(some)]
                    yield [start, *(event for block in blocks for event in block), *stop]
            case _:
                for some in batches(events, 6):
                    blocks = [_block(event, n) for n, event in enumerate(some)]
                    yield [start, *(event for block in blocks for event in block), *stop]
    yield [start, {"type": "unknown", "said": canaries.at("unknown.said")}, *stop]
    yield [start, {"type": "error", "error": {"type": "overloaded_error", "message": canaries.at("error.message")}}]


_BLOCKS: dict[str, Body] = {
    "input_json_delta": {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}},
    "thinking_delta": {"type": "thinking", "thinking": "", "signature": ""},
    "signature_delta": {"type": "thinking", "thinking": "", "signature": ""},
    "compaction_delta": {"type": "compaction", "content": None},
}


def _stop(index: int) -> Body:
    return {"type": "content_block_stop", "index": index}


def _block(event: Body, index: int) -> list[Body]:
    """A block of which the event is a part."""
    kind = event.get("delta", {}).get("type", "")
    opened = {"type": "content_block_start", "index": index}
    opened["content_block"] = _BLOCKS.get(kind, {"type": "text", "text": ""})
    return [opened, {**event, "index": index}, *([_stop(index)] if kind else [])]


def responses_streams(canaries: Canaries) -> Iterator[list[Body]]:
    """Streams of the Responses API."""
    created = {"type": "response.created", "response": {**RESPONSES.answer, "output": [], "status": "in_progress"}}
    completed = {"type": "response.completed", "response": RESPONSES.answer}
    for kind in get_args(get_args(ResponseStreamEvent)[0]):
        (event_type,) = get_args(kind.model_fields["type"].annotation)
        if "response" in kind.model_fields:
            beside = {"type": event_type, "later": canaries.at(f"{event_type}.later")}
            if event_type == "response.completed":
                for answer in RESPONSES.answers(canaries):
                    yield [created, {**beside, "response": answer}]
            else:
                echo = {"instructions": canaries.at(f"{event_type}.instructions")}
                echo["error"] = {"code": "server_error", "message": canaries.at(f"{event_type}.error")}
                event = {**beside, "response": {**RESPONSES.answer, **echo}}
                yield [created, event] if event_type.endswith(("failed", "incomplete")) else [event, completed]
        else:
            for some in batches(canaries.objects(kind, event_type), 6):
                yield [
                    created,
                    *({**event, "type": event_type, **_index(event, n)} for n, event in enumerate(some)),
                    completed,
                ]
    unknown = {
        "type": "response.tomorrow",
        "said": canaries.at("unknown.said"),
        "obfuscation": canaries.at("obfuscation"),
    }
    delta = {"type": "response.tomorrow.delta", "delta": canaries.at("unknown.delta")}
    yield [created, unknown, delta, completed]


def _index(event: Body, number: int) -> Body:
    return {"output_index": number} if "output_index" in event else {}


CHAT = Api(
    "/v1/chat/completions",
    "gpt",
    {"messages": GO},
    CompletionCreateParamsBase,
    ChatCompletion,
    {
        "id": "chatcmpl_1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}],
    },
)
TEXT = Api(
    "/v1/completions",
    "instruct",
    {"prompt": "go"},
    completion_create_params.CompletionCreateParamsBase,
    Completion,
    {
        "id": "cmpl_1",
        "object": "text_completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "text": "hi"}],
    },
)
MESSAGES = Api(
    "/v1/messages",
    "claude",
    {"max_tokens": 9, "messages": GO},
    MessageCreateParamsBase,
    BetaMessage,
    {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "hi"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    },
)
_TEXT_PART = {"type": "output_text", "text": "hi", "annotations": []}
RESPONSES = Api(
    "/v1/responses",
    "gpt",
    {"input": "go"},
    ResponseCreateParamsBase,
    Response,
    {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "m",
        "status": "completed",
        "output": [
            {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [_TEXT_PART]}
        ],
    },
)
APIS = {"chat": CHAT, "text": TEXT, "messages": MESSAGES, "responses": RESPONSES}
STREAMS = {"chat": chat_streams, "text": text_streams, "messages": messages_streams, "responses": responses_streams}
