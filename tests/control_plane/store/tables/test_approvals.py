"""An approval moves from state to state by conditional updates, of which one wins."""

from __future__ import annotations

import pytest

from litellm_bighub.control_plane.store.tables import approvals
from litellm_bighub.control_plane.store.tables.approvals import Approval, EditedCall
from litellm_bighub.policy.approvers import Requirement

NOW = 1_000.0
TWO = (Requirement(count=2),)
TTL = 60


def asked(approval_id="apr_1", **fields):
    blank = {
        "decision_id": "dec_1",
        "state": "pending",
        "digest": "d1",
        "policy_version": "v1",
        "rule_id": "refunds",
        "reason": "refunds need a person",
        "actor": "agent",
        "domain": "payments",
        "tool": "refund",
        "type": "function",
        "target": "",
        "value": 7.5,
        "arguments": {"amount": 7.5, "note": "ä"},
        "context": {"trace_id": "t1", "surface": "proxy"},
        "four_eyes": False,
        "ttl": TTL,
        "created_at": NOW,
        "expires_at": NOW + TTL,
    }
    return Approval(**{**blank, "id": approval_id, **fields})


def approve(connection, *, by="ann", now=NOW, edited=None, edited_digest=None):
    return approvals.approve(
        connection,
        "apr_1",
        by=by,
        person=f"key of {by}",
        comment="fine",
        edited=None if edited is None else EditedCall(edited, edited_digest),
        now=now,
        expires_at=now + TTL,
    )


def state(connection):
    return approvals.get(connection, "apr_1").state


def test_a_question_is_read_as_it_was_stored(connection):
    approvals.insert(connection, asked(requirements=TWO))

    assert approvals.get(connection, "apr_1") == asked(requirements=TWO)
    assert approvals.get(connection, "apr_2") is None


def test_one_person_decides(connection):
    approvals.insert(connection, asked())

    assert approve(connection, now=NOW + 10) == "approve"
    found = approvals.get(connection, "apr_1")
    assert (found.state, found.resolved_by, found.comment, found.resolved_at) == ("approved", "ann", "fine", NOW + 10)
    assert found.expires_at == NOW + 10 + TTL
    assert approve(connection, by="bob") is None


def test_two_different_people_decide(connection):
    approvals.insert(connection, asked(requirements=TWO))

    assert approve(connection, by="ann") == "approve_first"
    assert approve(connection, by="ann") is None
    assert (state(connection), approvals.get(connection, "apr_1").first_by) == ("awaiting_second", "ann")
    assert approve(connection, by="bob") == "approve"
    assert (state(connection), approvals.get(connection, "apr_1").resolved_by) == ("approved", "bob")


def test_an_edit_by_the_second_person_is_a_first_approval(connection):
    approvals.insert(connection, asked(requirements=TWO))
    approve(connection, by="ann")

    assert approve(connection, by="bob", edited={"amount": 1}) == "approve_first"
    assert approvals.get(connection, "apr_1").edited == {"amount": 1}
    assert approve(connection, by="bob") is None
    assert approve(connection, by="ann") == "approve"


def test_a_denied_question_is_not_approved(connection):
    approvals.insert(connection, asked())

    assert approvals.deny(connection, "apr_1", by="ann", comment="no", now=NOW)
    assert not approvals.deny(connection, "apr_1", by="bob", comment="no", now=NOW)
    assert approve(connection) is None
    assert state(connection) == "denied"


def test_an_approved_call_runs_once(connection):
    approvals.insert(connection, asked())
    assert not approvals.consume(connection, "apr_1", now=NOW)
    approve(connection)

    assert approvals.consume(connection, "apr_1", now=NOW + 1)
    assert not approvals.consume(connection, "apr_1", now=NOW + 1)
    assert (state(connection), approvals.get(connection, "apr_1").consumed_at) == ("consumed", NOW + 1)


def test_what_has_expired_moves_no_more(connection):
    approvals.insert(connection, asked())
    over = NOW + TTL

    assert not approvals.expire(connection, "apr_1", now=over - 1)
    assert approve(connection, now=over) is None
    assert not approvals.deny(connection, "apr_1", by="ann", comment="", now=over)
    assert approvals.get(connection, "apr_1").state_at(over - 1) == "pending"
    assert approvals.get(connection, "apr_1").state_at(over) == "expired"
    assert approvals.due(connection, over) == ["apr_1"]
    assert approvals.expire(connection, "apr_1", now=over)
    assert approvals.due(connection, over) == []


@pytest.mark.parametrize(
    ("digest", "type_", "now", "found"),
    [
        pytest.param("d1", "function", NOW, True, id="the same call"),
        pytest.param("d2", "function", NOW, False, id="another call"),
        pytest.param("d1", "custom", NOW, False, id="another kind of call"),
        pytest.param("d1", "function", NOW + TTL, False, id="too late"),
    ],
)
def test_an_identical_call_finds_the_question(connection, digest, type_, now, found):
    approvals.insert(connection, asked())

    assert (approvals.find(connection, digest, type_, now) is not None) is found


def test_an_answered_question_is_found_before_an_open_one_and_the_oldest_first(connection):
    approvals.insert(connection, asked("apr_0", created_at=NOW - 9, state="denied"))
    approvals.insert(connection, asked("apr_2", created_at=NOW - 2))
    approvals.insert(connection, asked("apr_3", created_at=NOW - 1))
    assert approvals.find(connection, "d1", "function", NOW).id == "apr_2"

    approvals.insert(connection, asked("apr_1"))
    approve(connection)
    assert approvals.find(connection, "d1", "function", NOW).id == "apr_1"


def test_an_edit_is_found_by_the_edited_call_once_it_is_approved(connection):
    approvals.insert(connection, asked(requirements=TWO))
    approve(connection, by="ann", edited={"amount": 1}, edited_digest="d2")
    assert approvals.find(connection, "d2", "function", NOW) is None

    approve(connection, by="bob")
    assert approvals.find(connection, "d2", "function", NOW).edited == {"amount": 1}
    approvals.bind_edited(connection, "apr_1", "d3")
    assert approvals.find(connection, "d2", "function", NOW) is None
    assert approvals.find(connection, "d3", "function", NOW).id == "apr_1"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, {"open", "second", "late", "approved", "late approved", "denied", "consumed", "expired"}),
        ("pending", {"open", "second"}),
        ("awaiting_second", {"second"}),
        ("approved", {"approved"}),
        ("denied", {"denied"}),
        ("consumed", {"consumed"}),
        ("expired", {"late", "late approved", "expired"}),
    ],
)
def test_a_list_tells_the_state_that_an_approval_has_now(connection, wanted, expected):
    states = {"open": "pending", "second": "awaiting_second", "late": "pending", "late approved": "approved"}
    for name in (*states, "approved", "denied", "consumed", "expired"):
        over = NOW - 1 if name.startswith("late") else NOW + TTL
        approvals.insert(connection, asked(name, state=states.get(name, name), expires_at=over))

    assert {each.id for each in approvals.listed(connection, now=NOW, state=wanted)} == expected


def test_a_list_begins_with_the_newest(connection):
    for number in range(5):
        approvals.insert(connection, asked(f"apr_{number}", created_at=NOW + number))

    assert [each.id for each in approvals.listed(connection, now=NOW, limit=3)] == ["apr_4", "apr_3", "apr_2"]


def test_whoever_waits_is_told_of_answers_and_of_the_end(connection):
    approvals.insert(connection, asked("waits"))
    approvals.insert(connection, asked("late", expires_at=NOW))
    approvals.insert(connection, asked("answered", state="approved"))
    approvals.insert(connection, asked("of somebody else", state="denied"))

    found = approvals.no_longer_open(connection, ["waits", "late", "answered", "unknown"], NOW)
    assert {each.id for each in found} == {"late", "answered"}
