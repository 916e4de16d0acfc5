"""What a chat history brings back, and that one with a withheld call in it is whole."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.domain.decided_call import DecidedCall
from litellm_bighub.formats.chat.calls import find_calls, withhold
from litellm_bighub.formats.chat.results import brought, continued, turns, with_lost_calls
from litellm_bighub.formats.requests.turns import LostCalls

EDITED = DecidedCall("r", "call_a", "function", "pay", "allowed", True, "ada", 1.0, arguments={"a": 1}, edited=True)
NOTE = 'A person changed the arguments of the tool call "pay" (call_a) before it ran. It ran with: {"a":1}'


def tool_call(call_id):
    return {"id": call_id, "type": "function", "function": {"name": "pay", "arguments": '{"a":1}'}}


def tool(call_id, content="done"):
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def is_whole(messages) -> bool:
    """OpenAI's rule: every call is answered right behind its message, and nothing else is answered."""
    open_ids: set[str] = set()
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_ids:
                return False
            open_ids.discard(message["tool_call_id"])
            continue
        if open_ids or not (message.get("content") or message.get("tool_calls")):
            return False
        open_ids = {call["id"] for call in message.get("tool_calls") or ()}
    return not open_ids


@pytest.mark.parametrize("content", ["Here.", None, [{"type": "text", "text": "Here."}]])
@pytest.mark.parametrize("withheld", [{"call_a"}, {"call_b"}, {"call_a", "call_b"}], ids=["first", "second", "both"])
def test_the_history_of_a_client_is_whole(content, withheld):
    message = {"role": "assistant", "content": content, "tool_calls": [tool_call("call_a"), tool_call("call_b")]}
    for found in find_calls({"choices": [{"message": message, "finish_reason": "tool_calls"}]}):
        if found.call.id in withheld:
            withhold(found, "was withheld")
    answers = [tool(call["id"]) for call in message.get("tool_calls") or ()]

    assert is_whole([{"role": "user", "content": "go"}, message, *answers, {"role": "user", "content": "and now?"}])
    assert len(answers) == 2 - len(withheld)


def test_results_are_found_with_their_calls():
    messages = [
        {"role": "assistant", "tool_calls": [tool_call("call_a"), tool_call(None)]},
        tool("call_a"),
        tool("call_b"),
    ]
    first, second = brought({"messages": messages}).results

    assert (first.path, first.call().name, first.call().arguments) == ("messages[1]", "pay", {"a": 1})
    assert (second.call_id, second.call) == ("call_b", None)


@pytest.mark.parametrize("messages", [None, "x", [None], ["x"], [{"role": "tool"}], [{"role": "user", "content": "x"}]])
def test_others_bring_nothing(messages):
    assert brought({"messages": messages}).results == ()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("done", f"done\n\n{NOTE}"),
        (None, NOTE),
        ([{"type": "text", "text": "done"}], [{"type": "text", "text": "done"}, {"type": "text", "text": NOTE}]),
    ],
    ids=["text", "nothing", "parts"],
)
def test_the_model_is_told_of_edited_arguments_once(content, expected):
    given = [tool("call_a", content), tool("call_b")]
    told = continued(given, {"messages[0]": EDITED})

    assert [message["content"] for message in told] == [expected, "done"]
    assert given == [tool("call_a", content), tool("call_b")]
    assert continued(told, {"messages[0]": EDITED}) == told


ASKED = {"tools": [{"type": "function", "function": {"name": "pay"}}]}


def lost(number, **more):
    fields = {"arguments": {"a": number}, "digest": str(number), "notice": f"call {number} has not been run", **more}
    return DecidedCall("r", f"lost_{number}", "function", "pay", "blocked", False, "ada", 1.0, **fields)


def answered(messages, calls, *, continued=True, asked=ASKED):
    """The messages, of whose last answer these calls were lost."""
    found = turns({"messages": messages}).found
    return with_lost_calls(asked, messages, [LostCalls(found[-1], calls, continued)])


GO, OVER, WHAT = ({"role": "user", "content": "go"}, {"role": "assistant", "content": "It is over."}, tool("call_a"))


def test_calls_that_the_model_was_told_of_come_back_before_its_next_answer():
    go, made, told, over = answered([GO, OVER], [lost(1)])
    assert (go, over) == (GO, OVER)
    function = {"name": "pay", "arguments": '{"a":1}'}
    assert made == {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "lost_1", "type": "function", "function": function}],
    }
    assert told == tool("lost_1", "call 1 has not been run")


TURN = st.sampled_from([[OVER], [{"role": "assistant", "content": None, "tool_calls": [tool_call("call_a")]}, WHAT]])
SYSTEM = {"role": "system", "content": "Be brief."}


@given(st.lists(TURN, min_size=1, max_size=4), st.lists(st.integers(0, 3), max_size=4))
def test_a_history_with_lost_calls_is_whole(answers, numbers):
    history = [SYSTEM] + [message for answer in answers for message in (GO, *answer)]
    found = turns({"messages": history}).found
    built = with_lost_calls(ASKED, history, [LostCalls(turn, [lost(n) for n in numbers], True) for turn in found])
    assert is_whole(built)
    assert [message for message in built if "lost_" not in str(message)] == history
    assert len(built) == len(history) + 2 * len(found) * len(set(numbers))


@pytest.mark.parametrize(
    ("messages", "more"),
    [
        pytest.param([GO, OVER], {"continued": False}, id="the client was told"),
        pytest.param([GO, {**OVER, "content": "call 1 has not been run"}], {}, id="the notice stands there"),
        pytest.param([GO, OVER], {"asked": {}}, id="no tools, so no provider takes calls"),
        pytest.param([GO, {**OVER, "reasoning_content": "hm"}], {}, id="a model that thinks, in the same turn"),
    ],
)
def test_calls_that_stay_away(messages, more):
    assert answered(messages, [lost(1)], **more) == messages


def test_calls_of_other_kinds_stay_away():
    assert answered([GO, OVER], [replace(lost(1), type="custom")]) == [GO, OVER]


def test_calls_of_a_model_that_thinks_come_back_in_the_turns_before():
    history = [GO, {**OVER, "reasoning_content": "hm"}, GO]
    assert len(answered(history, [lost(1)])) == len(history) + 2
