"""A report is kept with what had been decided about its call."""

from __future__ import annotations

import pytest

from litellm_bighub.control_plane.audit import outcome_reports
from litellm_bighub.control_plane.store.tables import outcomes
from litellm_bighub.domain.call import CallContext, ToolCall

ASKS = "version: 1\ndefault: allow\nrules: [{name: refunds, tool: refund, effect: require_approval}]\n"
AGENT = CallContext(actor="agent", domain="payments")


def report(outcome_id, **fields):
    blank = {"request_id": "", "validation_id": "", "case_id": "", "status": "SUCCESS", "reported_at": 1.0}
    about = {"actor": "agent", "domain": "", "tool": "", "verdict": "", "decided_at": None}
    return {**blank, **about, "id": outcome_id, "body": {"n": outcome_id}, **fields}


@pytest.mark.parametrize("column", ["request_id", "validation_id", "case_id"])
def test_reports_are_found_by_what_they_are_about_the_oldest_first(connection, column):
    outcomes.insert(connection, report("b", reported_at=2.0, **{column: "x"}))
    outcomes.insert(connection, report("a", **{column: "x"}))
    outcomes.insert(connection, report("c", **{column: "y"}))

    assert [(found["id"], found["body"]) for found in outcomes.find(connection, column, "x")] == [
        ("a", {"n": "a"}),
        ("b", {"n": "b"}),
    ]


async def test_a_decision_is_found_by_its_own_id_or_by_its_approvals(open_plane):
    plane = open_plane(ASKS)
    asked = await plane.decide(ToolCall("c", "function", "refund", {}), AGENT)
    about = {"actor": "agent", "domain": "payments", "tool": "refund", "verdict": "requires_approval"}

    for request, validation in ((asked.decision_id, ""), (asked.approval.id, ""), ("unknown", asked.decision_id)):
        found = await plane.read(
            lambda c, request=request, validation=validation: outcomes.decided(c, request, validation)
        )
        assert found == {**about, "decided_at": asked.time}


def test_of_an_unknown_request_nothing_was_decided(connection):
    blank = {"actor": "", "domain": "", "tool": "", "verdict": "", "decided_at": None}
    assert outcomes.decided(connection, "unknown", "") == blank


async def test_reports_are_kept_all_or_none(open_plane):
    plane = open_plane(ASKS)

    with pytest.raises(KeyError):
        await outcome_reports.keep(plane, [{"status": "SUCCESS", "request_id": "r"}, {"request_id": "r"}], by="ann")
    assert await plane.read(lambda connection: outcomes.find(connection, "request_id", "r")) == []
