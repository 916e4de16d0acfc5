"""The same answers as `/v1/chat/completions` has them, whole and in chunks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from litellm_bighub.testing.upstream.items import Item
from litellm_bighub.testing.upstream.requests import Request
from litellm_bighub.testing.upstream.response import usage


@dataclass(frozen=True, slots=True)
class Completion:
    """A chat completion of items that already have their ids.

    Attributes:
        id: as in `chatcmpl_up1`.
        created: POSIX seconds.
        request: what is answered.
        items: messages, function calls and custom tool calls; chat has no place for any other, so they are left out.
    """

    id: str
    created: int
    request: Request
    items: Sequence[Item]

    def whole(self) -> Item:
        """The completion in one piece."""
        text, refusal, calls = self._text("text"), self._text("refusal"), self._calls()
        message: Item = {"role": "assistant", "content": text or None, "refusal": refusal or None}
        if calls:
            message["tool_calls"] = calls
        choice = {"index": 0, "message": message, "finish_reason": self._finish_reason(), "logprobs": None}
        return {**self._frame("chat.completion"), "choices": [choice], "usage": self._usage()}

    def chunks(self, delta_size: int) -> Iterator[Item]:
        """The completion in chunks; a usage comes last if the request asks for it."""
        yield self._chunk({"role": "assistant", "content": "", "refusal": None})
        for key, field in (("content", "text"), ("refusal", "refusal")):
            for piece in _pieces(self._text(field), delta_size):
                yield self._chunk({key: piece})
        for index, call in enumerate(self._calls()):
            kind = call["type"]
            body = "arguments" if kind == "function" else "input"
            opened = {**call, kind: {**call[kind], body: ""}}
            yield self._chunk({"tool_calls": [{"index": index, **opened}]})
            for piece in _pieces(call[kind][body], delta_size):
                yield self._chunk({"tool_calls": [{"index": index, kind: {body: piece}}]})
        yield self._chunk({}, self._finish_reason())
        if (self.request.body.get("stream_options") or {}).get("include_usage"):
            yield {**self._frame("chat.completion.chunk"), "choices": [], "usage": self._usage()}

    def text_whole(self) -> Item:
        """The completion of a prompt, in one piece."""
        return {
            **self._frame("text_completion"),
            "choices": [_text_choice(self._text("text"), "stop")],
            "usage": self._usage(),
        }

    def text_chunks(self, delta_size: int) -> Iterator[Item]:
        """The completion of a prompt, in chunks."""
        for piece in _pieces(self._text("text"), delta_size):
            yield {**self._frame("text_completion"), "choices": [_text_choice(piece, None)]}
        yield {**self._frame("text_completion"), "choices": [_text_choice("", "stop")]}

    def _text(self, field: str) -> str:
        parts = [part for item in self.items if item["type"] == "message" for part in item["content"]]
        return "".join(part.get(field, "") for part in parts)

    def _calls(self) -> list[Item]:
        return [_CALLS[item["type"]](item) for item in self.items if item["type"] in _CALLS]

    def _finish_reason(self) -> str:
        return "tool_calls" if self._calls() else "stop"

    def _frame(self, kind: str) -> Item:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.request.model}

    def _chunk(self, delta: Item, finish_reason: str | None = None) -> Item:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        return {**self._frame("chat.completion.chunk"), "choices": [choice]}

    def _usage(self) -> Item:
        counted = usage(self.request, self.items)
        return {
            "prompt_tokens": counted["input_tokens"],
            "completion_tokens": counted["output_tokens"],
            "total_tokens": counted["total_tokens"],
        }


def _function(item: Item) -> Item:
    function = {"name": item["name"], "arguments": item["arguments"]}
    return {"id": item["call_id"], "type": "function", "function": function}


def _custom(item: Item) -> Item:
    return {"id": item["call_id"], "type": "custom", "custom": {"name": item["name"], "input": item["input"]}}


_CALLS = {"function_call": _function, "custom_tool_call": _custom}


def _pieces(text: str, size: int) -> Iterator[str]:
    return (text[start : start + size] for start in range(0, len(text), size))


def _text_choice(said: str, reason: str | None) -> Item:
    return {"index": 0, "text": said, "logprobs": None, "finish_reason": reason}
