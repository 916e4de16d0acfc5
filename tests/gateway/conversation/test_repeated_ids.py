"""Calls whose ids repeat, in one answer and in later ones: each result is held against its own call."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
from hypothesis import given, settings, strategies as st

from litellm_bighub import ToolDecisions
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow, Block, Decision
from litellm_bighub.formats.format import Format
from litellm_bighub.formats.stream.gate_protocol import Outcome
from litellm_bighub.gateway.conversation.request_history import RequestHistory
from litellm_bighub.gateway.pipeline.enforcement import Enforcement
from litellm_bighub.gateway.pipeline.gated_stream import gated_events
from litellm_bighub.testing.upstream.anthropic_message import AnthropicMessage
from litellm_bighub.testing.upstream.completion import Completion
from litellm_bighub.testing.upstream.requests import Request
from litellm_bighub.testing.upstream.response import ResponseEnvelope
from litellm_bighub.testing.upstream.response_events import response_events
from tests.formats.absent import of_format

EDITED = 9
REQUEST = Request("POST", "/", {}, {"model": "m"})


@dataclass(frozen=True)
class Made:
    """A call that the model makes, and what becomes of it."""

    id: str
    tool: str
    amount: int
    fate: str

    @property
    def seen(self) -> dict[str, int]:
        """The arguments that a client gets that gets the call."""
        return {"amount": EDITED if self.fate == "edited" else self.amount}

    @property
    def item(self) -> dict[str, Any]:
        arguments = json.dumps({"amount": self.amount})
        return {"type": "function_call", "call_id": self.id, "name": self.tool, "arguments": arguments}


MADE = st.builds(
    Made,
    st.sampled_from(["call_0", "call_1"]),
    st.sampled_from(["pay", "look"]),
    st.sampled_from([1, EDITED]),
    st.sampled_from(["passes", "passes", "withheld", "edited"]),
)
TURNS = st.lists(st.tuples(st.booleans(), st.lists(MADE, min_size=1, max_size=4)), min_size=1, max_size=3)
"""Of each turn, whether its answer is streamed, and its calls."""


class Lots:
    """Decides on each call of the answers as it was drawn, by its place."""

    name = "lots"

    def __init__(self) -> None:
        self.fates: dict[tuple[str, int], str] = {}

    async def decide(self, call: ToolCall, context: CallContext) -> Decision:
        place = int(call.path.rpartition("[")[2].rstrip("]"))
        match self.fates[context.response_id, place]:
            case "edited":
                return Allow("approved", edited={"amount": EDITED})
            case "withheld":
                return Block("not twice")
            case _:
                return Allow("fine")

    async def aclose(self) -> None:
        """Nothing to release."""


@dataclass(frozen=True)
class Wire:
    """How answers of one format are written by its provider, and read and answered by its clients."""

    format: Format
    whole: Callable[[str, Sequence[Made]], dict[str, Any]]
    events: Callable[[str, Sequence[Made]], Iterable[dict[str, Any]]]
    joined: Callable[[list[dict[str, Any]]], dict[str, Any]]
    calls: Callable[[dict[str, Any]], list[tuple[str, str, dict[str, int]]]]
    turn: Callable[[dict[str, Any], list[str]], list[dict[str, Any]]]
    results: Callable[[dict[str, Any]], list[Any]]


def items_of(made: Sequence[Made]) -> list[dict[str, Any]]:
    return [{**call.item, "id": f"fc_{call.id}"} for call in made]  # some give items the ids of calls


def joined_chunks(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    calls: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        for piece in chunk["choices"][0]["delta"].get("tool_calls") or ():
            call = calls.setdefault(piece["index"], {"id": piece.get("id"), "name": "", "arguments": ""})
            call["name"] += piece["function"].get("name", "")
            call["arguments"] += piece["function"]["arguments"]
    functions = [
        {"id": call["id"], "type": "function", "function": {key: call[key] for key in ("name", "arguments")}}
        for _, call in sorted(calls.items())
    ]
    return {"choices": [{"message": {"role": "assistant", "content": "", "tool_calls": functions}}]}


def joined_blocks(events: list[dict[str, Any]]) -> dict[str, Any]:
    blocks: dict[int, dict[str, Any]] = {}
    for event in events:
        if event["type"] == "content_block_start":
            blocks[event["index"]] = dict(event["content_block"])
        elif event.get("delta", {}).get("type") == "input_json_delta":
            block = blocks[event["index"]]
            block["input"] = (block["input"] or "") + event["delta"]["partial_json"]
    for block in blocks.values():
        if isinstance(block.get("input"), str):
            block["input"] = json.loads(block["input"])
    return {"content": [block for _, block in sorted(blocks.items())]}


def joined_response(events: list[dict[str, Any]]) -> dict[str, Any]:
    response = events[-1]["response"]
    assert [event["item"] for event in events if event["type"] == "response.output_item.done"] == response["output"]
    return response


def chat_calls(answer: dict[str, Any]) -> list[tuple[str, str, dict[str, int]]]:
    calls = answer["choices"][0]["message"].get("tool_calls") or ()
    return [(call["id"], call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls]


def chat_turn(answer: dict[str, Any], ids: list[str]) -> list[dict[str, Any]]:
    results = [{"role": "tool", "tool_call_id": call_id, "content": "done"} for call_id in ids]
    return [answer["choices"][0]["message"], *results]


def message_calls(answer: dict[str, Any]) -> list[tuple[str, str, dict[str, int]]]:
    return [(block["id"], block["name"], block["input"]) for block in answer["content"] if block["type"] == "tool_use"]


def message_turn(answer: dict[str, Any], ids: list[str]) -> list[dict[str, Any]]:
    results = [{"type": "tool_result", "tool_use_id": call_id, "content": "done"} for call_id in ids]
    return [{"role": "assistant", "content": answer["content"]}, {"role": "user", "content": results}]


def response_calls(answer: dict[str, Any]) -> list[tuple[str, str, dict[str, int]]]:
    calls = [item for item in answer["output"] if item["type"] == "function_call"]
    return [(call["call_id"], call["name"], json.loads(call["arguments"])) for call in calls]


def response_turn(answer: dict[str, Any], ids: list[str]) -> list[dict[str, Any]]:
    results = [{"type": "function_call_output", "call_id": call_id, "output": "done"} for call_id in ids]
    return [*answer["output"], *results]


def result_items(request: dict[str, Any]) -> list[bool]:
    """Of each of the client's results, whether the model is told behind it that a person has changed the call."""
    given = request["input"]
    return [
        "A person changed" in json.dumps(given[at + 1 : at + 2])
        for at, item in enumerate(given)
        if item.get("output") == "done"
    ]


CHAT_WIRE = Wire(
    of_format("litellm_bighub.formats.chat.format").CHAT,
    lambda answer, made: Completion(answer, 1, REQUEST, items_of(made)).whole(),
    lambda answer, made: Completion(answer, 1, REQUEST, items_of(made)).chunks(5),
    joined_chunks,
    chat_calls,
    chat_turn,
    lambda request: ["changed" in each["content"] for each in request["messages"] if each["role"] == "tool"],
)
MESSAGES_WIRE = Wire(
    of_format("litellm_bighub.formats.messages.format").MESSAGES,
    lambda answer, made: AnthropicMessage(answer, REQUEST, items_of(made)).whole(),
    lambda answer, made: AnthropicMessage(answer, REQUEST, items_of(made)).events(5),
    joined_blocks,
    message_calls,
    message_turn,
    lambda request: ["changed" in block["content"] for each in request["messages"][1::2] for block in each["content"]],
)
RESPONSES_WIRE = Wire(
    of_format("litellm_bighub.formats.responses.format").RESPONSES,
    lambda answer, made: ResponseEnvelope(answer, 1, REQUEST).with_output(items_of(made), "completed"),
    lambda answer, made: response_events(ResponseEnvelope(answer, 1, REQUEST), items_of(made), "completed", 5),
    joined_response,
    response_calls,
    response_turn,
    result_items,
)


@dataclass
class Conversation:
    """A client that goes on in one way: it replays everything, or names the answer before or a conversation."""

    wire: Wire
    way: str
    lots: Lots = field(default_factory=Lots)
    said: list[dict[str, Any]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.decisions = ToolDecisions(self.lots)
        self.enforcement = Enforcement(self.decisions)
        self.history = RequestHistory(self.decisions)
        self.context = CallContext(conversation="conv_1" if self.way == "conversation" else "")

    async def answered(self, made: Sequence[Made], *, streamed: bool) -> dict[str, Any]:
        """An answer with these calls, as the client gets it."""
        answer_id = f"resp_{len(self.answers)}"
        self.answers.append(answer_id)
        self.lots.fates |= {(answer_id, at): call.fate for at, call in enumerate(made)}
        context = CallContext(response_id=answer_id, conversation=self.context.conversation)
        if not streamed:
            answer = deepcopy(self.wire.whole(answer_id, made))
            await self.enforcement.govern(answer, context)
            return answer

        async def upstream() -> AsyncIterator[object]:
            for event in self.wire.events(answer_id, made):
                yield event

        async def decide(calls: Sequence[ToolCall]) -> Sequence[Outcome]:
            enforced = await self.enforcement.enforce(calls, context, self.wire.format, shown=set())
            return [each.outcome for each in enforced]

        gate = self.wire.format.gate({}, self.enforcement.new_item_id)
        return self.wire.joined([event async for event in gated_events(upstream(), gate, decide)])

    async def goes_on(self, turn: list[dict[str, Any]]) -> tuple[dict[str, Any], list[Any]]:
        """The request that brings this turn back, put right, and what is told of its results."""
        self.said += turn
        news = [item for item in turn if item.get("type") != "function_call" and "content" not in item]
        key = "input" if self.wire is RESPONSES_WIRE else "messages"
        request: dict[str, Any] = {key: list(self.said) if self.way == "replay" else news}
        if self.way == "conversation":
            request["extra_body"] = {"conversation": "conv_1"}
        previous = self.answers[-1] if self.way == "previous" else ""
        request |= {"previous_response_id": previous} if previous else {}
        told = await self.history.prepare(request, self.wire.format, previous, lambda: self.context)
        return request, told


WAYS = [
    pytest.param(CHAT_WIRE, "replay", id="chat"),
    pytest.param(MESSAGES_WIRE, "replay", id="messages"),
    pytest.param(RESPONSES_WIRE, "replay", id="responses, replayed"),
    pytest.param(RESPONSES_WIRE, "previous", id="responses, by the answer before"),
    pytest.param(RESPONSES_WIRE, "conversation", id="responses, in a conversation"),
]


@pytest.mark.parametrize(("wire", "way"), WAYS)
@settings(max_examples=40)
@given(turns=TURNS)
def test_the_results_of_released_calls_are_taken_each_for_its_own(wire, way, turns):
    async def play() -> None:
        conversation = Conversation(wire, way)
        edited: list[bool] = []
        for streamed, made in turns:
            answer = await conversation.answered(made, streamed=streamed)
            left = [call for call in made if call.fate != "withheld"]
            assert wire.calls(answer) == [(call.id, call.tool, call.seen) for call in left]
            request, told = await conversation.goes_on(wire.turn(answer, [call.id for call in left]))
            assert told == []
            edited = [*(edited if way == "replay" else []), *(call.fate == "edited" for call in left)]
            assert wire.results(request) == edited
            if way != "replay":
                assert outputs_by_id(request["input"]) == expected_outputs(made)
            await conversation.history.record_results(request, {"status": "completed"})

    anyio.run(play)


@pytest.mark.parametrize(("wire", "way"), WAYS)
@settings(max_examples=40)
@given(turns=TURNS)
def test_the_results_of_withheld_calls_are_told_of_each(wire, way, turns):
    """A client that makes up what it never got: all calls as the model made them, and a result of each."""

    async def play() -> None:
        conversation = Conversation(wire, way)
        withheld = 0
        for streamed, made in turns:
            await conversation.answered(made, streamed=streamed)
            seen = [Made(call.id, call.tool, call.seen["amount"], "passes") for call in made]
            turn = wire.turn(wire.whole("made_up", seen), [call.id for call in made])
            request, told = await conversation.goes_on(turn)
            here = Counter(call.id for call in made if call.fate == "withheld")
            withheld = here.total() + (withheld if way == "replay" else 0)
            assert [each.kind for each in told] == ["withheld_call_result"] * withheld
            if way != "replay":
                assert Counter(each.call_id for each in told) == here
            await conversation.history.record_results(request, {"status": "completed"})

    anyio.run(play)


def outputs_by_id(given: list[dict[str, Any]]) -> dict[str, list[str]]:
    outputs: dict[str, list[str]] = {}
    for item in given:
        if item["type"] == "function_call_output":
            outputs.setdefault(item["call_id"], []).append("ran" if item["output"] == "done" else "not run")
    return outputs


def expected_outputs(made: Sequence[Made]) -> dict[str, list[str]]:
    """The provider finds the outputs of one id in the order of its calls."""
    expected: dict[str, list[str]] = {}
    for call in made:
        expected.setdefault(call.id, []).append("not run" if call.fate == "withheld" else "ran")
    return expected
