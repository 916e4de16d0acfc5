"""Answers as providers behind LiteLLM shape them: each file of `tests/data/providers` names its source."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from litellm.types.utils import ModelResponse, ModelResponseStream

from litellm_bighub.formats.answers.found_call import Replacements
from litellm_bighub.formats.chat.answer_fields import ANSWER
from litellm_bighub.formats.chat.format import CHAT
from litellm_bighub.formats.chat.gate import ChatGate
from litellm_bighub.formats.payload import fields
from litellm_bighub.formats.stream.listed_fields_gate import ListedFieldsGate
from tests.formats.chat import streams as s
from tests.formats.driving import WITHHELD, Driven

PROVIDERS = {
    path.stem: json.loads(path.read_text())
    for path in (Path(__file__).parents[2] / "data" / "providers").glob("*.json")
}
STREAMS = [
    pytest.param(known["calls"], stream, id=f"{name}-{at}")
    for name, known in sorted(PROVIDERS.items())
    for at, stream in enumerate(known["streams"])
]
WHOLES = [pytest.param(known["calls"], known["whole"], id=name) for name, known in sorted(PROVIDERS.items())]
MODELS = [
    pytest.param(lambda event: event, id="dict"),
    pytest.param(lambda event: ModelResponseStream(**copy.deepcopy(event)), id="litellm"),
]


def driven() -> Driven:
    return Driven(ListedFieldsGate(ChatGate, ANSWER))


def told_in(event: object) -> list[Any]:
    return list(fields.get(event, "choices"))


def told_by(message: dict[str, Any]) -> list[list[Any]]:
    calls = message.get("tool_calls") or []
    return [[call["function"]["name"], json.loads(call["function"]["arguments"])] for call in calls]


def test_the_providers_of_the_issue_are_there_with_their_sources():
    wanted = {"ollama", "vllm", "llama_cpp", "nim", "groq", "azure", "bedrock", "kimi", "deepseek", "gemini"}
    assert wanted <= PROVIDERS.keys()
    assert all(known["source"] and known["streams"] for known in PROVIDERS.values())


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("calls", "stream"), STREAMS)
def test_a_stream_is_decided_on_and_arrives(calls, stream, model):
    gate = driven().run([model(event) for event in stream])
    assert [[call.name, call.arguments] for call in gate.asked.values()] == calls
    assert [call.unreadable for call in gate.asked.values()] == [None] * len(calls)
    read = [event for event in gate.events if all(fields.get(each, "delta") is not None for each in told_in(event))]
    message = s.joined(read)[0]  # the official client knows no choices without a delta
    assert told_by(message) == calls
    assert [call["index"] for call in message["tool_calls"]] == list(range(len(calls)))
    assert [call["id"] for call in message["tool_calls"]] == [call.id for call in gate.asked.values()]
    assert message["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("calls", "stream"), STREAMS)
def test_nothing_of_a_stream_leaves_undecided(calls, stream, model):
    gate = driven()
    for event in map(model, stream):
        gate.feed(event)
        assert "a.txt" not in repr(gate.events)
    gate.answer(WITHHELD)
    gate.finish()
    assert "a.txt" not in repr(gate.events)
    assert s.joined(gate.events)[0].get("tool_calls") is None


@pytest.mark.parametrize(
    "model", [dict, lambda answer: ModelResponse(**copy.deepcopy(answer))], ids=["dict", "litellm"]
)
@pytest.mark.parametrize(("calls", "whole"), WHOLES)
def test_a_whole_answer_is_decided_on_and_arrives(calls, whole, model):
    answer = model(copy.deepcopy(whole))
    found = CHAT.find_calls(answer, Replacements(str, False, lambda item: item))
    assert [[each.call.name, each.call.arguments, each.call.unreadable] for each in found] == [
        [*call, None] for call in calls
    ]
    found[0].withhold(WITHHELD)
    told = answer if isinstance(answer, dict) else answer.model_dump()
    assert told_by(told["choices"][0]["message"]) == calls[1:]
    assert "a.txt" not in json.dumps(told["choices"], default=str)


@pytest.mark.parametrize("given", [{"id": ""}, {"id": None}, {}], ids=["empty", "null", "none"])
def test_a_whole_call_without_id_is_given_one(given):
    whole = copy.deepcopy(PROVIDERS["ollama"]["whole"])
    [call, _] = whole["choices"][0]["message"]["tool_calls"]
    del call["id"]
    call |= given
    [first, second] = CHAT.find_calls(whole, Replacements(str, False, lambda item: item))
    told = whole["choices"][0]["message"]["tool_calls"]
    assert [first.call.id, second.call.id] == [told[0]["id"], "call_b"]
    assert first.call.id.startswith("call_")
    assert first.call.unreadable is None
