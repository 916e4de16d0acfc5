"""Stored runs: who can write one must be able neither to show a person another call than the one that runs, nor to use
an approval of another run."""

from __future__ import annotations

import hashlib
import hmac
import json
from functools import partial
from types import SimpleNamespace

import pytest

from litellm_bighub.control_plane.approvals.resolution import Resolution
from litellm_bighub.control_plane.store.tables import approvals
from litellm_bighub.control_plane.store.tables.secrets import STATE_KEY, secret_of
from litellm_bighub.errors import AdapterConfigurationError
from litellm_bighub.testing import function_call, text
from tests.agent.harness import ASK, DONE, outputs
from tests.agent.refunds import APPROVE, Bighub, Refunds, agent, refund

WAITING = [text("waiting")]
POLICY = "version: 1\nrules:\n  - {name: transfers, tool: transfer, require_approval_above: 0}\n"
PUBLIC = hashlib.sha256(b"states of waiting runs, None").digest()


class Transfers:
    """A tool that keeps what it moved."""

    def __init__(self):
        self.moved = []

    def transfer(self, to: str, amount: float) -> float:
        self.moved.append((to, amount))
        return amount


@pytest.fixture
def embedded(driver, policy):
    def make(transfers, **options):
        guard = driver.guard(**{"decider": "embedded", "policy": policy, **options})
        guard.tool("transfer", transfers.transfer, value_from_args=lambda a: a["amount"])
        return guard

    return make


def stored(guard):
    return json.loads(json.dumps(guard.pending[-1]))


def transfer(to, amount):
    return function_call("transfer", {"to": to, "amount": amount})


def signed(state, key):
    """What somebody writes who knows the key."""
    unsigned = {name: value for name, value in state.items() if name != "signature"}
    told = json.dumps(unsigned, sort_keys=True, separators=(",", ":")).encode()
    return {**unsigned, "signature": hmac.new(key, told, hashlib.sha256).hexdigest()}


def show_other_arguments(state):
    state["events"][0]["arguments"] = {"to": "A-1", "amount": 1.0}


def run_other_arguments(state):
    state["calls"][0]["arguments"] = {"to": "B-9", "amount": 9999.0}


def use_another_approval(state):
    state["calls"][0]["pending"]["request_id"] = "apr_other"


def answer_for_the_person(state):
    state["calls"][0]["answer"] = {"approved": True, "comment": None, "by": "ann", "arguments": None}


def let_another_tool_run(state):
    state["response"]["output"][0]["name"] = "wipe"


FORGERIES = [
    pytest.param(forge, id=forge.__name__)
    for forge in (
        show_other_arguments,
        run_other_arguments,
        use_another_approval,
        answer_for_the_person,
        let_another_tool_run,
    )
]


@pytest.mark.parametrize("forge", FORGERIES)
@pytest.mark.parametrize(
    "key",
    [pytest.param(PUBLIC, id="the-former-constant"), pytest.param(b"", id="no-key"), pytest.param(b"x", id="guess")],
)
def test_nobody_can_sign_a_run_who_has_no_access_to_the_database(embedded, driver, model, forge, key):
    """Without `state_key` runs were signed with a constant that everybody can compute."""
    model([transfer("B-9", 9999)], WAITING, DONE)
    transfers = Transfers()
    guard = embedded(transfers)
    driver.run(guard)
    state = stored(guard)
    forge(state)
    with pytest.raises(AdapterConfigurationError, match="state"):
        driver.call(guard, "resume", state=signed(state, key), on_approval_required=lambda _: APPROVE)
    assert transfers.moved == []


def test_the_key_is_one_for_all_who_use_the_database_and_another_in_every_database(
    embedded, driver, model, plane, loop, tmp_path
):
    model([transfer("A-1", 5)], WAITING, DONE)
    first, second = Transfers(), Transfers()
    driver.run(guard := embedded(first))
    state = stored(guard)
    key = loop.call(plane.write, lambda transaction: secret_of(transaction.connection, STATE_KEY))
    assert state["signature"] == signed(state, key)["signature"]
    other = tmp_path / "other"
    other.mkdir()
    (other / "bighub_policy.yaml").write_text(POLICY)
    with pytest.raises(AdapterConfigurationError, match="signed with another key"):
        driver.call(embedded(second, policy=other / "bighub_policy.yaml"), "resume", state=state)
    driver.call(embedded(second), "resume", state=state, on_approval_required=lambda _: APPROVE)
    assert (first.moved, second.moved) == ([], [("A-1", 5)])


def test_an_empty_state_key_is_refused(driver):
    with pytest.raises(AdapterConfigurationError, match="state_key"):
        driver.guard(state_key=b"")


@pytest.mark.parametrize("road", ["asked", "looked-up", "given"])
def test_an_approval_of_another_run_is_of_no_use(embedded, driver, model, plane, loop, road):
    """Even to somebody who can sign: the approval is bound to the call that it was asked for."""
    model([transfer("A-1", 1)], WAITING, [transfer("B-9", 9999)], WAITING, DONE)
    transfers, asked = Transfers(), []
    guard = embedded(transfers)
    driver.run(guard)
    harmless = stored(guard)["calls"][0]["pending"]
    driver.run(guard)
    state = stored(guard)
    key = loop.call(plane.write, lambda transaction: secret_of(transaction.connection, STATE_KEY))
    state["calls"][0]["pending"]["request_id"] = harmless["request_id"]
    state["events"][0]["arguments"] = {"to": "A-1", "amount": 1.0}
    if road == "looked-up":
        loop.call(plane.resolve, Resolution(harmless["request_id"], "approve", by="ann"))
    answers = {
        "asked": {"on_approval_required": lambda question: asked.append(question) or APPROVE},
        "looked-up": {},
        "given": {"resolutions": {harmless["request_id"]: APPROVE}},
    }
    payload = driver.call(guard, "resume", state=signed(state, key), **answers[road])
    assert (transfers.moved, asked) == ([], [])
    assert payload["execution"]["last"]["error"] == "the approval was asked for another call"
    approval = loop.call(plane.read, partial(approvals.get, approval_id=harmless["request_id"]))
    assert approval.state == ("approved" if road == "looked-up" else "pending")


def test_a_person_is_shown_what_the_approval_says(embedded, driver, model, plane, loop):
    """Not what a stored run tells of it, whoever signed that."""
    model([transfer("B-9", 9999)], WAITING, DONE)
    transfers, asked = Transfers(), []
    guard = embedded(transfers)
    driver.run(guard)
    state = stored(guard)
    key = loop.call(plane.write, lambda transaction: secret_of(transaction.connection, STATE_KEY))
    show_other_arguments(state)
    driver.call(
        guard,
        "resume",
        state=signed(state, key),
        on_approval_required=lambda question: asked.append(question) or {"resolution": "denied"},
    )
    assert [question["event"]["arguments"] for question in asked] == [{"to": "B-9", "amount": 9999.0}]
    assert transfers.moved == []


LISTED = {"action": "refund", "actor": "AI_AGENT", "value": 500.0}


@pytest.mark.parametrize("road", ["asked", "looked-up"])
@pytest.mark.parametrize(
    ("told", "runs"),
    [
        pytest.param({}, True, id="tells-nothing"),
        pytest.param(LISTED, True, id="the-call"),
        pytest.param({**LISTED, "action": "transfer"}, False, id="another-action"),
        pytest.param({**LISTED, "actor": "bob"}, False, id="another-actor"),
        pytest.param({**LISTED, "value": 1.0}, False, id="another-value"),
    ],
)
def test_the_hosted_service_is_asked_what_its_approval_is_for(driver, model, road, told, runs):
    """Its approvals are bound to no digest: what it tells of one is compared with the call that would run."""
    model([refund(500)], WAITING, DONE)
    bighub, refunds = Bighub(status="pending" if road == "asked" else "approved"), Refunds()
    status = bighub.status
    bighub.approvals.list = lambda *, status_filter: (
        [{"request_id": "req_1", "status": status, **told}] if status_filter == status else []
    )
    bighub.status = "approved"
    guard = agent(driver, bighub, refunds)
    driver.run(guard)
    asking = {"on_approval_required": lambda _: APPROVE} if road == "asked" else {}
    payload = driver.call(guard, "resume", state=stored(guard), **asking)
    assert refunds.paid == ([("ord_1", 500)] if runs else [])
    assert payload["execution"]["last"]["status"] == ("executed" if runs else "blocked")
    if not runs:
        assert bighub.resolved == []


def failing_at_first(bighub, failures):
    """An `approvals.resolve` that fails so often."""
    left, resolve = [failures], bighub.approvals.resolve

    def resolving(**told):
        if left[0]:
            left[0] -= 1
            raise ConnectionError("gone")
        return resolve(**told)

    bighub.approvals = SimpleNamespace(resolve=resolving, list=lambda *, status_filter: [])


@pytest.mark.parametrize("resolution", ["approved", "denied"])
def test_a_persons_answer_that_did_not_arrive_is_kept_and_brought_into_force_later(driver, model, resolution):
    """`resolved` was true, the model heard of a policy, and the person's yes was lost."""
    upstream = model([refund(5000, call_id="c1")], WAITING, DONE)
    bighub, refunds, asked = Bighub(), Refunds(), []
    failing_at_first(bighub, 1)
    guard = agent(driver, bighub, refunds)

    def ask(question):
        asked.append(question["request_id"])
        return {"resolution": resolution, "comment": "by phone"}

    payload = driver.call(guard, "run_with_approval", **ASK, on_approval_required=ask)
    loop = payload["approval_loop"]
    assert (loop["required"], loop["resolved"], loop["resumed"]) == (True, False, False)
    assert loop["error"] == "the approval could not be resolved (ConnectionError)"
    assert "waits for a person's approval" in outputs(upstream.requests[1])[0]["output"]
    assert refunds.paid == []

    payload = driver.call(guard, "resume", state=stored(guard), on_approval_required=ask)
    assert asked == ["req_1"]
    assert bighub.resolved == [("req_1", resolution, "by phone")]
    assert refunds.paid == ([("ord_1", 5000)] if resolution == "approved" else [])
    assert payload["approval_loop"]["resolved"] is True
    assert guard.pending == []


def test_an_answer_that_arrived_although_its_telling_failed_counts(driver, model):
    """The line broke behind the service's answer: its list says what holds."""
    model([refund(5000)], DONE)
    bighub, refunds = Bighub(), Refunds()

    def resolve(**_):
        raise TimeoutError

    bighub.approvals = SimpleNamespace(resolve=resolve, list=bighub.approvals.list)
    payload = driver.call(
        agent(driver, bighub, refunds), "run_with_approval", **ASK, on_approval_required=lambda _: APPROVE
    )
    assert refunds.paid == [("ord_1", 5000)]
    assert payload["approval_loop"]["resumed"] is True


def test_an_edit_whose_first_approval_could_not_be_given_back_waits_as_it_was(driver, model):
    model([refund(500)], WAITING, DONE)
    bighub, refunds = Bighub(), Refunds()
    failing_at_first(bighub, 1)
    guard = agent(driver, bighub, refunds)
    edit = {**APPROVE, "arguments": {"order_id": "ord_1", "amount": 50.0}}
    payload = driver.call(guard, "run_with_approval", **ASK, on_approval_required=lambda _: edit)
    assert (refunds.paid, payload["approval_loop"]["resolved"]) == ([], False)
    driver.call(guard, "resume", state=stored(guard))
    assert refunds.paid == [("ord_1", 50)]
    assert bighub.submitted == [("refund", 500), ("refund", 50)]


def test_an_edited_call_that_waits_again_can_be_resumed(driver, model):
    model([refund(500)], WAITING, DONE)
    bighub, refunds = Bighub(), Refunds()
    resolve, told = bighub.approvals.resolve, []

    def first_only(**answer):
        told.append(answer["request_id"])
        if answer["request_id"] == "req_2" and told.count("req_2") == 1:
            raise ConnectionError
        return resolve(**answer)

    bighub.approvals = SimpleNamespace(resolve=first_only, list=lambda *, status_filter: [])
    guard = agent(driver, bighub, refunds)
    edit = {**APPROVE, "arguments": {"order_id": "ord_1", "amount": 400.0}}
    driver.call(guard, "run_with_approval", **ASK, on_approval_required=lambda _: edit)
    assert refunds.paid == []
    driver.call(guard, "resume", state=stored(guard))
    assert refunds.paid == [("ord_1", 400)]
