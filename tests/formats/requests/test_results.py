"""Calls of a request whose ids repeat: each result is of the right one."""

from __future__ import annotations

from typing import Any

import pytest

from litellm_bighub.domain.call import ReasoningMark
from litellm_bighub.domain.decided_call import DecidedCall
from litellm_bighub.formats.registry import format_named
from litellm_bighub.formats.requests.results import FoundReasoning, FoundResult, ReplayedCall, ReplayedCalls
from litellm_bighub.wording import ENGLISH
from tests.formats.absent import of_format


def calls_of(results: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(call.name, call.arguments) for call in (found.call() for found in results.results)]


def chat(*turns: list[str]) -> dict[str, Any]:
    messages: list[dict[str, Any]] = []
    for names in turns:
        calls = [{"id": "call_0", "type": "function", "function": {"name": name, "arguments": "{}"}} for name in names]
        messages.append({"role": "assistant", "tool_calls": calls})
        messages += [{"role": "tool", "tool_call_id": "call_0", "content": "done"} for _ in names]
    return {"messages": messages}


def blocks(*turns: list[str]) -> dict[str, Any]:
    messages: list[dict[str, Any]] = []
    for names in turns:
        uses = [{"type": "tool_use", "id": "call_0", "name": name, "input": {}} for name in names]
        messages.append({"role": "assistant", "content": uses})
        results = [{"type": "tool_result", "tool_use_id": "call_0", "content": "done"} for _ in names]
        messages.append({"role": "user", "content": results})
    return {"messages": messages}


def items(*turns: list[str]) -> dict[str, Any]:
    given: list[dict[str, Any]] = []
    for names in turns:
        given += [{"type": "function_call", "call_id": "call_0", "name": name, "arguments": "{}"} for name in names]
        given += [{"type": "function_call_output", "call_id": "call_0", "output": "done"} for _ in names]
    return {"input": given}


@pytest.mark.parametrize(("name", "request_of"), [("chat", chat), ("messages", blocks), ("responses", items)])
@pytest.mark.parametrize("turns", [[["a"], ["b"]], [["a", "b"]], [["a", "b"], ["c"], ["d", "e"]]], ids=str)
def test_results_are_of_the_call_of_their_turn_and_place(name, request_of, turns):
    tools = [tool for turn in turns for tool in turn]
    assert calls_of(format_named(name).brought(request_of(*turns))) == [(tool, {}) for tool in tools]


@pytest.mark.format("chat")
def test_only_the_result_of_the_edited_call_says_so():
    request = chat(["a", "b"])
    edited = of_format("tests.formats.chat.test_results").EDITED
    told = of_format("litellm_bighub.formats.chat.results").continued(request["messages"], {"messages[2]": edited})
    assert told[:2] == request["messages"][:2]
    assert told[2] != request["messages"][2]


def test_calls_of_an_earlier_turn_are_over():
    calls = ReplayedCalls()
    calls.add("x", ReplayedCall("a", "0"), 0)
    calls.add("x", ReplayedCall("b", "0"), 0)
    calls.add("x", ReplayedCall("c", "1"), 1)
    assert [calls.answered("x"), calls.answered("x"), calls.answered("y")] == [ReplayedCall("c", "1")] * 2 + [None]


def test_a_result_is_the_clients_unless_its_format_says_otherwise():
    withheld = DecidedCall("r", "c1", "function", "pay", "blocked", False, "ada", 1.0)

    assert FoundResult("c1", "input[0]", {}).is_ours(withheld, ENGLISH) is False


@pytest.mark.parametrize(
    ("mark", "precedes"),
    [
        pytest.param(ReasoningMark("rs_1", "d"), True, id="its id"),
        pytest.param(ReasoningMark("rs_2", "d"), False, id="another id: the digest says nothing"),
        pytest.param(ReasoningMark("", "d"), True, id="its digest"),
        pytest.param(ReasoningMark("", "e"), False, id="another digest"),
        pytest.param(ReasoningMark(), False, id="nothing"),
    ],
)
def test_reasoning_precedes_the_call_that_it_led_to(mark, precedes):
    own = {"reasoning_id": "rs_1", "reasoning_digest": "d"}
    call = DecidedCall("resp_1", "call_1", "function", "pay", "blocked", False, "ada", 1.0, **own)
    assert FoundReasoning(mark, "input[0]").precedes(call) is precedes


def test_a_call_without_reasoning_follows_none():
    call = DecidedCall("resp_1", "call_1", "function", "pay", "blocked", False, "ada", 1.0)
    assert not FoundReasoning(ReasoningMark(), "input[0]").precedes(call)
