"""What came of a call is kept with its decision, without secrets."""

from __future__ import annotations

import pytest

from litellm_bighub.control_plane.audit.outcome_reports import EmbeddedOutcomes, keep
from litellm_bighub.control_plane.decisions.embedded_decider import EmbeddedDecider
from litellm_bighub.control_plane.store.schema import events
from litellm_bighub.control_plane.store.tables import outcomes
from litellm_bighub.control_plane.store.tables.events import page
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.event import CallOutcome

POLICY = "version: 1\ndefault: allow\n"
CALL = ToolCall("c", "function", "pay", {"n": 1})


async def found(plane, request_id):
    return await plane.read(lambda connection: outcomes.find(connection, "request_id", request_id))


async def test_a_report_is_kept_with_what_was_decided(open_plane):
    plane = open_plane(POLICY)
    decided = await plane.decide(CALL, CallContext(actor="agent", domain="payments"))
    [kept] = await keep(plane, [{"request_id": decided.decision_id, "status": "SUCCESS"}], actor="the key's")

    assert (kept["actor"], kept["domain"], kept["tool"], kept["verdict"]) == ("agent", "payments", "pay", "allowed")
    assert kept["decided_at"] == decided.time
    assert [each["id"] for each in await found(plane, decided.decision_id)] == [kept["id"]]


async def test_a_report_about_nothing_known_is_its_senders(open_plane):
    plane = open_plane(POLICY)
    [kept] = await keep(plane, [{"case_id": "case 7", "status": "FAILURE"}], actor="agent")

    assert (kept["actor"], kept["tool"], kept["request_id"]) == ("agent", "", "")


async def test_secrets_in_a_report_are_hidden(open_plane):
    plane = open_plane(POLICY)
    await keep(plane, [{"request_id": "r", "status": "SUCCESS", "details": {"password": "s3cret"}}])

    [kept] = await found(plane, "r")
    assert kept["body"]["details"]["password"] == "[redacted]"


async def test_the_audit_names_each_report(open_plane):
    plane = open_plane(POLICY)
    kept = await keep(plane, [{"request_id": "r", "status": status} for status in ("SUCCESS", "FAILURE")])

    reported = await plane.read(lambda connection: page(connection, events.c.type == "outcome.reported"))
    assert [each["body"] for each in reversed(reported)] == [
        {"outcome_id": each["id"], "status": each["status"]} for each in kept
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
