"""What a Responses input brings back, and that no provider is left waiting."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st
from openai.types.responses import ResponseFunctionToolCall, response_input_item_param
from pydantic import TypeAdapter

from litellm_bighub.domain.decided_call import DecidedCall
from litellm_bighub.formats.requests.approval_note import approval_note
from litellm_bighub.formats.requests.turns import LostCalls
from litellm_bighub.formats.responses.approval_request import request_item
from litellm_bighub.formats.responses.requests.approval_answers import readable
from litellm_bighub.formats.responses.requests.results import answered, brought, continued, turns
from litellm_bighub.formats.responses.requests.withheld_output import developer_message, not_run, restored
from litellm_bighub.testing.upstream.answer_memory import AnswerMemory

ARGUMENTS = {
    "function": {"a": 1},
    "custom": {"input": "x"},
    "shell": {"action": {"commands": ["ls"]}},
    "local_shell": {"action": {"type": "exec", "command": ["ls"], "env": {}}},
    "apply_patch": {"operation": {"type": "delete_file", "path": "a"}},
    "computer": {"action": {"type": "screenshot"}},
    "mcp": {"a": 1},
    "tool_search": {"query": "x"},
    "unknown": {},
}
KNOWN = [kind for kind in ARGUMENTS if kind != "unknown"]
RESTORED = ["function", "custom", "shell", "local_shell", "apply_patch", "computer"]
ITEM = TypeAdapter(response_input_item_param.ResponseInputItemParam)


def call(number=1, kind="function", **more) -> DecidedCall:
    own = {"arguments": ARGUMENTS[kind], "item_id": f"fc_{number}", "notice_id": f"msg_bighub_{number}"}
    fields = {**own, "notice": f"call {number} has not been run", **more}
    return DecidedCall("resp_1", f"call_{number}", kind, "wipe", "blocked", False, "ada", 1.0, **fields)


def notice(number=1):
    return {"type": "message", "id": f"msg_bighub_{number}", "role": "assistant", "content": []}


def output(number=1, kind="function_call_output"):
    return {"type": kind, "call_id": f"call_{number}", "output": "x"}


@pytest.mark.parametrize("kind", KNOWN)
def test_what_a_provider_is_told_has_openais_shape(kind):
    for item in not_run(call(kind=kind)):
        ITEM.validate_python(item)
    assert "has not been run" in str(not_run(call(kind=kind)))


@pytest.mark.parametrize("kind", RESTORED)
def test_a_restored_call_has_openais_shape(kind):
    ITEM.validate_python(restored(call(kind=kind)))


@pytest.mark.parametrize("kind", ["shell", "computer", "mcp", "tool_search", "unknown"])
def test_what_cannot_be_restored_keeps_its_notice(kind):
    assert continued([notice()], notices={"msg_bighub_1": call(kind=kind, arguments={})}) == [notice()]


def test_a_namespace_is_told_apart():
    made = restored(call(kind="function", arguments={}))
    assert made == {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "wipe", "arguments": "{}"}


@pytest.mark.parametrize(
    ("item", "call_id"),
    [
        (output(), "call_1"),
        (output(kind="custom_tool_call_output"), "call_1"),
        (output(kind="shell_call_output"), "call_1"),
        (output(kind="brand_new_output"), "call_1"),
        ({"type": "local_shell_call_output", "id": "call_1", "output": "x"}, "call_1"),
        ({"type": "mcp_approval_response", "approval_request_id": "call_1", "approve": True}, "call_1"),
    ],
    ids=["function", "custom", "shell", "new", "local shell", "mcp"],
)
def test_results_are_found(item, call_id):
    [found] = brought({"input": ["x", item]}).results
    assert (found.call_id, found.path, found.call) == (call_id, "input[1]", None)


@pytest.mark.parametrize(
    "item",
    [
        {"type": "mcp_approval_response", "approval_request_id": "call_1", "approve": False},
        {"type": "message", "role": "user", "content": "function_call_output"},
        {"type": "tool_search_output", "call_id": None, "tools": []},
        "text",
        None,
    ],
)
def test_what_is_no_result(item):
    assert brought({"input": [item]}).results == ()


@pytest.mark.parametrize("given", ["text", None, 7, []])
def test_other_inputs_bring_nothing(given):
    assert brought({"input": given}).results == ()


@pytest.mark.parametrize(
    "made",
    [
        {"type": "function_call", "call_id": "call_1", "name": "pay", "arguments": '{"a":1}'},
        ResponseFunctionToolCall(type="function_call", call_id="call_1", name="pay", arguments='{"a":1}'),
    ],
    ids=["dict", "model"],
)
def test_a_result_knows_its_call(made):
    [found] = brought({"input": [made, output()]}).results
    assert (found.call().name, found.call().arguments) == ("pay", {"a": 1})


def test_references_and_compaction_hide_calls():
    assert not brought({"input": [{"type": "item_reference", "id": "fc_1"}]}).complete
    assert not brought({"input": [{"type": "compaction", "encrypted_content": "x"}]}).complete
    assert brought({"input": [notice(), output()]}).complete


def test_a_reference_to_a_notice_that_nobody_knows_goes():
    assert continued([{"type": "item_reference", "id": "msg_bighub_9"}, output()]) == [output()]


def test_the_approval_of_a_withheld_mcp_call_does_not_count():
    approval = {"type": "mcp_approval_response", "approval_request_id": "call_1", "approve": True}
    built = continued([approval, "x"], owed=[call(kind="mcp")], denied={"input[0]"})
    assert [item["approve"] for item in built[:-1]] == [False]
    assert answered({"input": built}) == {"input[0]": "call_1"}


def test_the_output_of_a_withheld_call_comes_behind_that_of_a_call_of_the_same_id():
    withheld, edited = call(), call(edited=True)
    built = continued([output(), "x"], owed_after={"input[0]": [withheld]}, approved={"input[0]": edited})
    assert built == [output(), developer_message(approval_note(edited)), *not_run(withheld), "x"]


def test_a_note_on_edited_arguments_is_told_once():
    edited = {"input[0]": call(edited=True)}
    once = continued([output()], approved=edited)
    assert approval_note(edited["input[0]"]) in str(once)
    assert continued(once, approved=edited) == once


CALLS = st.sets(st.integers(0, 7), max_size=5)


@given(here=CALLS, replayed=CALLS, siblings=CALLS, sent=CALLS, prompt=st.one_of(st.none(), st.text(min_size=1)))
def test_every_withheld_call_is_answered_exactly_once(here, replayed, siblings, sent, prompt):
    """Whatever of calls, notices and outputs the client sends, the upstream finds one output for each call.

    `here`: withheld in the response before; `replayed`: withheld, with a notice in the input; `siblings`: released and
    answered by the client; `sent`: withheld, and answered by the client even so.
    """
    replayed, siblings = replayed - here, siblings - here - replayed
    sent &= here | replayed
    memory = AnswerMemory()
    calls = [{"type": "function_call", "id": f"fc_{n}", "call_id": f"call_{n}"} for n in sorted(here)]
    memory.keep("resp_1", {"input": []}, calls)
    released = [{"type": "function_call", "call_id": f"call_{n}", "name": "b", "arguments": "{}"} for n in siblings]
    given_input = [*map(notice, replayed), *released, *(output(n) for n in [*siblings, *sent])]
    given_input += [] if prompt is None else [{"role": "user", "content": prompt}]
    before = deepcopy(given_input)

    owed = [call(n) for n in sorted(here - sent)]
    notices = {f"msg_bighub_{n}": call(n) for n in replayed}
    built = continued(given_input, owed=owed, notices=notices)

    assert memory.refuses({"input": built, "previous_response_id": "resp_1"}) == ""
    assert given_input == before
    kept = [item for item in before if item not in map(notice, replayed)]
    assert [item for item in built if item in kept] == kept
    assert continued(built, notices=notices) == built


THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": []}
USER = {"role": "user", "content": "and now?"}


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param([THOUGHT, USER], [USER], id="the call's place is gone"),
        pytest.param([USER, THOUGHT], [USER], id="at the end"),
        pytest.param([THOUGHT, THOUGHT, USER], [USER], id="two"),
        pytest.param([THOUGHT, output()], [output()], id="before an output"),
        pytest.param([THOUGHT, notice(), USER], [notice(), USER], id="before a notice that nobody knows"),
    ],
)
def test_reasoning_that_nothing_follows_is_taken_out(items, expected):
    """Clients that drop what stands in a withheld call's place keep the reasoning before it."""
    assert brought({"input": items}).is_broken
    assert continued(items) == expected


@pytest.mark.parametrize(
    "items",
    [
        [THOUGHT, {"type": "function_call", "call_id": "call_1", "name": "x", "arguments": "{}"}, output()],
        [THOUGHT, {"role": "assistant", "content": "hi"}, USER],
        [THOUGHT, {"type": "item_reference", "id": "fc_7"}, USER],
        [THOUGHT, {"type": "web_search_call", "id": "ws_1"}],
        [THOUGHT, {"type": "future_call", "id": "f_1"}],
    ],
)
def test_reasoning_before_what_the_model_made_stays(items):
    assert not brought({"input": items}).is_broken
    assert continued(items) == items


@pytest.mark.parametrize("reference", [False, True], ids=["replayed", "referred to"])
def test_a_request_for_approval_that_comes_back_is_the_call_again(reference):
    """Behind its reasoning, with an output that says it has not been run; the client's answer stays behind it."""
    waits = call(notice_id="apr_1", notice="waits for a person")
    asked = request_item("apr_1", "wipe", {"a": 1})
    answer = {"type": "mcp_approval_response", "approval_request_id": "apr_1", "approve": True}
    items = readable([THOUGHT, {"type": "item_reference", "id": "apr_1"} if reference else asked, answer], {})

    assert brought({"input": items}).notices == ("apr_1",)
    assert continued(items, notices={"apr_1": waits}) == [THOUGHT, restored(waits), *not_run(waits), items[-1]]


def test_a_reference_to_a_request_of_ours_that_nobody_knows_does_not_reach_the_provider():
    answer = {"type": "mcp_approval_response", "approval_request_id": "apr_1", "approve": True}
    items = readable([{"type": "item_reference", "id": "apr_1"}, answer], {})

    assert brought({"input": items}).is_broken
    assert continued(items) == items[1:]


def test_a_request_of_ours_that_nobody_knows_loses_its_id():
    (asked,) = readable([request_item("apr_1", "wipe", {"a": 1})], {})

    assert continued([asked]) == [{"role": "assistant", "content": asked["content"]}]


BARE_THOUGHT = {"type": "item_reference", "id": "rs_1"}
NEXT = {"type": "message", "role": "assistant", "content": "It is over."}


@pytest.mark.parametrize("thought", [THOUGHT, BARE_THOUGHT], ids=["an item", "a reference"])
@pytest.mark.parametrize(
    "following",
    [[], [USER], [NEXT, USER], [notice(), USER], [notice(), NEXT], [{"type": "item_reference", "id": "msg_bighub_1"}]],
    ids=["end", "user", "next answer", "notice", "notice and answer", "reference to a notice"],
)
def test_a_call_comes_back_behind_its_reasoning_once(thought, following):
    back = [restored(call()), *not_run(call())]
    rest = [item for item in following if item in (NEXT, USER)]
    more = {"behind": {"input[1]": call()}, "notices": {"msg_bighub_1": call()}}
    assert continued([USER, thought, *following], **more) == [USER, thought, *back, *rest]


def test_an_output_that_the_client_has_sent_stays_the_only_one():
    assert continued([THOUGHT, output()], behind={"input[0]": call()}) == [THOUGHT, restored(call()), output()]


@pytest.mark.parametrize("owed", [[], [call()]], ids=["in the input", "in the response before"])
def test_a_call_that_stands_somewhere_does_not_come_back(owed):
    made = {"type": "function_call", "call_id": "call_1", "name": "wipe", "arguments": "{}"}
    items = [THOUGHT, NEXT] if owed else [THOUGHT, made, output()]
    assert continued(items, owed=owed, behind={"input[0]": call()})[-len(items) :] == items


@pytest.mark.parametrize("before", [[], [THOUGHT]], ids=["alone", "behind other reasoning"])
def test_reasoning_goes_whose_call_cannot_come_back(before):
    lost = {f"input[{len(before) + 1}]": call(kind="mcp")}
    assert continued([USER, *before, THOUGHT, NEXT], behind=lost) == [USER, NEXT]
    assert continued([*before, THOUGHT, NEXT], behind={f"input[{len(before)}]": call(kind="mcp")}) == [NEXT]


def bare(number=1):
    return {"role": "assistant", "content": call(number).notice}


def lost(items, calls, *, continued=False):
    """These calls were lost of the last answer in a replay."""
    return [LostCalls(turns({"input": items}).found[-1], calls, continued)]


def anew(number=1):
    """A call without the item's id, with its output."""
    return [restored(replace(call(number), item_id="")), *not_run(call(number))]


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(bare(), id="text"),
        pytest.param({**bare(), "id": "msg_theirs", "type": "message"}, id="under an id of the client's"),
        pytest.param({**bare(), "content": [{"type": "output_text", "text": call().notice}]}, id="part"),
        pytest.param({**bare(), "content": [{"type": "refusal", "refusal": call().notice}]}, id="refusal"),
    ],
)
def test_a_notice_without_its_id_becomes_the_call_again(said):
    items = [USER, said, USER]
    assert continued(items, lost=lost(items, [call()])) == [USER, *anew(), USER]


def test_several_notices_become_the_calls_in_their_order():
    same = [replace(call(number), notice="no") for number in (1, 2)]
    items = [USER, *({"role": "assistant", "content": "no"} for _ in same), USER]
    back = continued(items, lost=lost(items, same))
    assert [item["call_id"] for item in back if "call_id" in item] == ["call_1", "call_1", "call_2", "call_2"]


def test_other_words_stay():
    items = [USER, NEXT, USER]
    assert continued(items, lost=lost(items, [call()])) == items


def test_a_call_whose_reasoning_is_there_comes_back_behind_it_once():
    items = [USER, THOUGHT, bare(), USER]
    back = continued(items, behind={"input[1]": call()}, lost=lost(items, [call()], continued=True))
    assert back == [USER, THOUGHT, restored(call()), *not_run(call()), USER]


def test_a_call_whose_notice_is_there_comes_back_in_its_place_once():
    items = [USER, notice(), NEXT, USER]
    back = continued(items, notices={"msg_bighub_1": call()}, lost=lost(items, [call()], continued=True))
    assert back == [USER, restored(replace(call(), item_id="")), *not_run(call()), NEXT, USER]


def test_a_call_has_its_items_id_only_behind_its_reasoning():
    """A provider that knows the id wants the reasoning before it, too, and clients drop that."""
    thought = {"type": "reasoning", "id": "rs_1", "summary": []}
    kept = continued([USER, thought, notice(), USER], notices={"msg_bighub_1": call()})
    dropped = continued([USER, notice(), USER], notices={"msg_bighub_1": call()})
    assert kept == [USER, thought, restored(call()), *not_run(call()), USER]
    assert dropped == [USER, restored(replace(call(), item_id="")), *not_run(call()), USER]


def test_what_the_model_was_told_of_comes_back_before_its_next_answer():
    items = [USER, THOUGHT, NEXT, USER]
    calls = [call(1), call(2), replace(call(1), call_id="call_9", response_id="resp_again")]
    calls = [replace(each, digest=each.call_id if each.call_id != "call_9" else "call_1") for each in calls]
    back = continued(items, lost=lost(items, calls, continued=True))
    assert [item.get("call_id") for item in back] == [None, *["call_9"] * 2, *["call_2"] * 2, None, None, None]
    assert back[-3:] == [THOUGHT, NEXT, USER]


def test_instructions_and_thoughts_do_not_make_another_turn():
    one = turns({"input": [{"role": "developer", "content": "12:00"}, USER, THOUGHT, NEXT, USER]})
    other = turns({"input": [{"role": "system", "content": "12:01"}, USER, NEXT, USER]})
    assert (one.found[0].digest, one.coming) == (other.found[0].digest, other.coming)
    assert turns({"input": "and now?"}).coming == turns({"input": [USER]}).coming
