"""One chat stream of an answer whose calls were blocked, and of the model's next answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pydantic import BaseModel

from litellm_bighub.domain.payload import JsonMapping, JsonObject
from litellm_bighub.formats.chat import chunks
from litellm_bighub.formats.chat.calls import PAYLOADS, after
from litellm_bighub.formats.chat.whole_completion import completion
from litellm_bighub.formats.payload.copies import plain, text, with_fields, without
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.formats.stream.gate_protocol import Withhold

_APART = frozenset({"role", "content", "tool_calls", "function_call"})


class ChatJoinedStream:
    """One stream's, as `wire.joining` draws it: one message under the first answer's id, with the next one's end."""

    def __init__(self) -> None:
        self._chunks: list[object] = []
        self._following: object = None
        self._said = ""
        self._over = False

    def hear(self, event: object) -> None:
        """Take in the upstream's next chunk."""
        self._chunks.append(event)

    def heard(self) -> object:
        """The completion that the upstream's chunks told, calls and all; `None` if it cannot be answered."""
        return completion(self._chunks)

    def accepts(self, answer: object) -> bool:
        """Whether the stream can end with this answer."""
        return len(get(answer, "choices") or ()) == 1

    def follow(self, answer: object) -> None:
        """From here on no notice is told, and where the first answer ends this one begins."""
        self._following = answer

    def in_place(self, withheld: Withhold) -> Withhold:
        """Nothing."""
        return replace(withheld, notice="", item_id="")

    def passed(self, event: object) -> Sequence[object]:
        """What is sent for a chunk that the gate has released."""
        choices: object = get(event, "choices")
        if not isinstance(choices, list | tuple):
            return (event,)
        if self._following is None:
            self._said = self._said or next(filter(None, (text(get(each, "delta"), "content") for each in choices)), "")
            return (event,)
        if not choices:
            return (self._counted(event),)
        if self._over:  # LiteLLM tells of usage beside a choice that says nothing
            return () if get(event, "usage") is None else (self._counted(with_fields(event, choices=_ended(choices))),)
        choice = next((choice for choice in choices if get(choice, "finish_reason") is not None), None)
        if choice is None:
            return (event,)
        self._over = True
        return self._rest(event, choice)

    def _counted(self, event: object) -> object:
        """The chunk with the next answer's usage, if it tells of any."""
        usage: object = get(self._following, "usage")
        return event if usage is None or get(event, "usage") is None else with_fields(event, usage=usage)

    def _rest(self, event: object, choice: object) -> list[object]:
        own: list[object] = []
        if chunks.says_anything(choice):
            own.append(with_fields(without(event, "usage"), choices=[with_fields(choice, finish_reason=None)]))
        [last] = get(self._following, "choices")
        frame = {**plain(without(event, "usage")), "choices": []}
        made: list[object] = [
            _like(event, {**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
            for delta in _deltas(plain(get(last, "message")), self._said)
        ]
        end = with_fields(chunks.rest_of(choice), finish_reason=get(last, "finish_reason"))
        return [*own, *made, self._counted(with_fields(event, choices=[end]))]


def _deltas(message: JsonMapping, said: str) -> Iterator[JsonObject]:
    apart = {key: value for key, value in message.items() if key not in _APART and value}
    if apart:
        yield apart
    content = message.get("content")
    if isinstance(content, str) and content:
        yield {"content": after(said, content)}
    for index, call in enumerate(message.get("tool_calls") or ()):
        kind = next((kind for kind in PAYLOADS if kind in call), "function")
        key, payload = PAYLOADS[kind], call.get(kind, {})
        yield {"tool_calls": [{**call, "index": index, kind: {**payload, key: ""}}]}
        yield {"tool_calls": [{"index": index, kind: {key: payload.get(key, "")}}]}
    if message.get("function_call"):
        yield {"function_call": message["function_call"]}


def _ended(choices: Sequence[object]) -> list[object]:
    return [with_fields(chunks.rest_of(choice), finish_reason=None) for choice in choices]


def _like(event: object, chunk: JsonObject) -> object:
    """The chunk as a model where the upstream's are models."""
    return type(event)(**chunk) if isinstance(event, BaseModel) else chunk
