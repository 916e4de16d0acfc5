"""The governed functions of each format, and how their answers are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import litellm
import pytest

import litellm_bighub
from litellm_bighub.formats.payload.fields import get
from litellm_bighub.testing import Output, Pace, ScriptedUpstream, function_call, text
from tests.deciders.fakes import Kept
from tests.formats.absent import of_format

streams = of_format("tests.formats.messages.streams")
TURN = [{"role": "user", "content": "go"}]
CANARY = "canary-4711"
ANSWER = Output(
    [text("hm"), function_call("lookup", {"a": 1}), function_call("wipe", {"a": CANARY})], pace=Pace(delta_size=100)
)
"""A text, a call that policies let through, and one that they do not; no delta cuts the canary."""


@dataclass(frozen=True)
class Api:
    """One format in code.

    Attributes:
        name: of the function.
        wire_format: the format's.
        plain: LiteLLM's asynchronous function.
        awaited: ours.
        blocking: the synchronous one.
        asked: the arguments that say what is asked.
        calls: the names of the calls of a whole answer.
        joined: a whole answer out of the events of a stream.
    """

    name: str
    wire_format: str
    plain: Callable[..., Any]
    awaited: Callable[..., Any]
    blocking: Callable[..., Any]
    calls: Callable[[Any], list[str]]
    joined: Callable[[Sequence[Any]], Any]
    asked: Mapping[str, Any] = field(default_factory=dict)

    def arguments(self, upstream: ScriptedUpstream | None = None, **more: Any) -> dict[str, Any]:
        """What LiteLLM's function takes; without an upstream it is the router's to say where to send it."""
        where = {"api_base": upstream.base_url, "api_key": "sk-x"} if upstream else {}
        return {"model": "openai/gpt-4.1", **self.asked, **where, **more}


def _of_response(response: Any) -> list[str]:
    return [get(item, "name") for item in response.output if get(item, "type") == "function_call"]


def _of_completion(completion: Any) -> list[str]:
    messages = [choice.message for choice in completion.choices]
    calls = [call.function.name for message in messages for call in message.tool_calls or ()]
    return calls + [message.function_call.name for message in messages if message.function_call]


def _of_message(message: Any) -> list[str]:
    return [block["name"] for block in message["content"] if block["type"] == "tool_use"]


RESPONSES = Api(
    "aresponses",
    "responses",
    litellm.aresponses,
    litellm_bighub.aresponses,
    litellm_bighub.responses,
    _of_response,
    lambda events: events[-1].response,
    {"input": "go"},
)
CHAT = Api(
    "acompletion",
    "chat",
    litellm.acompletion,
    litellm_bighub.acompletion,
    litellm_bighub.completion,
    _of_completion,
    lambda chunks: litellm.stream_chunk_builder(list(chunks)),
    {"messages": TURN},
)
MESSAGES = Api(
    "amessages",
    "messages",
    litellm.anthropic_messages,
    litellm_bighub.amessages,
    litellm_bighub.messages,
    _of_message,
    lambda events: streams.joined(streams.unwritten(list(events))),
    {"messages": TURN, "max_tokens": 99},
)


def rows(*apis: Api) -> list[Any]:
    """Rows of a table, each about one format."""
    return [pytest.param(api, id=api.name, marks=pytest.mark.format(api.wire_format)) for api in apis]


each_api = pytest.mark.parametrize("api", rows(RESPONSES, CHAT, MESSAGES))
chat_and_messages = pytest.mark.parametrize("api", rows(CHAT, MESSAGES))
whole_and_streamed = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
litellms_types = pytest.mark.filterwarnings("ignore:Items? .* on TypedDict class .* the `ReadOnly` qualifier")
"""What pydantic says when it first meets them."""


def told(kept: Kept) -> list[tuple[str, str]]:
    """The decisions that were made."""
    return [(event.tool, event.verdict) for event in kept.events]
