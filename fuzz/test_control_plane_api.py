"""Whatever is sent to the API, it answers as it declares, and only to those who may ask.

BIGHUB_FUZZ_EXAMPLES says how many requests of each operation; CI sends few, and always the same.
"""

from __future__ import annotations

import asyncio
import gc
import os
from contextlib import contextmanager

import pytest
import schemathesis
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import booleans
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

from litellm_bighub.control_plane.decisions.policy_source import PolicySource
from litellm_bighub.control_plane.http.api_keys import make_key
from litellm_bighub.control_plane.http.app import ROUTERS, create_app
from litellm_bighub.control_plane.people.roles import AGENT, SCOPES
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import open_database, sqlite_url
from litellm_bighub.control_plane.store.tables import approvals
from litellm_bighub.domain.redaction import Redactor
from litellm_bighub.policy.policy_file import parse_policy

EXAMPLES = int(os.environ.get("BIGHUB_FUZZ_EXAMPLES", "2"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
POLICY = "version: 1\nrules: [{name: refunds, tool: refund, require_approval_above: 500}]"
every_operation = pytest.mark.parametrize(
    ("path", "method"),
    [
        pytest.param(route.path, method, id=f"{method} {route.path}")
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in sorted(route.methods)
    ],
)
fuzzed = settings(
    max_examples=EXAMPLES,
    derandomize="BIGHUB_FUZZ_EXAMPLES" not in os.environ,
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    database = open_database(sqlite_url(tmp_path_factory.mktemp("fuzz") / "bighub.db"))
    plane = ControlPlane(database, PolicySource(parse_policy(POLICY, "policy")), redact=Redactor().redact)
    yield plane
    plane.close()


@pytest.fixture(scope="module")
def app(plane):
    with collecting_nothing():
        return create_app(plane)


@pytest.fixture(scope="module")
def api(app):
    with collecting_nothing():
        return schemathesis.openapi.from_asgi("/openapi.json", app)


@pytest.fixture(scope="module")
def person(plane):
    return headers(plane, "person", frozenset(SCOPES) - AGENT)


@pytest.fixture(scope="module")
def agent(plane):
    return headers(plane, "agent", AGENT)


@pytest.fixture
def known(app, person, agent, path):
    """Names of things that are there, by the path parameter that they fill."""
    if "{" not in path:
        return {}
    client = TestClient(app)

    def post(path, by, **body):
        response = client.post(path, json=body, headers=by)
        assert response.status_code == 200, response.text
        return response.json()

    for switch in client.get("/kill-switch/status", headers=person).json()["active_switches"]:
        post(f"/kill-switch/deactivate/{switch['switch_id']}", person)
    asked = post("/actions/evaluate", agent, action="refund", value=700)
    post("/outcomes/report", agent, status="SUCCESS", request_id=asked["request_id"], case_id="c1")
    hook = post("/webhooks", person, url="http://127.0.0.1:9", events=[])["webhook_id"]
    return {
        "validation_id": asked["validation_id"],
        "request_id": asked["request_id"],
        "case_id": "c1",
        "domain": "custom",
        "version": asked["policy_version"],
        "rule_id": post("/rules", person, name="mail")["rule_id"],
        "switch_id": post("/kill-switch/activate", person, scope="domain", domain="other")["switch_id"],
        "webhook_id": hook,
        "delivery_id": post(f"/webhooks/{hook}/test", person)["delivery_id"],
        "key_id": post("/api-keys", person, label="old", scopes=["audit:read"])["key_id"],
    }


@contextmanager
def collecting_nothing():
    """CPython 3.11 fails where a collection amid `ast.parse`, which pydantic calls, has a finalizer parse too."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def headers(plane, name, scopes):
    _, secret = asyncio.run(make_key(plane, name, scopes, by="test"))
    return {"X-API-Key": secret}


def fuzz(operation, known, check):
    """Check many requests, half of them about something that is there."""

    @fuzzed
    @given(case=operation.as_strategy() | operation.as_strategy(GenerationMode.NEGATIVE), about_known=booleans())
    def each(case, about_known):
        if about_known:
            for name in case.path_parameters:
                case.path_parameters[name] = known[name]
        check(case)

    each()


@every_operation
def test_everybody_is_answered_as_declared_and_as_they_may(api, plane, known, person, agent, path, method):
    """Without a key nothing is answered (400 and 422: a body that is not even JSON), and an agent resolves nothing."""

    def check(case):
        assert case.call().status_code in {400, 401, 422}
        case.call_and_validate(headers=agent, checks=CHECKS)
        if known:
            waits = asyncio.run(plane.read(lambda connection: approvals.get(connection, known["request_id"])))
            assert waits.resolved_by in {None, "person"}
        case.call_and_validate(headers=person, checks=CHECKS)

    fuzz(api[path][method], known, check)
