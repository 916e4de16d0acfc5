"""What a chat history brings back, and that one with a withheld call in it is whole."""

from __future__ import annotations

import pytest

from litellm_bighub.domain.decided_call import DecidedCall
from litellm_bighub.formats.chat.calls import find_calls, withhold
from litellm_bighub.formats.chat.results import brought, continued

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
