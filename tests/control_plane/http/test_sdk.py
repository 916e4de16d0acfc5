"""Every resource of the contract, asked by the real BIGHUB client over a real socket."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from bighub import AsyncBighubClient
from bighub.exceptions import BighubAPIError, BighubAuthError, BighubValidationError
from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse

from litellm_bighub.control_plane.channels import webhook_delivery as delivering
from litellm_bighub.control_plane.http.api_keys import make_key
from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.people.roles import AGENT, SCOPES
from litellm_bighub.deciders.hosted.hosted_decider import hosted
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow, RequireApproval
from litellm_bighub.settings import ServiceSettings
from tests.control_plane.serving import serving

POLICY = """\
version: 1
rules:
  - {name: refunds, tool: refund, require_approval_above: 500, max_value: 1000}
  - {name: lookups, tool: "lookup_*"}
"""


@pytest.fixture
async def plane(open_plane):
    return open_plane(POLICY)


@pytest.fixture
async def url(plane):
    async with serving(create_app(plane)) as url:
        yield url


@pytest.fixture
async def agent(plane, url):
    """The SDK with an agent's key."""
    _, secret = await make_key(plane, "agent", AGENT, by="test")
    async with AsyncBighubClient(base_url=url, api_key=secret, max_retries=0) as client:
        yield client


@pytest.fixture
async def person(plane, url):
    """The SDK with a key that holds everything that a person's may."""
    _, secret = await make_key(plane, "ann", frozenset(SCOPES) - AGENT, by="test")
    async with AsyncBighubClient(base_url=url, api_key=secret, max_retries=0) as client:
        yield client


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (100, (True, "allowed", "proceed", "allowed", False)),
        (700, (False, "requires_approval", "review_recommended", "requires_approval", True)),
        (2000, (False, "blocked", "do_not_proceed", "blocked", False)),
    ],
)
async def test_both_generations_fields_agree(agent, value, expected):
    answer = await agent.actions.evaluate(action="refund", value=value, actor="bot")
    fields = ("allowed", "result", "recommendation", "enforced_verdict", "requires_approval")
    assert tuple(answer[name] for name in fields) == expected
    assert answer["enforcement_mode"] == "enforced"


async def test_the_rich_decision_is_understood(agent):
    decision = await agent.decisions.evaluate(action="refund", value=2000)
    assert not decision.can_run
    assert decision.should_not_run


async def test_a_dry_run_asks_nobody(agent, person):
    answer = await agent.actions.dry_run(payload={"action": "refund", "value": 700})
    assert (answer["result"], answer["dry_run"]) == ("requires_approval", True)
    assert await person.approvals.list() == []


@pytest.mark.parametrize("path", ["/actions/submit", "/actions/submit/v2", "/actions/submit/dry-run"])
async def test_the_paths_of_the_older_generation_answer(url, agent, plane, path):
    _, secret = await make_key(plane, "old", AGENT, by="test")
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {secret}"}) as client:
        response = await client.post(path, json={"action": "refund", "value": 3, "metadata": {"order": 1}})
    assert (response.status_code, response.json()["result"]) == (200, "allowed")


async def test_a_batch_is_answered_in_order(agent):
    answers = await agent.actions.evaluate_batch(
        actions=[{"action": "refund", "value": 1}, {"action": "shell"}, {"action": "lookup_order"}], actor="bot"
    )
    assert [answer["result"] for answer in answers] == ["allowed", "blocked", "allowed"]


async def test_an_idempotency_key_decides_once(agent):
    first = await agent.actions.evaluate(action="refund", value=1, idempotency_key="k1")
    again = await agent.actions.evaluate(action="refund", value=1, idempotency_key="k1")
    assert first == again
    with pytest.raises(BighubValidationError) as caught:
        await agent.actions.evaluate(action="refund", value=2, idempotency_key="k1")
    assert caught.value.code == "idempotency_key_reused"


async def test_a_decision_is_verified(agent):
    answer = await agent.actions.evaluate(action="refund", value=1)
    verified = await agent.actions.verify_validation(answer["validation_id"])
    assert verified["valid"]
    assert verified["validation_hash"] == answer["validation_hash"]
    with pytest.raises(BighubAPIError) as caught:
        await agent.actions.verify_validation("dec_x")
    assert (caught.value.status_code, caught.value.code) == (404, "not_found")


async def test_status_stats_and_summary(agent, person):
    await agent.actions.evaluate(action="refund", value=1)
    await agent.actions.evaluate(action="refund", value=2000)
    assert (await agent.actions.status())["status"] == "operational"
    assert (await person.actions.observer_stats())["today"] == {"allowed": 1, "blocked": 1, "requires_approval": 0}
    assert (await person.actions.dashboard_summary())["value_protected"] == 2000
    history = await person.actions.value_protected_history(days=7)
    assert (len(history["data"]), history["total_blocked"]) == (7, 1)


async def test_what_shadow_mode_let_pass_is_counted(open_plane, plane):
    shadowing = open_plane(POLICY.replace("version: 1", "version: 1\nmode: shadow"))
    async with serving(create_app(shadowing)) as url:
        _, asks = await make_key(plane, "agent", AGENT, by="test")
        _, reads = await make_key(plane, "eve", frozenset({"audit:read"}), by="test")
        async with (
            AsyncBighubClient(base_url=url, api_key=asks, max_retries=0) as agent,
            AsyncBighubClient(base_url=url, api_key=reads, max_retries=0) as reader,
        ):
            for value in (1, 700, 2000, 3000):
                answer = await agent.actions.evaluate(
                    action="refund", value=value, context={"arguments": {"enforced": False}}
                )
                assert answer["allowed"]
            await plane.decide(ToolCall("c", "function", "shell", {"enforced": False}), CallContext())
            assert (await reader.actions.observer_stats())["shadow"] == {"would_block": 2, "would_ask": 1}
            assert (await reader.actions.dashboard_summary())["value_protected"] == 0


async def test_a_person_approves_and_the_agent_goes_on(agent, person):
    asked = await agent.actions.evaluate(action="refund", value=700, target="order-1", context={"session_id": "a"})
    [waiting] = await person.approvals.list()
    assert (waiting["request_id"], waiting["action"], waiting["value"]) == (asked["request_id"], "refund", 700)
    resolved = await person.approvals.resolve(asked["request_id"], resolution="approved", comment="fine")
    assert (resolved["status"], resolved["resolution"], resolved["resolved_by"]) == ("approved", "approved", "ann")
    other = await agent.actions.evaluate(action="refund", value=701, target="order-1")
    assert other["result"] == "requires_approval"
    again = await agent.actions.evaluate(action="refund", value=700, target="order-1", context={"session_id": "b"})
    assert again["allowed"]
    spent = await agent.actions.evaluate(action="refund", value=700, target="order-1")
    assert spent["result"] == "requires_approval"


async def test_a_gateway_that_asks_over_http_is_decided_like_the_embedded_one(plane, url, person):
    _, secret = await make_key(plane, "gateway", AGENT, by="test")
    decider = hosted(ServiceSettings(base_url=url, api_key=secret, deadline_seconds=60))
    call = ToolCall("call_1", "function", "refund", {"amount": 700, "password": "x"}, value=700)
    first = await decider.decide(call, CallContext(actor="bot", trace_id="t1", response_id="r1"))
    assert isinstance(first, RequireApproval)
    with pytest.raises(BighubValidationError):  # it would never hear of other arguments
        await person.reviews.resolve(
            first.approval_id, decision="modified", modified_action={"arguments": {"amount": 1}}
        )
    await person.approvals.resolve(first.approval_id, resolution="approved")
    other = ToolCall("call_2", "function", "refund", {"amount": 700, "password": "y"}, value=700)
    assert isinstance(await decider.decide(other, CallContext(actor="bot")), RequireApproval)
    same = ToolCall("call_3", "function", "refund", {"amount": 700, "password": "x"}, value=700)
    again = await decider.decide(same, CallContext(actor="bot", trace_id="t2", response_id="r2"))
    await decider.aclose()
    assert isinstance(again, Allow)


@pytest.mark.parametrize(
    "modified",
    [{"value": 600}, {"action": "refund", "arguments": {"value": 600, "target": None, "password": "[redacted]"}}],
    ids=["a field", "whole"],
)
async def test_an_edited_call_has_to_be_asked_about_and_runs_once(agent, person, modified):
    """Whoever does not understand `edited_arguments` must not run what the person has changed."""

    async def ask(value, **context):
        return await agent.actions.evaluate(action="refund", value=value, context={"password": "x", **context})

    asked = await ask(700)
    resolved = await person.reviews.resolve(asked["request_id"], decision="modified", modified_action=modified)
    assert resolved["status"] == "approved"
    assert resolved["edited_digest"] not in {None, resolved["digest"]}
    told = await ask(700)
    assert (told["allowed"], told["blocked_by"], told["can_run"]) == (False, "edited", False)
    assert told["edited_arguments"] == {"value": 600, "target": None, "password": "x"}
    assert (await ask(601))["result"] == "requires_approval"
    assert (await ask(600, session_id="s"))["result"] == "allowed"
    assert (await ask(600))["result"] == "requires_approval"
    [event] = (await person.events.list(event_type="approval.resolved"))["events"]
    assert (event["before"]["value"], event["after"]["value"], event["by"]) == (700, 600, "ann")
    assert event["before_digest"] != event["after_digest"]


@pytest.mark.parametrize(
    ("modified", "code"),
    [
        pytest.param({"value": 1001}, "blocked", id="more than the policy allows"),
        pytest.param({"value": "600"}, "no_arguments", id="a number as text"),
        pytest.param({"action": "shell", "value": 1}, "another_action", id="another action"),
        pytest.param({}, "no_arguments", id="nothing"),
        pytest.param("refund", "no_arguments", id="a name"),
        pytest.param({"arguments": {"value": True, "target": None}}, "blocked", id="a value that is no number"),
    ],
)
async def test_an_edit_that_cannot_be_decided_on_changes_nothing(agent, person, modified, code):
    asked = await agent.actions.evaluate(action="refund", value=700)
    with pytest.raises(BighubValidationError) as caught:
        await person._transport.request(
            method="POST",
            path=f"/approvals/{asked['request_id']}/resolve",
            json_body={"resolution": "approved", "modified_action": modified},
        )
    assert caught.value.code == code
    assert [waiting["status"] for waiting in await person.approvals.list()] == ["pending"]


async def test_a_live_session_asks_while_it_lives(agent, person, clock):
    session = await agent.actions.begin_live_session(actor="bot", context={"order": 1})
    assert (await session.evaluate(action="refund", value=1))["allowed"]
    asked = await session.evaluate(action="refund", value=700)
    await person.approvals.resolve(asked["request_id"], resolution="approved")
    clock.now += 60
    beat = await session.heartbeat()
    assert (beat["status"], beat["current_connections"], beat["agent_id"]) == ("connected", 1, "bot")
    clock.now += 60
    other = await agent.actions.begin_live_session(actor="bot", context={"order": 1})
    assert (await other.evaluate(action="refund", value=700))["allowed"]  # an approval is not bound to the session
    assert (await session.disconnect())["status"] == "disconnected"
    for ended in (session.heartbeat, session.disconnect, lambda: session.evaluate(action="refund", value=1)):
        with pytest.raises(BighubValidationError) as caught:
            await ended()
        assert caught.value.code == "no_live_connection"
    clock.now += 90
    with pytest.raises(BighubValidationError):
        await other.evaluate(action="refund", value=1)


async def test_a_live_session_is_of_one_key_and_one_actor(agent, plane, url):
    session = await agent.actions.begin_live_session(actor="bot")
    _, secret = await make_key(plane, "other", AGENT, by="test")
    async with AsyncBighubClient(base_url=url, api_key=secret, max_retries=0) as other:
        with pytest.raises(BighubValidationError):
            await other.actions.heartbeat(connection_id=session.connection_id)
    session.actor = "another"
    with pytest.raises(BighubValidationError):
        await session.evaluate(action="refund", value=1)


@pytest.mark.parametrize("resolution", ["denied", "rejected"])
async def test_denied_and_rejected_mean_the_same(agent, person, resolution):
    asked = await agent.actions.evaluate(action="refund", value=700)
    resolved = await person.approvals.resolve(asked["request_id"], resolution=resolution)
    assert resolved["status"] == "denied"
    with pytest.raises(BighubValidationError) as caught:
        await person.approvals.resolve(asked["request_id"], resolution="approved")
    assert caught.value.code == "resolved"


async def test_an_agent_cannot_resolve(agent):
    asked = await agent.actions.evaluate(action="refund", value=700)
    with pytest.raises(BighubAuthError, match="missing_scope"):
        await agent.approvals.resolve(asked["request_id"], resolution="approved")


async def test_no_key_can_both_ask_and_resolve(person):
    with pytest.raises(BighubValidationError) as caught:
        await person.api_keys.create({"label": "both", "scopes": ["actions:validate", "approvals:resolve"]})
    assert "no other scope" in str(caught.value.validation_errors)


async def test_an_unknown_resolution_is_refused(agent, person):
    asked = await agent.actions.evaluate(action="refund", value=700)
    with pytest.raises(BighubValidationError):
        await person.approvals.resolve(asked["request_id"], resolution="Approved")


@pytest.mark.parametrize("key", [None, "bhk_wrong"])
async def test_without_a_valid_key_nothing_is_answered(url, key):
    async with AsyncBighubClient(base_url=url, api_key=key, max_retries=0) as client:
        with pytest.raises(BighubAuthError, match="API key"):
            await client.actions.status()


async def test_a_rule_lives_its_life(agent, person):
    rule = await person.rules.create({"name": "mail", "domain": "custom", "max_per_day": 5}, idempotency_key="r1")
    assert (
        await person.rules.create({"name": "mail", "domain": "custom", "max_per_day": 5}, idempotency_key="r1") == rule
    )
    assert (await agent.actions.evaluate(action="send"))["rule_id"] == rule["rule_id"]
    used = await person.rules.get(rule["rule_id"])
    assert (used["usage_today"], used["remaining_today"]) == (1, 4)
    await person.rules.pause(rule["rule_id"])
    assert (await agent.actions.evaluate(action="send"))["blocked_by"] == "default"
    await person.rules.resume(rule["rule_id"])
    assert (await person.rules.update(rule["rule_id"], {"max_per_day": 1}))["version"] == 4
    assert (await agent.actions.evaluate(action="send"))["blocked_by"] == "max_per_day"
    versions = await person.rules.versions(rule["rule_id"])
    assert [version["version"] for version in versions] == [4, 3, 2, 1]
    assert versions[0]["changed_fields"] == [{"field": "max_per_day", "before": 5, "after": 1}]
    assert (await person.rules.versions(rule["rule_id"], limit=1))[0] == versions[0]
    assert len(await person.rules.list(status="active")) == 1
    await person.rules.delete(rule["rule_id"])
    assert await person.rules.list() == []
    with pytest.raises(BighubAPIError):
        await person.rules.get(rule["rule_id"])


async def test_every_version_of_the_policy_is_kept_with_its_text_and_changes(agent, person, clock):
    first = (await agent.actions.evaluate(action="send"))["policy_version"]
    clock.now += 1
    rule = await person.rules.create({"name": "mail", "max_per_day": 5})
    second = (await agent.actions.evaluate(action="send"))["policy_version"]

    async def get(path):
        return await person._transport.request(method="GET", path=path)

    listed = await get("/policy/versions")
    assert [one["version"] for one in listed] == [second, first]
    assert listed[0]["changes"] == [{"kind": "added", "what": f"mail ({rule['rule_id']})", "fields": {}}]
    assert listed[1]["changes"] is None
    whole = await get(f"/policy/versions/{second}")
    assert whole["added"] == {rule["rule_id"]: {"name": "mail", "max_per_day": 5}}
    assert [one["name"] for one in whole["file"]["rules"]] == ["refunds", "lookups"]
    with pytest.raises(BighubAPIError) as caught:
        await get("/policy/versions/x")
    assert caught.value.code == "not_found"


async def test_a_bad_rule_is_named(person):
    with pytest.raises(BighubValidationError) as caught:
        await person.rules.create({"name": "mail", "max_value": -1, "min_value": 3})
    assert caught.value.validation_errors
    with pytest.raises(BighubValidationError):
        await person.rules.dry_run({"name": "mail", "no_such_field": 1})


async def test_a_rule_is_asked_alone(person):
    rule = await person.rules.create({"name": "cap", "max_value": 10})
    allowed = await person.rules.validate({"action": "x", "value": 5, "actor": "a", "rule_id": rule["rule_id"]})
    blocked = await person.rules.validate_dry_run(
        {"action": "x", "value": 50, "actor": "a", "rule_id": rule["rule_id"]}
    )
    assert (allowed["result"], blocked["result"]) == ("allowed", "blocked")
    whole = await person.rules.validate({"action": "refund", "value": 2000, "actor": "a"})
    assert whole["result"] == "blocked"
    assert {"id": "custom", "name": "Custom"} in await person.rules.domains()


async def test_a_patch_is_previewed_then_applied(person):
    rule = await person.rules.create({"name": "cap", "max_value": 10})
    patch = [{"op": "replace", "path": "/max_value", "value": 20}]
    preview = await person.rules.apply_patch(rule["rule_id"], patch=patch)
    assert (preview["preview"], preview["applied"]) == (True, False)
    assert (await person.rules.get(rule["rule_id"]))["max_value"] == 10
    applied = await person.rules.apply_patch(rule["rule_id"], patch=patch, preview=False, if_match_version=1)
    assert applied["changed_fields"] == [{"field": "max_value", "before": 10.0, "after": 20}]
    with pytest.raises(BighubAPIError) as caught:
        await person.rules.apply_patch(rule["rule_id"], patch=patch, preview=False, if_match_version=1)
    assert (caught.value.status_code, caught.value.code) == (409, "version_conflict")
    with pytest.raises(BighubValidationError):
        await person.rules.apply_patch(rule["rule_id"], patch=[{"op": "replace", "path": "/rule_id", "value": "x"}])
    assert (await person.rules.purge_idempotency(only_expired=False))["purged"] == 0


async def test_the_kill_switch(agent, person):
    switch = await person.kill_switch.activate({"reason": "incident", "scope": "global"})
    blocked = await agent.actions.evaluate(action="lookup_order")
    assert (blocked["result"], blocked["blocked_by"]) == ("blocked", "kill_switch")
    assert (await agent.kill_switch.status())["is_active"]
    assert (await person.kill_switch.deactivate(switch["switch_id"]))["success"]
    assert (await agent.actions.evaluate(action="lookup_order"))["allowed"]
    with pytest.raises(BighubAuthError):
        await agent.kill_switch.activate({})


async def test_memory(agent, person):
    events = [
        {
            "event_id": f"e{n}",
            "tool": "refund",
            "status": "blocked" if n < 5 else "executed",
            "arguments": {"password": "x"},
        }
        for n in range(20)
    ]
    stored = await agent.actions.ingest_memory(events=events, source="adapter", actor="bot")
    assert (stored["accepted"], stored["total_stored"]) == (20, 20)
    assert (await agent.actions.ingest_memory(events=events, source="adapter"))["accepted"] == 0
    context = await agent.actions.memory_context(limit_recent=1, actor="bot")
    assert (context["total_events"], context["blocked_rate"]) == (20, 0.25)
    assert context["recent_events"][0]["arguments"]["password"] != "x"
    assert (await agent.actions.refresh_memory_aggregates())["refreshed"]
    recommended = await person.actions.memory_recommendations()
    assert [item["tool"] for item in recommended["recommendations"]] == ["refund"]


async def test_outcomes(agent, person):
    decision = await agent.actions.evaluate(action="refund", value=1)
    request_id = decision["request_id"]
    assert [item["request_id"] for item in (await agent.outcomes.pending())["pending"]] == [request_id]
    reported = await agent.outcomes.report(request_id=request_id, status="SUCCESS", description="done")
    assert reported["outcome_id"]
    assert (await agent.outcomes.get(request_id))["description"] == "done"
    assert len((await agent.outcomes.timeline(request_id))["events"]) == 1
    assert (await agent.outcomes.pending())["pending"] == []
    batch = await agent.outcomes.report_batch([{"case_id": "c1", "status": "FAILURE"}])
    assert batch["accepted"] == 1
    assert (await agent.outcomes.get_by_case("c1"))["status"] == "FAILURE"
    assert (await person.outcomes.analytics())["by_status"] == {"SUCCESS": 1, "FAILURE": 1}


async def test_what_outcomes_say(agent, person, clock):
    async def happened(status, *, followed, domain="payments", **told):
        decision = await agent.actions.evaluate(action="refund", value=1, actor="bot", domain=domain)
        clock.now += 30
        told["recommendation_followed"] = followed
        return await agent.outcomes.report(request_id=decision["request_id"], status=status, **told)

    first = await happened("SUCCESS", followed=True)
    assert (first["category"], first["decision_context"]["domain"]) == ("positive", "payments")
    assert (first["decision_context"]["verdict_was"], first["time_to_outcome_s"]) == ("allowed", 30)
    await happened("FRAUD", followed=False, revenue_impact=-90.5, customer_impact_count=2)
    await happened("CORRECTION", followed=True, correction_needed=True, correction_cost=5)
    await happened("SUCCESS", followed=None, domain="hr")
    summary = await person.outcomes.analytics(domain="payments")
    assert (summary["total"], summary["by_category"]) == (3, {"positive": 1, "negative": 2})
    assert (summary["revenue_impact"], summary["corrections"], summary["success_rate"]) == (-90.5, 1, 0.3333)
    assert (await person.outcomes.analytics(since="2026-11-22"))["total"] == 0
    assert (await person.outcomes.analytics(until="2026-11-22T00:00:00+01:00"))["total"] == 4
    quality = await person.outcomes.recommendation_quality()
    assert (quality["total_with_outcome"], quality["follow_rate"], quality["positive_after_following"]) == (
        4,
        0.6667,
        0.5,
    )
    assert quality["quadrants"] == {
        "followed_positive": 1,
        "followed_negative": 1,
        "ignored_positive": 0,
        "ignored_negative": 1,
    }
    assert [row["domain"] for row in quality["by_domain"]] == ["payments"]
    assert [one["status"] for one in quality["examples"]["missed"]] == ["FRAUD"]
    assert [week["week"] for week in quality["trend"]] == ["2026-W47"]
    view = await person.outcomes.partner_view("hr")
    assert (view["kpis"]["total"], view["sparse_evidence"]) == (1, True)
    with pytest.raises(BighubValidationError):
        await person.outcomes.analytics(since="yesterday")


async def test_a_decision_of_which_something_was_reported_is_still_verified(agent):
    answer = await agent.actions.evaluate(action="refund", value=1)
    await agent.outcomes.report(request_id=answer["request_id"], status="SUCCESS")
    assert (await agent.actions.verify_validation(answer["validation_id"]))["valid"]


async def test_events(agent, person):
    await agent.actions.evaluate(action="refund", value=2000)
    await agent.actions.evaluate(action="refund", value=1)
    page = await person.events.list(event_type="decision_event.created", limit=1)
    assert (page["total"], len(page["events"])) == (2, 1)
    assert (page["events"][0]["action"], page["events"][0]["allowed"]) == ("refund", True)
    assert (await person.events.stats())["by_type"]["decision_event.created"] == 2
    with pytest.raises(BighubAuthError):
        await agent.events.list()


async def test_api_keys(person, url):
    made = await person.api_keys.create({"label": "robot", "scopes": ["actions:validate"], "expires_in_days": 1})
    async with AsyncBighubClient(base_url=url, api_key=made["key"], max_retries=0) as robot:
        assert (await robot.api_keys.validate(made["key"]))["label"] == "robot"
        with pytest.raises(BighubAuthError, match="not_the_holder"):
            await person.api_keys.rotate(made["key_id"])
        rotated = await robot.api_keys.rotate(made["key_id"])
        with pytest.raises(BighubAuthError):
            await robot.actions.status()
    listed = (await person.api_keys.list())["keys"]
    assert made["key"] not in str(listed)
    await person.api_keys.revoke(rotated["key_id"], reason="over")
    assert rotated["key_id"] not in str(await person.api_keys.list())
    assert "approvals:resolve" in (await person.api_keys.scopes())["scopes"]


async def test_a_webhook_is_told_with_a_signature(agent, person, clock):
    received: asyncio.Queue[tuple[dict[str, str], str]] = asyncio.Queue()
    failing = [True]
    app = FastAPI()

    @app.post("/hook")
    async def hook(request: Request):
        received.put_nowait((dict(request.headers), (await request.body()).decode()))
        return {} if not failing[0] else (_ for _ in ()).throw(_teapot())

    async with serving(app) as receiver:
        made = await person.webhooks.create(
            {"url": f"{receiver}/hook", "events": ["approval.created"], "label": "ops", "max_retries": 0}
        )
        await agent.actions.evaluate(action="refund", value=700)
        headers, body = await asyncio.wait_for(received.get(), 60)
        signed = {
            "payload": body,
            "signature": headers["x-bighub-signature"],
            "secret": made["secret"],
            "timestamp": int(headers["x-bighub-timestamp"]),
        }
        assert (await person.webhooks.verify_signature(**signed))["valid"]
        assert not (await person.webhooks.verify_signature(**{**signed, "payload": body + " "}))["valid"]
        failing[0] = False
        await _until(person, made["webhook_id"], "failed")
        [delivery] = (await person.webhooks.deliveries(made["webhook_id"]))["deliveries"]
        await person.webhooks.replay_failed_delivery(made["webhook_id"], delivery["delivery_id"])
        assert (await asyncio.wait_for(received.get(), 60))[1] == body
        await _until(person, made["webhook_id"], "delivered")
        await person.webhooks.test(made["webhook_id"])
        assert "signal.new" in (await asyncio.wait_for(received.get(), 60))[1]
    assert (await person.webhooks.update(made["webhook_id"], {"is_active": False}))["is_active"] is False
    assert (await person.webhooks.list())["total"] == 0
    assert (await person.webhooks.list(include_inactive=True))["webhooks"][0]["label"] == "ops"
    assert "secret" not in await person.webhooks.get(made["webhook_id"])
    assert "approval.created" in (await person.webhooks.list_events())["events"]
    assert (await person.webhooks.delete(made["webhook_id"]))["deleted"]


@pytest.mark.parametrize(
    "wanted", ["ftp://example.com", "file:///etc/passwd", "http://", "javascript:x", "https://[", ""]
)
async def test_a_webhook_is_told_over_http_only(person, wanted):
    with pytest.raises(BighubValidationError):
        await person.webhooks.create({"url": wanted})


async def test_a_webhook_that_redirects_is_not_followed(person):
    visited: list[str] = []
    app = FastAPI()

    @app.post("/hook")
    async def hook():
        visited.append("hook")
        return RedirectResponse("/inside", 307)

    @app.post("/inside")
    async def inside():
        visited.append("inside")

    async with serving(app) as receiver:
        made = await person.webhooks.create({"url": f"{receiver}/hook", "max_retries": 0})
        await person.webhooks.test(made["webhook_id"])
        await _until(person, made["webhook_id"], "failed")
    [delivery] = (await person.webhooks.deliveries(made["webhook_id"]))["deliveries"]
    assert (delivery["response_status"], visited) == (307, ["hook"])


def _teapot():
    from fastapi import HTTPException  # noqa: PLC0415

    return HTTPException(418)


async def _until(person, webhook_id, status):
    for _ in range(1000):
        [newest, *_] = (await person.webhooks.deliveries(webhook_id))["deliveries"]
        if newest["status"] == status:
            return
    raise AssertionError(newest)


@pytest.mark.parametrize(("moved", "valid"), [(0, True), (300, True), (301, False), (-301, False)])
def test_a_signature_is_good_for_five_minutes(moved, valid):
    signature = delivering.sign("s", 1000, "{}")
    assert delivering.verify(secret="s", timestamp=1000, body="{}", signature=signature, now=1000 + moved) is valid


@pytest.mark.parametrize(
    "body",
    [
        pytest.param('{"action": "refund", "value": NaN}', id="NaN"),
        pytest.param('{"action": "refund", "value": "5"}', id="a number as text"),
        pytest.param('{"action": "refund", "value": 5, "context": {"a": Infinity}}', id="infinity inside"),
        pytest.param('{"action": "refund", "value": 5, "context": {"a": 99999999999999999999}}', id="a huge integer"),
        pytest.param('{"action": "refund", "context": {"a": "\\ud800"}}', id="a lone surrogate"),
        pytest.param('{"action": ""}', id="no action"),
        pytest.param('{"action": "a\\u0000b"}', id="a NUL"),
        pytest.param("[1]", id="no object"),
        pytest.param('{"action": "x", "context": ' + '{"a":' * 200 + "1" + "}" * 200 + "}", id="too deep"),
    ],
)
async def test_what_cannot_be_decided_on_is_refused(url, plane, body):
    _, secret = await make_key(plane, "agent", AGENT, by="test")
    async with httpx.AsyncClient(base_url=url, headers={"X-API-Key": secret}) as client:
        response = await client.post("/actions/evaluate", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 422
    request_id = response.json()["request_id"]
    assert request_id
    assert "99999" not in response.text.replace(request_id, "")


@pytest.mark.parametrize("database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_what_the_database_cannot_hold_is_refused(person):
    """PostgreSQL's text holds no NUL."""
    with pytest.raises(BighubValidationError) as caught:
        await person.api_keys.create({"label": "a\0b", "scopes": ["audit:read"]})
    assert caught.value.code == "unstorable"


async def test_a_huge_body_is_refused(url):
    async with httpx.AsyncClient(base_url=url) as client:
        response = await client.post("/actions/evaluate", content=b"x" * 2_000_001)
    assert response.status_code == 413
