"""A field of a body that nothing reads is refused, not dropped."""

from __future__ import annotations

import ast
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args

import bighub.models
import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel

import litellm_bighub.control_plane
from litellm_bighub.control_plane.http.actions import Action
from litellm_bighub.control_plane.http.app import ROUTERS
from litellm_bighub.control_plane.http.sdk_extras.outcomes import Report
from litellm_bighub.control_plane.http.sdk_extras.rule_questions import Validate
from litellm_bighub.control_plane.http.webhooks import EVENTS
from litellm_bighub.wording import read_wording
from tests.control_plane.http.asking import Clients, both

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
OPEN = {
    Action: "every field is bound, shown and seen by rules",
    Validate: "the same, without anything that could be bound",
    Report: "kept as a whole, redacted",
}
WITHOUT_A_MODEL = {"PATCH /rules/{rule_id}": "laid over the rule, and read as one"}
POLICY = "version: 1\nrules: [{name: refunds, tool: refund, require_approval_above: 500}]"


def operations():
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute):
                yield from ((f"{method} {route.path}", route) for method in sorted(route.methods))


def models(annotation):
    """The models of a body, with those inside."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models(field.annotation)
    for inner in get_args(annotation):
        yield from models(inner)


def test_every_body_forbids_what_nobody_reads(database_url):
    ignoring: list[str] = []
    seen: set[type[BaseModel]] = set()
    for name, route in operations():
        for parameter in route.dependant.body_params:
            found = list(models(parameter.field_info.annotation))
            seen |= set(found)
            if not found and name not in WITHOUT_A_MODEL:
                ignoring.append(name)
            wanted = ((model, "allow" if model in OPEN else "forbid") for model in found)
            ignoring += [f"{name}: {model.__name__}" for model, extra in wanted if model.model_config["extra"] != extra]
    assert ignoring == []
    assert set(OPEN) <= seen
    assert len(seen) > 15


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api-keys", {"label": "x", "scopes": ["audit:read"]}),
        ("PATCH", "/api-keys/key_x", {}),
        ("DELETE", "/api-keys/key_x", {}),
        ("POST", "/webhooks", {"url": "https://example.com"}),
        ("PATCH", "/webhooks/1", {}),
        ("POST", "/webhooks/1/test", {}),
        ("POST", "/rules", {"name": "x"}),
        ("POST", "/rules/dry-run", {"name": "x"}),
        ("POST", "/approvals/apr_x/resolve", {"resolution": "approved"}),
        ("POST", "/kill-switch/activate", {}),
        ("POST", "/kill-switch/deactivate/sw_x", {}),
        ("POST", "/actions/memory/recommendations", {}),
    ],
)
async def test_an_unknown_field_is_named(open_plane, method, path, body):
    clients = Clients(open_plane(POLICY))
    person = await clients.person()
    refused = await person.ask(method, path, 422, json={**body, "no_such_field": "its value"})
    assert refused["detail"][0]["loc"][-1] == "no_such_field"
    assert "its value" not in str(refused)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/actions/evaluate/batch", {"actions": []}),
        ("/actions/live/connect", {}),
        ("/actions/live/heartbeat", {"connection_id": "x"}),
        ("/actions/live/disconnect", {"connection_id": "x"}),
        ("/actions/memory/ingest", {"events": []}),
        ("/outcomes/report/batch", {"outcomes": []}),
    ],
)
async def test_an_agents_unknown_field_is_named(open_plane, path, body):
    async with both(open_plane(POLICY)) as (agent, _):
        await agent.ask("POST", path, 422, json={**body, "no_such_field": 1})


ROUTE_OF: dict[type[Any], tuple[str, str, dict[str, Any]]] = {
    bighub.models.APIKeyCreateModel: (
        *("POST", "/api-keys"),
        {
            "label": "x",
            "scopes": ["audit:read"],
            "rate_limit_per_minute": 5,
            "ip_whitelist": ["127.0.0.1"],
            "expires_in_days": 1,
        },
    ),
    bighub.models.WebhookCreateModel: (
        *("POST", "/webhooks"),
        {
            "url": "https://example.com",
            "label": "x",
            "events": ["approval.created"],
            "timeout_seconds": 5,
            "max_retries": 1,
            "retry_delay_seconds": 1,
        },
    ),
    bighub.models.WebhookUpdateModel: (
        *("PATCH", "/webhooks/1"),
        {"url": "https://example.com", "label": "x", "events": [], "is_active": False},
    ),
}
UNREAD = {"symbols", "intervals"}
"""Of a trade that the SDK comes from: nothing here has them."""


@pytest.mark.parametrize("model", ROUTE_OF, ids=lambda model: model.__name__)
async def test_a_field_of_the_sdks_works_or_is_refused(open_plane, model):
    assert is_dataclass(model)
    method, path, known = ROUTE_OF[model]
    assert {field.name for field in fields(model)} - UNREAD == set(known)
    person = await Clients(open_plane(POLICY)).person()
    await person.ask("POST", "/webhooks", json={"url": "https://example.com"})
    answer = await person.ask(method, path, json=model(**known).to_payload())
    works = {name: answer[name] for name in known if name not in {"expires_in_days", "ip_whitelist"}}
    assert works == {name: known[name] for name in works}
    for name in UNREAD & {field.name for field in fields(model)}:
        await person.ask(method, path, 422, json={**known, name: ["x"]})


def written():
    """The types of the events that the control plane writes into its audit: texts of such a form in its source."""
    root = Path(litellm_bighub.control_plane.__file__).parent
    for path in root.rglob("*.py"):
        if path.name == "webhooks.py":
            continue
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                family, _, what = node.value.partition(".")
                if what == "html":  # the name of a page's template
                    continue
                if what.isidentifier() and what.islower() and family.isidentifier() and family.islower():
                    yield node.value


def test_a_webhook_may_want_what_happens_and_nothing_else(database_url):
    families = {name.partition(".")[0] for name in EVENTS}
    assert {name for name in written() if name.partition(".")[0] in families} == set(EVENTS)


@pytest.mark.parametrize("name", ["signal.new", "approval.create", "approval.*", "", "APPROVAL.CREATED"])
async def test_an_event_that_never_happens_is_refused(open_plane, name):
    person = await Clients(open_plane(POLICY)).person()
    listed = (await person.ask("GET", "/webhooks/events/list"))["events"]
    hook = {"url": "https://example.com"}
    made = await person.ask("POST", "/webhooks", json={**hook, "events": listed})
    await person.ask("POST", "/webhooks", 422, json={**hook, "events": [*listed, name]})
    await person.ask("PATCH", f"/webhooks/{made['webhook_id']}", 422, json={"events": [name]})


@pytest.mark.parametrize(
    "answer",
    [
        {"review_decision": "denied"},
        {"modified_action": {"value": 1, "reason": "x"}},
        {"better_action": {"value": 1, "no_such_field": 1}},
    ],
)
async def test_an_answer_that_says_more_than_is_done_is_refused(open_plane, answer):
    async with both(open_plane(POLICY)) as (agent, person):
        asked = await agent.evaluate(action="refund", value=700)
        await person.approve(asked["request_id"], 422, **answer)
        assert len(await person.ask("GET", "/approvals")) == 1


async def test_what_an_agent_tells_with_its_memory_is_kept(open_plane):
    clients = Clients(open_plane(POLICY))
    agent = await clients.agent(actor="bot")
    told = {"model": "m", "trace_id": "t", "source_version": "1"}
    await agent.ask("POST", "/actions/memory/ingest", json={"events": [{"event_id": "e"}], **told})
    [event] = (await agent.ask("GET", "/actions/memory/context"))["recent_events"]
    assert {name: event[name] for name in told} == told


async def test_answers_are_forgotten_no_more_than_asked(open_plane, clock):
    async with both(open_plane(POLICY)) as (agent, person):
        for key in "abc":
            await agent.evaluate(repeat=key, action="refund", value=1)
            clock.now += 1
        path = "/rules/admin/idempotency/purge"
        purged = await person.ask("POST", path, params={"only_expired": False, "limit": 2})
        assert purged == {"purged": 2}
        assert await person.ask("POST", path, params={"only_expired": False}) == {"purged": 1}


async def test_errors_are_told_in_the_operators_words(open_plane):
    plane = open_plane(POLICY)
    plane.wording = read_wording({"api_key_unknown": "Schlüssel fehlt", "api_not_found": "{what} {name} gibt es nicht"})
    clients = Clients(plane)
    person = await clients.person()
    missing = await person.ask("GET", "/rules/x", 404)
    assert missing["detail"] == {"code": "not_found", "message": "rule 'x' gibt es nicht"}
    assert (await clients.of("wrong").ask("GET", "/rules/x", 401))["detail"] == "Schlüssel fehlt"
