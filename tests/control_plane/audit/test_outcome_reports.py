"""What came of a call is kept with its decision, without secrets."""

from __future__ import annotations

import pytest

from litellm_bighub.control_plane.approvals.resolution import Resolution
from litellm_bighub.control_plane.audit.outcome_reports import EmbeddedOutcomes, keep
from litellm_bighub.control_plane.decisions.embedded_decider import EmbeddedDecider
from litellm_bighub.control_plane.people.roles import AGENT
from litellm_bighub.control_plane.store.schema import events
from litellm_bighub.control_plane.store.tables import outcomes
from litellm_bighub.control_plane.store.tables.events import page
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.event import CallOutcome
from tests.control_plane.http.asking import Clients

POLICY = "version: 1\ndefault: allow\n"
CALL = ToolCall("c", "function", "pay", {"n": 1})


async def found(plane, request_id):
    return await plane.read(lambda connection: outcomes.find(connection, "request_id", request_id))


async def test_a_report_is_kept_with_what_was_decided(open_plane):
    plane = open_plane(POLICY)
    decided = await plane.decide(CALL, CallContext(actor="agent", domain="payments"))
    [kept] = await keep(plane, [{"request_id": decided.decision_id, "status": "SUCCESS"}], by="ann", actor="the key's")

    assert (kept["actor"], kept["domain"], kept["tool"], kept["verdict"]) == ("agent", "payments", "pay", "allowed")
    assert kept["decided_at"] == decided.time
    assert [each["id"] for each in await found(plane, decided.decision_id)] == [kept["id"]]


async def test_a_report_about_nothing_known_is_its_senders(open_plane):
    plane = open_plane(POLICY)
    [kept] = await keep(plane, [{"case_id": "case 7", "status": "FAILURE"}], by="ann", actor="agent")

    assert (kept["actor"], kept["tool"], kept["request_id"]) == ("agent", "", "")


async def test_secrets_in_a_report_are_hidden(open_plane):
    plane = open_plane(POLICY)
    await keep(plane, [{"request_id": "r", "status": "SUCCESS", "details": {"password": "s3cret"}}], by="ann")

    [kept] = await found(plane, "r")
    assert kept["body"]["details"]["password"] == "[redacted]"


async def test_the_audit_names_each_report(open_plane):
    plane = open_plane(POLICY)
    kept = await keep(plane, [{"request_id": "r", "status": status} for status in ("SUCCESS", "FAILURE")], by="ann")

    reported = await plane.read(lambda connection: page(connection, events.c.type == "outcome.reported"))
    assert [each["body"] for each in reversed(reported)] == [
        {"outcome_id": each["id"], "status": each["status"], "by": "ann"} for each in kept
    ]


@pytest.mark.parametrize(("ok", "status"), [(True, "SUCCESS"), (False, "FAILURE")])
async def test_the_gateways_own_calls_are_reported(database_url, policy_file, ok, status):
    decider = EmbeddedDecider.from_policy_file(policy_file(POLICY), database_url=database_url)
    allowed = await decider.decide(CALL, CallContext())
    told = dict.fromkeys(("arguments_digest", "actor", "domain", "surface", "trace_id", "user", "team"), "")
    about = {"event_id": "e", "time": 1.0, "tool": "pay", "type": "function", "ok": ok, "size": 7, "seconds": 0.5}

    sink = EmbeddedOutcomes(decider)
    await sink.record(CallOutcome(decision_id=allowed.basis.decision_id, **about, **told))
    await sink.record(CallOutcome(decision_id="", **about, **told))  # nobody decided on it

    plane = await decider.plane()
    [kept] = await found(plane, allowed.basis.decision_id)
    assert (kept["status"], kept["body"]["size"], kept["body"]["source"]) == (status, 7, "gateway")
    assert await found(plane, "") == []
    await decider.aclose()


SUMS = """\
version: 1
tools: {pay: {value: n}}
rules: [{name: payments, tool: pay, require_approval_above: 60, max_total_per_day: 100}]
"""
SIXTY = ToolCall("c", "function", "pay", {"n": 60}, value=60)


async def fits(plane) -> bool:
    return (await plane.decide(SIXTY, CallContext(), dry_run=True)).judgement.verdict == "allowed"


async def test_a_failure_that_the_gateway_saw_frees_a_sum_once(open_plane):
    plane = open_plane(SUMS)
    decided = await plane.decide(SIXTY, CallContext())
    for status, frees in (("FAILURE", False), ("SUCCESS", True), ("another", True)):
        await keep(plane, [{"request_id": decided.decision_id, "status": status}], by="ann", frees=frees)
        assert not await fits(plane), status
    again = [{"request_id": decided.decision_id, "status": "FAILURE"}] * 2
    await keep(plane, again, by="ann", frees=True)
    await keep(plane, again, by="ann", frees=True)
    assert await fits(plane)
    await plane.decide(SIXTY, CallContext())
    assert not await fits(plane)
    reported = await plane.read(lambda connection: page(connection, events.c.type == "outcome.reported", limit=9))
    assert [event["body"].get("freed") for event in reversed(reported)].count(["payments"]) == 1


@pytest.mark.parametrize("about", ["asked", "approval", "used"])
async def test_a_failure_frees_what_an_approval_has_used_but_not_what_still_waits(open_plane, about):
    plane = open_plane(SUMS)
    call = ToolCall("c", "function", "pay", {"n": 70}, value=70)
    asked = await plane.decide(call, CallContext())
    ids = {"asked": asked.decision_id, "approval": asked.approval.id, "used": ""}
    await keep(plane, [{"request_id": ids["asked"], "status": "FAILURE"}], by="ann", frees=True)
    assert not await fits(plane)
    await plane.resolve(Resolution(asked.approval.id, "approve", "ann"))
    ids["used"] = (await plane.decide(call, CallContext())).decision_id
    await keep(plane, [{"request_id": ids[about], "status": "FAILURE"}], by="ann", frees=True)
    assert await fits(plane)


@pytest.mark.parametrize(
    ("scopes", "status", "frees"),
    [
        (AGENT, 200, False),
        (frozenset({"outcomes:write"}), 200, True),
        (frozenset({"audit:read"}), 403, False),
    ],
)
async def test_over_http_no_agent_frees_a_sum(open_plane, scopes, status, frees):
    """A gateway's key asks, too: what it reports may be the agent's word."""
    plane = open_plane(SUMS)
    decided = await plane.decide(SIXTY, CallContext())
    client = await Clients(plane).person("reporter", scopes)
    body = {"request_id": decided.decision_id, "status": "failure"}
    await client.ask("POST", "/outcomes/report", status, json=body)
    assert await fits(plane) == frees
