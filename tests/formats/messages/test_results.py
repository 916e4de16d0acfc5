"""What a Messages history brings back, and that one with a withheld call in it is whole."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.domain.decided_call import DecidedCall
from litellm_bighub.formats.messages.calls import find_calls, withhold
from litellm_bighub.formats.messages.results import brought, continued, turns, with_lost_calls
from litellm_bighub.formats.requests.turns import LostCalls

EDITED = DecidedCall("r", "call_a", "function", "pay", "allowed", True, "ada", 1.0, arguments={"a": 1}, edited=True)
NOTE = 'A person changed the arguments of the tool call "pay" (call_a) before it ran. It ran with: {"a":1}'


def use(call_id):
    return {"type": "tool_use", "id": call_id, "name": "pay", "input": {"a": 1}}


def result(call_id, content="done"):
    return {"type": "tool_result", "tool_use_id": call_id, "content": content}


def user(*blocks):
    return {"role": "user", "content": list(blocks)}


def is_whole(messages) -> bool:
    """Anthropic's rules: uses are answered in the next message, nothing else is, and no text is empty."""
    waiting: set[str] = set()
    for message in messages:
        blocks = message["content"]
        if {block["tool_use_id"] for block in blocks if block["type"] == "tool_result"} != waiting:
            return False
        if not blocks or any(block["type"] == "text" and not block["text"] for block in blocks):
            return False
        waiting = {block["id"] for block in blocks if block["type"] == "tool_use"}
        if blocks[-1]["type"] == "thinking":
            return False
    return not waiting


@pytest.mark.parametrize(
    "before", [[], [{"type": "thinking", "thinking": "hm", "signature": "s"}]], ids=["", "thought"]
)
@pytest.mark.parametrize("withheld", [{"call_a"}, {"call_b"}, {"call_a", "call_b"}], ids=["first", "second", "both"])
def test_the_history_of_a_client_is_whole(before, withheld):
    answer = {"type": "message", "role": "assistant", "content": [*before, use("call_a"), use("call_b")]}
    for found in find_calls({**answer, "stop_reason": "tool_use"}):
        if found.call.id in withheld:
            withhold(found, "was withheld")
    left = [block["id"] for block in answer["content"] if block["type"] == "tool_use"]
    go, now = ({"type": "text", "text": words} for words in ("go", "and now?"))

    assert is_whole([user(go), answer, user(*map(result, left), now)])
    assert len(left) == 2 - len(withheld)


def test_results_are_found_with_their_calls():
    messages = [{"role": "assistant", "content": [use("call_a")]}, user(result("call_a"), result("call_b"))]
    first, second = brought({"messages": messages}).results

    assert (first.path, first.call().name, first.call().arguments) == ("messages[1].content[0]", "pay", {"a": 1})
    assert (second.call_id, second.call) == ("call_b", None)


@pytest.mark.parametrize("messages", [None, "x", [None], [{"role": "user", "content": "x"}], [user({"type": "text"})]])
def test_others_bring_nothing(messages):
    assert brought({"messages": messages}).results == ()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("done", f"done\n\n{NOTE}"),
        (None, NOTE),
        ([{"type": "text", "text": "done"}], [{"type": "text", "text": "done"}, {"type": "text", "text": NOTE}]),
    ],
    ids=["text", "nothing", "blocks"],
)
def test_the_model_is_told_of_edited_arguments_once(content, expected):
    given = [{"role": "user", "content": "go"}, user(result("call_a", content), result("call_b"))]
    before = deepcopy(given)
    told = continued(given, {"messages[1].content[0]": EDITED})

    assert [block["content"] for block in told[1]["content"]] == [expected, "done"]
    assert told[0] is given[0]
    assert given == before
    assert continued(told, {"messages[1].content[0]": EDITED}) == told


ASKED = {"tools": [{"name": "pay"}]}
THINKING = {**ASKED, "thinking": {"type": "enabled", "budget_tokens": 1024}}
GO, OVER = (
    user({"type": "text", "text": "go"}),
    {"role": "assistant", "content": [{"type": "text", "text": "It is over."}]},
)


def lost(number, **more):
    fields = {"arguments": {"a": number}, "digest": str(number), "notice": f"call {number} has not been run", **more}
    return DecidedCall("r", f"lost_{number}", "function", "pay", "blocked", False, "ada", 1.0, **fields)


def answered(messages, calls, *, continued=True, asked=ASKED):
    """The messages, of whose last answer these calls were lost."""
    found = turns({"messages": messages}).found
    return with_lost_calls(asked, messages, [LostCalls(found[-1], calls, continued)])


def test_calls_that_the_model_was_told_of_come_back_before_its_next_answer():
    go, made, told, over = answered([GO, OVER], [lost(1)])
    assert (go, over) == (GO, OVER)
    assert made == {"role": "assistant", "content": [{**use("lost_1"), "input": {"a": 1}}]}
    assert told == user({**result("lost_1", "call 1 has not been run"), "is_error": True})


CALLED = [{"role": "assistant", "content": [use("call_a")]}, user(result("call_a"))]


@given(
    st.lists(st.sampled_from([[GO, OVER], [GO, *CALLED, OVER]]), min_size=1, max_size=4),
    st.lists(st.integers(0, 3), max_size=4),
    st.booleans(),
)
def test_a_history_with_lost_calls_is_whole(parts, numbers, instructed):
    """Ids are unique: a call that is lost in several turns under one id comes back once."""
    history = [{"role": "system", "content": [{"type": "text", "text": "x"}]}] if instructed else []
    history += [message for part in parts for message in part]
    found = turns({"messages": history}).found
    built = with_lost_calls(ASKED, history, [LostCalls(turn, [lost(n) for n in numbers], True) for turn in found])
    assert is_whole(built)
    assert [message for message in built if "lost_" not in str(message)] == history
    assert len(built) == len(history) + 2 * len(set(numbers))


@pytest.mark.parametrize(
    ("messages", "more"),
    [
        pytest.param([GO, OVER], {"continued": False}, id="the client was told"),
        pytest.param([GO, {**OVER, "content": "call 1 has not been run"}], {}, id="the notice stands there"),
        pytest.param([GO, OVER], {"asked": {}}, id="no tools, so no provider takes calls"),
        pytest.param([GO, OVER], {"asked": THINKING}, id="a model that thinks, in the same turn"),
        pytest.param([{**GO, "content": "go"}, *CALLED, OVER], {"asked": THINKING}, id="results go on with a turn"),
    ],
)
def test_calls_that_stay_away(messages, more):
    assert answered(messages, [lost(1)], **more) == messages


def test_calls_of_other_kinds_stay_away():
    assert answered([GO, OVER], [replace(lost(1), type="custom")]) == [GO, OVER]


def test_calls_of_a_model_that_thinks_come_back_in_the_turns_before():
    assert len(answered([GO, OVER, GO], [lost(1)], asked=THINKING)) == 5
