"""Callers' answers to requests for approval, in a request."""

from __future__ import annotations

import pytest

from litellm_bighub.formats.requests.approval_answers import ApprovalAnswer
from litellm_bighub.formats.responses.approval_request import request_item
from litellm_bighub.formats.responses.requests.approval_answers import find_answers, readable


def answer(approval_id="apr_1", *, approve: object = True):
    return {"type": "mcp_approval_response", "approval_request_id": approval_id, "approve": approve}


OTHERS = [
    "a bare text",
    {"role": "user", "content": "hi"},
    {"type": "mcp_approval_request", "id": "mcpr_1", "server_label": "crm", "name": "x", "arguments": "{}"},
    answer("mcpr_1"),
]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param(OTHERS, [], id="none of ours"),
        pytest.param([answer()], [ApprovalAnswer("apr_1", approve=True)], id="yes"),
        pytest.param([answer(approve=False)], [ApprovalAnswer("apr_1", approve=False)], id="no"),
        pytest.param([answer(approve="true")], [ApprovalAnswer("apr_1", approve=False)], id="no boolean"),
        pytest.param([answer(), answer(approve=False)], [ApprovalAnswer("apr_1", approve=False)], id="yes and no"),
        pytest.param([answer(approve=False), answer()], [ApprovalAnswer("apr_1", approve=False)], id="no and yes"),
        pytest.param(
            [answer(), answer("apr_2")],
            [ApprovalAnswer("apr_1", approve=True), ApprovalAnswer("apr_2", approve=True)],
            id="two",
        ),
    ],
)
def test_answers_are_found(items, expected):
    assert find_answers(items) == expected


@pytest.mark.parametrize(
    ("effect", "said"),
    [("approved", "I approve"), ("denied", "I refuse"), ("void", "no longer"), ("ignored", "somebody else")],
)
def test_the_pair_becomes_messages_and_all_else_stays(effect, said):
    asked = request_item("apr_1", "refund", {"amount": 1})
    told = readable([*OTHERS, asked, answer()], {"apr_1": effect})

    assert all(item is own for item, own in zip(told, OTHERS, strict=False))
    request, response = told[len(OTHERS) :]
    assert request["role"] == "assistant"
    assert '"refund" with the arguments {"amount":1}' in request["content"]
    assert response["role"] == "user"
    assert said in response["content"]


REFERENCE = {"type": "item_reference", "id": "msg_bighub_for_apr_1"}


@pytest.mark.parametrize("item", [{"type": "item_reference", "id": "apr_1"}, {"id": "apr_1"}])
@pytest.mark.parametrize("items", [[], [answer()]])
def test_a_reference_to_our_request_becomes_one_that_is_ours_to_resolve(item, items):
    told = readable([item, *items], {})

    assert told[0] == REFERENCE
    assert [each["role"] for each in told[1:]] == ["user"] * len(items)


def test_an_answer_alone_comes_with_a_reference_once():
    told = readable([answer(), answer()], {})

    assert told[0] == REFERENCE
    assert [each.get("role") for each in told[1:]] == ["user", "user"]


def test_a_reference_to_an_item_of_the_providers_stays():
    told = readable([{"type": "item_reference", "id": "rs_1"}, answer()], {})

    assert told[0] == {"type": "item_reference", "id": "rs_1"}
