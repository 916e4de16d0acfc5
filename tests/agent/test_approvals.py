"""Calls that wait for a person: asked for within the run, or answered later, in another process perhaps."""

from __future__ import annotations

import json
import re

import pytest

from litellm_bighub import PersonAnswer
from litellm_bighub.domain.decision import Block, RequireApproval
from litellm_bighub.errors import AdapterConfigurationError
from litellm_bighub.testing import text
from tests.agent.harness import ASK, DONE, outputs
from tests.agent.refunds import APPROVE, Bighub, Refunds, agent, refund


def run(driver, guard, answer):
    return driver.call(guard, "run_with_approval", **ASK, on_approval_required=answer)


@pytest.mark.lesson("the model never hears what an approved call returned")
def test_an_approved_call_runs_and_the_model_hears_its_result(driver, model):
    """Old sin: the model never heard the result of the resumed call."""
    upstream = model([refund(5000, call_id="c1")], DONE)
    bighub, refunds, asked = Bighub(), Refunds(), []
    guard = agent(driver, bighub, refunds)
    payload = run(driver, guard, lambda question: asked.append(question) or APPROVE)
    assert refunds.paid == [("ord_1", 5000)]
    assert json.loads(outputs(upstream.requests[1])[0]["output"]) == {"status": "executed", "output": {"paid": 5000}}
    assert payload["output_text"] == "done"
    assert [event["status"] for event in payload["execution"]["events"]] == ["approval_required", "executed"]
    assert [event["seq"] for event in payload["execution"]["events"]] == [0, 1]
    assert bighub.resolved == [("req_1", "approved", "approved by on-call")]
    loop = payload["approval_loop"]
    assert (loop["required"], loop["resolved"], loop["resumed"]) == (True, True, True)
    assert loop["request_id"] == "req_1"
    assert loop["approval"]["status"] == "approved"
    assert loop["tool_output"] == {"paid": 5000}
    (question,) = asked
    assert set(question) == {"request_id", "event", "response"}
    assert question["event"]["arguments"] == {"order_id": "ord_1", "amount": 5000}


def test_nothing_to_approve(driver, model):
    model([refund(5)], DONE)
    payload = run(driver, agent(driver, Bighub(), Refunds()), lambda _: APPROVE)
    assert payload["approval_loop"] == {"required": False, "resolved": False, "resumed": False}


@pytest.mark.parametrize(
    ("answer", "comment"),
    [
        pytest.param(False, None, id="false"),
        pytest.param(PersonAnswer(approved=False, comment="no"), "no", id="value"),
        pytest.param({"resolution": "denied", "comment": "no"}, "no", id="denied"),
        pytest.param({"resolution": "rejected", "arguments": {"amount": 1}}, None, id="rejected"),
    ],
)
def test_a_no_is_a_refusal(driver, model, answer, comment):
    model([refund(5000)], DONE)
    bighub, refunds = Bighub(), Refunds()
    payload = run(driver, agent(driver, bighub, refunds), lambda _: answer)
    assert refunds.paid == []
    assert bighub.resolved == [("req_1", "denied", comment)]
    assert payload["approval_loop"]["resumed"] is False
    assert payload["execution"]["last"]["status"] == "blocked"


@pytest.mark.parametrize(
    "answer",
    [True, PersonAnswer(approved=True), {"resolution": "approved", "arguments": None}],
    ids=["true", "value", "mapping"],
)
def test_a_yes_runs_the_call(driver, model, answer):
    model([refund(5000)], DONE)
    refunds = Refunds()
    run(driver, agent(driver, Bighub(), refunds), lambda _: answer)
    assert refunds.paid == [("ord_1", 5000)]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        pytest.param({"resolution": "approved", "tell_agent": "once"}, "executed", id="approved"),
        pytest.param(PersonAnswer(approved=True, tell_agent="once"), "executed", id="value"),
        pytest.param({"resolution": "denied", "tell_agent": "once"}, "blocked", id="denied"),
        pytest.param(
            {"resolution": "modified", "tell_agent": "once", "arguments": {"order_id": "o", "amount": 5}},
            "executed",
            id="modified",
        ),
    ],
)
def test_the_model_hears_what_the_person_tells_it_and_no_comment(driver, model, answer, status):
    upstream = model([refund(5000)], DONE)
    comment = {**answer, "comment": "inner"} if isinstance(answer, dict) else answer
    run(driver, agent(driver, Bighub(), Refunds()), lambda _: comment)
    (told,) = outputs(upstream.requests[1])
    heard = json.loads(told["output"])
    assert heard["status"] == status
    assert heard["note" if status == "executed" else "error"].endswith("The person says: once")
    assert "inner" not in told["output"]


@pytest.mark.lesson("an answer without a resolution is an approval", row="no-resolution")
@pytest.mark.parametrize(
    ("answer", "says"),
    [
        pytest.param({}, "a mapping without a known `resolution`", id="no-resolution"),
        pytest.param({"comment": "fine"}, "a mapping without a known `resolution`", id="comment-alone"),
        pytest.param({"resolution": "APPROVED"}, "a mapping without a known `resolution`", id="wrong-case"),
        pytest.param({"resolution": True}, "a mapping without a known `resolution`", id="boolean"),
        pytest.param("approved", "str", id="text"),
        pytest.param(1, "int", id="number"),
        pytest.param({"resolution": "approved", "arguments": "x"}, "`arguments` are no mapping", id="broken-edit"),
        pytest.param({"resolution": "modified"}, "`arguments` are no mapping", id="no-edit"),
        pytest.param({"resolution": "approved", "comment": 7}, "or `tell_agent` is no text", id="number-as-comment"),
        pytest.param({"resolution": "approved", "tell_agent": 7}, "or `tell_agent` is no text", id="number-as-note"),
    ],
)
def test_what_is_no_answer_is_an_error_and_the_call_waits_on(driver, model, answer, says):
    """Old sin: an answer without `resolution` counted as approved."""
    model([refund(5000)], DONE)
    bighub, refunds = Bighub(), Refunds()
    guard = agent(driver, bighub, refunds)
    with pytest.raises(AdapterConfigurationError, match=re.escape(says)) as raised:
        run(driver, guard, lambda _: answer)
    assert "True, False, None, a PersonAnswer" in str(raised.value)
    assert (refunds.paid, bighub.resolved) == ([], [])
    driver.call(guard, "resume", state=guard.pending[0], resolutions={"req_1": True})
    assert refunds.paid == [("ord_1", 5000)]


@pytest.mark.parametrize("callback", [None, lambda _: None], ids=["no-callback", "no-answer"])
def test_without_an_answer_the_call_goes_on_waiting(driver, model, callback):
    model([refund(5000)], DONE)
    bighub, refunds = Bighub(), Refunds()
    guard = agent(driver, bighub, refunds)
    payload = run(driver, guard, callback)
    assert (refunds.paid, bighub.resolved) == ([], [])
    loop = payload["approval_loop"]
    assert (loop["required"], loop["resolved"], loop["resumed"], loop["request_id"]) == (True, False, False, "req_1")
    assert len(guard.pending) == 1


def test_a_control_plane_that_does_not_say_approved_runs_nothing(driver, model):
    model([refund(5000)], DONE)
    refunds = Refunds()
    payload = run(driver, agent(driver, Bighub(status="expired"), refunds), lambda _: APPROVE)
    assert refunds.paid == []
    assert payload["approval_loop"]["resumed"] is False


@pytest.mark.lesson("of two calls that wait only the last is asked for")
def test_every_pending_call_of_a_turn_is_asked_for(driver, model):
    """Old sin: of two pending approvals only the last was asked for."""
    model([refund(500, "a"), refund(1, "b"), refund(700, "c")], DONE)
    bighub, refunds, asked = Bighub(), Refunds(), []

    def answer(question):
        asked.append(question["event"]["arguments"]["order_id"])
        return {"resolution": "approved" if asked[-1] == "c" else "denied"}

    payload = run(driver, agent(driver, bighub, refunds), answer)
    assert asked == ["a", "c"]
    assert refunds.paid == [("b", 1), ("c", 700)]
    assert [each["resumed"] for each in payload["approval_loop"]["approvals"]] == [False, True]


@pytest.mark.lesson("the callback changes 1 to 999999 after a person looked")
def test_what_the_callback_does_to_its_question_changes_nothing(driver, model):
    """Old sin: a callback could change 1 to 999999 after the human looked."""
    model([refund(500)], DONE)
    refunds = Refunds()

    def answer(question):
        question["event"]["arguments"]["amount"] = 999999
        return APPROVE

    run(driver, agent(driver, Bighub(), refunds), answer)
    assert refunds.paid == [("ord_1", 500)]


@pytest.mark.lesson("the callback changes 1 to 999999 after a person looked")
@pytest.mark.parametrize(
    ("amount", "paid"), [(50, [("ord_1", 50)]), (900, [("ord_1", 900)])], ids=["now-allowed", "still-needs-one"]
)
def test_edited_arguments_are_decided_again(driver, model, amount, paid):
    model([refund(500)], DONE)
    bighub, refunds = Bighub(), Refunds()
    run(
        driver,
        agent(driver, bighub, refunds),
        lambda _: {**APPROVE, "arguments": {"order_id": "ord_1", "amount": amount}},
    )
    assert bighub.submitted == [("refund", 500), ("refund", amount)]
    assert refunds.paid == paid
    assert bighub.resolved[0][:2] == ("req_1", "denied")


def test_edited_arguments_that_do_not_fit_run_nothing(driver, model):
    model([refund(500)], DONE)
    refunds = Refunds()
    payload = run(driver, agent(driver, Bighub(), refunds), lambda _: {**APPROVE, "arguments": {"amount": "all"}})
    assert refunds.paid == []
    assert payload["approval_loop"]["resumed"] is False


def test_an_expired_approval_runs_nothing(driver, model):
    model([refund(500)], DONE)
    refunds, now = Refunds(), [1000.0]

    class Expiring:
        name = "expiring"

        async def decide(self, call, context):
            return RequireApproval("look", "apr_1", expires_at=1060.0)

        async def settle(self, pending, answer, decide):
            raise AssertionError("an expired approval is not settled")

        async def look(self, pending, decide):
            return None

        async def aclose(self):
            pass

    guard = driver.guard(decider=Expiring(), clock=lambda: now[0])
    guard.tool("refund", refunds.refund)

    def answer(_):
        now[0] = 1060.0
        return APPROVE

    payload = run(driver, guard, answer)
    assert refunds.paid == []
    assert payload["execution"]["last"]["error"] == "the approval has expired"


@pytest.mark.lesson("an id that is a path activates the kill switch")
def test_a_request_id_that_is_a_path_reaches_no_url(driver, model):
    """Old sin: `../kill-switch/activate?x=` activated the kill switch."""
    model([refund(500)], DONE)
    bighub, refunds = Bighub(), Refunds()
    evil = {"allowed": False, "result": "requires_approval", "requires_approval": True}
    bighub.actions.submit = lambda **_: {**evil, "request_id": "../kill-switch/activate?x="}
    run(driver, agent(driver, bighub, refunds), lambda _: APPROVE)
    assert (refunds.paid, bighub.resolved) == ([], [])


def test_an_approval_without_an_id_cannot_be_given(driver, model):
    model([refund(500)], DONE)
    bighub, refunds = Bighub(), Refunds()
    bighub.actions.submit = lambda **_: {"allowed": False, "result": "requires_approval", "requires_approval": True}
    payload = run(driver, agent(driver, bighub, refunds), lambda _: APPROVE)
    assert payload["approval_loop"]["error"] == "missing_request_id"
    assert refunds.paid == []


@pytest.mark.lesson("the model never hears what an approved call returned")
def test_a_run_is_resumed_by_another_agent_out_of_json(driver, model):
    upstream = model([refund(1), refund(500, "ord_2", "c2")], [text("waiting")], DONE)
    first, refunds = agent(driver, Bighub(), Refunds(), bighub_api_key="k"), Refunds()
    waiting = driver.run(first)
    assert waiting["output_text"] == "waiting"
    (state,) = json.loads(json.dumps(first.pending))
    second = agent(driver, Bighub(), refunds, bighub_api_key="k")
    payload = driver.call(second, "resume", state=state, resolutions={"req_2": APPROVE})
    assert refunds.paid == [("ord_2", 500)]
    assert payload["output_text"] == "done"
    assert [event["seq"] for event in payload["execution"]["events"]] == [0, 1, 2]
    assert [event["status"] for event in payload["execution"]["events"]] == [
        "executed",
        "approval_required",
        "executed",
    ]
    told = outputs(upstream.requests[-1])
    assert json.loads(told[1]["output"]) == {"status": "executed", "output": {"paid": 500}}
    assert len(upstream.requests[-1].body["input"]) == len(upstream.requests[1].body["input"])


def test_what_nobody_answers_here_is_looked_up_in_the_control_plane(driver, model):
    model([refund(500)], [text("waiting")], DONE)
    refunds = Refunds()
    guard = agent(driver, Bighub(), refunds)
    driver.run(guard)
    payload = driver.call(guard, "resume", state=guard.pending[0])
    assert refunds.paid == [("ord_1", 500)]
    assert payload["approval_loop"]["resumed"] is True
    assert guard.pending == []


@pytest.mark.lesson("under one approved id the tool runs any number of times")
def test_a_run_is_resumed_once(driver, model):
    """Old sin: any number of times under one approved id."""
    model([refund(500)], [text("waiting")], DONE)
    refunds = Refunds()
    guard = agent(driver, Bighub(), refunds)
    driver.run(guard)
    (state,) = guard.pending
    driver.call(guard, "resume", state=state, resolutions={"req_1": APPROVE})
    with pytest.raises(AdapterConfigurationError, match="resumed already"):
        driver.call(guard, "resume", state=state, resolutions={"req_1": APPROVE})
    assert refunds.paid == [("ord_1", 500)]


@pytest.mark.lesson("under one approved id the tool runs with any arguments", row="arguments")
@pytest.mark.lesson("under one approved id any tool runs", row="request_id")
@pytest.mark.parametrize("forge", ["arguments", "request_id", "key"])
def test_a_forged_state_is_refused(driver, model, forge):
    model([refund(500)], [text("waiting")], DONE)
    refunds = Refunds()
    guard = agent(driver, Bighub(), refunds, state_key=b"ours")
    driver.run(guard)
    state = json.loads(json.dumps(guard.pending[0]))
    if forge == "arguments":
        state["calls"][0]["arguments"]["amount"] = 999999
    elif forge == "request_id":
        state["calls"][0]["pending"]["request_id"] = "req_other"
    other = agent(driver, Bighub(), refunds, state_key=b"theirs" if forge == "key" else b"ours")
    with pytest.raises(AdapterConfigurationError, match="state"):
        driver.call(other, "resume", state=state, resolutions={"req_1": APPROVE, "req_other": APPROVE})
    assert refunds.paid == []


def test_resume_after_approval_goes_on_with_the_run(driver, model):
    model([refund(500)], [text("waiting")], DONE)
    refunds = Refunds()
    guard = agent(driver, Bighub(), refunds)
    driver.run(guard)
    told = driver.call(
        guard,
        "resume_after_approval",
        tool_name="refund",
        arguments={"order_id": "ord_1", "amount": 500.0},
        request_id="req_1",
    )
    assert (told["request_id"], told["resolved"], told["resumed"]) == ("req_1", True, True)
    assert told["tool_output"] == {"paid": 500}
    assert told["response"]["output_text"] == "done"


@pytest.mark.lesson("under one approved id the tool runs with any arguments", row="arguments")
@pytest.mark.lesson("under one approved id any tool runs", row="tool")
@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"tool_name": "other"}, id="tool"),
        pytest.param({"arguments": {"order_id": "ord_1", "amount": 999999.0}}, id="arguments"),
        pytest.param({"request_id": "req_9"}, id="request"),
    ],
)
def test_resume_after_approval_is_bound_to_the_call(driver, model, wrong):
    """Old sin: any tool, any arguments, any number of times under one approved id."""
    model([refund(500)], [text("waiting")], DONE)
    refunds = Refunds()
    bighub = Bighub()
    guard = agent(driver, bighub, refunds)
    guard.tool("other", refunds.refund)
    driver.run(guard)
    right = {"tool_name": "refund", "arguments": {"order_id": "ord_1", "amount": 500.0}, "request_id": "req_1"}
    with pytest.raises(AdapterConfigurationError):
        driver.call(guard, "resume_after_approval", **{**right, **wrong})
    assert (refunds.paid, bighub.resolved) == ([], [])


@pytest.mark.lesson("under one approved id the tool runs any number of times")
def test_resume_after_approval_works_once(driver, model):
    """Old sin: any number of times under one approved id."""
    model([refund(500)], [text("waiting")], DONE)
    refunds = Refunds()
    guard = agent(driver, Bighub(), refunds)
    driver.run(guard)
    approved = {"tool_name": "refund", "arguments": {"order_id": "ord_1", "amount": 500.0}, "request_id": "req_1"}
    driver.call(guard, "resume_after_approval", **approved)
    with pytest.raises(AdapterConfigurationError, match="no call of this agent waits"):
        driver.call(guard, "resume_after_approval", **approved)
    assert refunds.paid == [("ord_1", 500)]


def test_a_decider_that_settles_by_itself_has_the_last_word(driver, model):
    model([refund(500)], DONE)
    refunds = Refunds()

    class Desk:
        name = "desk"

        async def decide(self, call, context):
            return RequireApproval("look", "apr_1")

        async def settle(self, pending, answer, decide):
            from litellm_bighub.agent.flow.effects import Settled  # noqa: PLC0415 - the port's value

            assert answer.approved
            return Settled(Block("the policy changed meanwhile"), {})

        async def look(self, pending, decide):
            return None

        async def aclose(self):
            pass

    guard = driver.guard(decider=Desk())
    guard.tool("refund", refunds.refund)
    run(driver, guard, lambda _: APPROVE)
    assert refunds.paid == []


def test_an_async_callback_is_awaited(driver, model):
    model([refund(500)], DONE)
    refunds = Refunds()

    async def answer(_):
        return APPROVE

    run(driver, agent(driver, Bighub(), refunds), answer)
    assert refunds.paid == [("ord_1", 500)]


def test_a_callback_that_fails_loses_neither_the_answers_before_it_nor_what_waits(driver, model):
    model([refund(500, "a"), refund(700, "b")], DONE)
    refunds, asked = Refunds(), []

    def answer(_):
        asked.append(1)
        if len(asked) == 2:
            raise ConnectionError("the chat is down")
        return APPROVE

    guard = agent(driver, Bighub(), refunds)
    with pytest.raises(ConnectionError) as raised:
        run(driver, guard, answer)
    assert refunds.paid == [("a", 500)]
    statuses = [event["status"] for event in raised.value.events]
    assert statuses == ["approval_required", "approval_required", "executed"]
    payload = driver.call(guard, "resume", state=guard.pending[0], resolutions={"req_2": APPROVE})
    assert refunds.paid == [("a", 500), ("b", 700)]
    assert payload["output_text"] == "done"
