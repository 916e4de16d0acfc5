"""Later requests are held against the calls that were decided."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decided_call import DecidedCall, Search, continuation, outcomes, released, storable, withheld

CALL = DecidedCall(
    response_id="resp_1",
    call_id="call_1",
    type="function",
    tool="pay",
    verdict="blocked",
    released=False,
    actor="AI_AGENT",
    time=1.0,
    conversation="conv_1",
    notice_id="msg_1",
    key="k",
    user="u",
    reasoning_id="rs_1",
    reasoning_digest="digest",
    turn="turn",
)
MINE = {"actor": "AI_AGENT", "key": "k", "user": "u"}


def test_a_released_call_is_the_models_own():
    call = ToolCall("call_1", "function", "pay", {"amount": 1}, path="output[0]", item_id="fc_1")
    context = CallContext(actor="a", response_id="resp_1", conversation="conv_1", key="k", user="u")

    decided = released(call, context, 7.0)

    assert decided == DecidedCall(
        response_id="resp_1",
        call_id="call_1",
        type="function",
        tool="pay",
        verdict="allowed",
        released=True,
        actor="a",
        time=7.0,
        digest=call.digest,
        conversation="conv_1",
        item_id="fc_1",
        key="k",
        user="u",
        path="output[0]",
    )
    assert decided.owner == ("a", "k", "u")


@pytest.mark.parametrize(
    ("search", "found"),
    [
        pytest.param(Search(response_id="resp_1"), True, id="response"),
        pytest.param(Search(response_id="resp_2", **MINE), False, id="another response"),
        pytest.param(Search(conversation="conv_1"), True, id="conversation"),
        pytest.param(Search(conversation="conv_2", **MINE), False, id="another conversation"),
        pytest.param(Search(call_ids=["call_1"], **MINE), True, id="id of mine"),
        pytest.param(Search(notice_ids=["msg_1"], **MINE), True, id="notice of mine"),
        pytest.param(Search(reasoning_ids=["rs_1"], **MINE), True, id="reasoning of mine"),
        pytest.param(Search(reasoning_digests=["digest"], **MINE), True, id="what my reasoning says"),
        pytest.param(Search(turns=["turn"], **MINE), True, id="turn of mine"),
        pytest.param(
            Search(reasoning_ids=["x"], reasoning_digests=["x"], turns=["x"], **MINE), False, id="another turn"
        ),
        pytest.param(
            Search(reasoning_ids=["rs_1"], reasoning_digests=["digest"], turns=["turn"], **{**MINE, "key": "other"}),
            False,
            id="turn and reasoning, another key",
        ),
        pytest.param(Search(call_ids=["call_2"], notice_ids=["msg_2"], **MINE), False, id="other ids"),
        pytest.param(Search(call_ids=["call_1"], **{**MINE, "key": "other"}), False, id="id, another key"),
        pytest.param(Search(call_ids=["call_1"], **{**MINE, "user": "other"}), False, id="id, another user"),
        pytest.param(Search(notice_ids=["msg_1"], **{**MINE, "actor": "other"}), False, id="notice, another actor"),
        pytest.param(Search(), False, id="nothing"),
    ],
)
def test_a_search_finds_the_callers_own_calls(search, found):
    assert search.fits(CALL) is found


def test_calls_outside_of_responses_and_conversations_are_not_found_by_an_empty_id():
    assert not Search(response_id="", conversation="").fits(replace(CALL, response_id="", conversation=""))


def test_a_storable_text_holds_what_databases_take():
    assert storable("pay\0 \ud800 é") == "pay\\0 \\ud800 é"


def test_the_continuation_is_that_of_the_last_call_of_the_response():
    calls = [
        replace(CALL, continued_by="resp_2"),
        replace(CALL, continued_by="resp_3"),
        replace(CALL, continued_by=""),
        replace(CALL, response_id="other", continued_by="resp_9"),
    ]

    assert continuation(calls, "resp_1") == "resp_3"
    assert continuation(calls, "unknown") == ""


def test_what_became_of_a_call_last_counts():
    approved_later = [replace(CALL, released=False), replace(CALL, released=True)]
    taken_back = [replace(CALL, call_id="call_2", released=True), replace(CALL, call_id="call_2", released=False)]

    assert withheld([*approved_later, *taken_back]) == [taken_back[-1]]


def test_two_calls_of_one_response_may_have_one_id():
    blocked = replace(CALL, item_id="fc_2", released=False)

    assert withheld([blocked, replace(CALL, item_id="fc_1", released=True)]) == [blocked]


def test_its_place_tells_a_call_from_others_with_the_same_ids():
    assert replace(CALL, path="output[1]").place != replace(CALL, path="output[2]").place


def test_calls_stand_in_the_order_of_their_places_answer_by_answer():
    later, first, other = (replace(CALL, path=f"output[{at}]") for at in (10, 9, 1))
    other = replace(other, response_id="resp_2")

    assert outcomes([later, other, first]) == [first, later, other]


def test_a_call_that_an_older_version_wrote_is_the_one_of_its_ids():
    approved = replace(CALL, path="output[1]", released=True)

    assert outcomes([CALL, approved]) == [approved]
    assert outcomes([approved, CALL]) == [CALL]


def test_a_question_asked_again_is_about_the_same_place():
    call = ToolCall("call_1", "function", "pay", path="output[1] after apr_1")

    assert (call.place, released(call, CallContext(), 1.0).path) == ("output[1]", "output[1]")


def test_a_calls_place_tells_it_from_a_twin_of_the_same_id():
    assert CALL.place == ("resp_1", "call_1", "", "")
    assert replace(CALL, path="output[1]").place != CALL.place


@given(st.text() | st.text(st.characters(max_codepoint=0x7F)))
def test_every_ledger_holds_a_text_in_the_same_form(text):
    stored = storable(text)

    assert stored == text.encode(errors="backslashreplace").decode().replace("\0", "\\0")
