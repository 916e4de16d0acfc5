"""Every public method of the SDK is answered: by the control plane, or by a plain word that only BIGHUB does."""

from __future__ import annotations

import inspect

import pytest
from bighub import AsyncBighubClient
from bighub.exceptions import BighubAPIError, BighubAuthError

from litellm_bighub.control_plane.http.api_keys import make_key
from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.people.roles import AGENT, SCOPES
from tests.control_plane.serving import serving

EMBEDDED = (
    *("actions", "api_keys", "approvals", "brain", "constraints", "decisions", "events", "kill_switch", "outcomes"),
    *("reviews", "rules", "webhooks"),
)
HOSTED = (
    *("auth", "calibration", "cases", "features", "ingest", "insights", "learning", "precedents", "retrieval"),
    *("simulations", "systems"),
)
ASKS_NOBODY = "packets"
ROTATES = "api_keys.rotate"
"""Only a key's holder may have the one in its place."""
ANYTHING = {
    "action": "refund",
    "actions": [{"action": "refund"}],
    "case_id": "c1",
    "comment": "fine",
    "config": {},
    "decision": "approved",
    "domain": "payments",
    "event_id": "e1",
    "events": [],
    "outcome": {"status": "SUCCESS"},
    "outcomes": [{"case_id": "c1", "status": "SUCCESS"}],
    "patch": [{"op": "replace", "path": "/max_value", "value": 1}],
    "reason": "because",
    "resolution": "approved",
    "provider": "github",
    "status": "SUCCESS",
    "system": "github",
    "timestamp": 1,
}
OPTIONAL_BUT_NEEDED = {
    "kill_switch.activate": {"payload"},
    "approvals.resolve": {"resolution"},
    "outcomes.report": {"case_id"},
    "ingest.reconcile": {"case_id", "outcome"},
}
PAYLOADS = {
    "auth": {"email": "a@example.com", "password": "x"},
    "actions": {"action": "refund"},
    "api_keys": {"label": "x", "scopes": ["audit:read"]},
    "kill_switch": {"scope": "domain", "domain": "other"},
    "webhooks": {"url": "https://example.com"},
    "webhooks.verify_signature": "x",
    "rules.create": {"name": "x"},
    "rules.update": {"max_value": 1},
    "rules.dry_run": {"name": "x"},
    "rules": {"action": "refund", "actor": "a"},
}


def methods(client, names):
    """Each public method of the resources, by its full name."""
    for name in names:
        resource = getattr(client, name)
        for method, called in inspect.getmembers(resource, inspect.iscoroutinefunction):
            if not method.startswith("_"):
                yield f"{name}.{method}", called


class Things:
    """Makes what a method is called about; each time a new one, because some methods take it away."""

    def __init__(self, agent, person):
        self.agent, self.person = agent, person
        self.value = 700

    async def named(self, name, method):
        if name == "request_id" and method.startswith("outcomes"):
            return (await self._reported())["request_id"]
        if name == "payload":
            method = method.replace("constraints", "rules")
            return PAYLOADS.get(method) or PAYLOADS[method.split(".")[0]]
        make = getattr(self, name, None)
        return ANYTHING.get(name, "x") if make is None else await make()

    async def rule_id(self):
        return (await self.person.rules.create({"name": "mail"}))["rule_id"]

    async def switch_id(self):
        return (await self.person.kill_switch.activate(PAYLOADS["kill_switch"]))["switch_id"]

    async def webhook_id(self):
        return (await self._delivery())[0]

    async def delivery_id(self):
        return (await self._delivery())[1]

    async def key_id(self):
        return (await self.person.api_keys.create(PAYLOADS["api_keys"]))["key_id"]

    async def connection_id(self):
        return (await self.agent.actions.connect())["connection_id"]

    async def validation_id(self):
        return (await self._reported())["validation_id"]

    async def request_id(self):
        self.value += 1  # an approved one would be used up
        answer = await self.agent.actions.evaluate(action="refund", value=self.value)
        assert answer["result"] == "requires_approval", answer
        return answer["request_id"]

    async def api_key(self):
        return self.agent.api_key

    async def packet(self):
        return await self.agent.packets.build(action="refund")

    async def _delivery(self):
        known = (await self.person.webhooks.list())["webhooks"]
        hook = (known[0] if known else await self.person.webhooks.create(PAYLOADS["webhooks"]))["webhook_id"]
        return hook, (await self.person.webhooks.test(hook))["delivery_id"]

    async def _reported(self):
        answer = await self.agent.actions.evaluate(action="refund", value=1)
        about = {name: answer[name] for name in ("request_id", "validation_id")}
        await self.agent.outcomes.report(status="SUCCESS", case_id="c1", **about)
        return answer


@pytest.fixture
async def clients(open_plane):
    plane = open_plane("version: 1\nrules: [{name: refunds, tool: refund, require_approval_above: 500}]\n")
    async with serving(create_app(plane)) as url:
        _, asks = await make_key(plane, "agent", AGENT, by="test")
        _, may = await make_key(plane, "ann", frozenset(SCOPES) - AGENT, by="test")
        async with (
            AsyncBighubClient(base_url=url, api_key=asks, max_retries=0) as agent,
            AsyncBighubClient(base_url=url, api_key=may, max_retries=0) as person,
        ):
            yield agent, person


def test_every_resource_is_looked_at():
    client = AsyncBighubClient(base_url="http://127.0.0.1")
    resources = {name for name, value in vars(client).items() if type(value).__name__.endswith("API")}
    assert resources == {*EMBEDDED, *HOSTED, ASKS_NOBODY}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_every_method_is_answered(clients):
    agent, person = clients
    things = Things(agent, person)
    unanswered: dict[str, str] = {}
    called = 0
    for name, by_agent in methods(agent, EMBEDDED):
        resource, method = name.split(".")
        try:
            if name == ROTATES:
                await rotated(person)
                continue
            arguments = await wanted(by_agent, name, things)
            try:
                await getattr(getattr(person, resource), method)(**arguments)
            except BighubAuthError:
                await by_agent(**arguments)
        except (BighubAPIError, BighubAuthError) as error:
            unanswered[name] = str(error)
        finally:
            called += 1
    assert unanswered == {}
    assert called > 70


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_only_the_hosted_one_answers_is_said_plainly(clients):
    agent, person = clients
    other: dict[str, tuple[int, str]] = {}
    for name, method in methods(agent, HOSTED):
        arguments = await wanted(method, name, Things(agent, person))
        with pytest.raises(BighubAPIError) as caught:
            await method(**arguments)
        if (caught.value.status_code, caught.value.code) != (501, "not_embedded"):
            other[name] = (caught.value.status_code, str(caught.value))
    assert other == {}


async def rotated(person):
    made = await person.api_keys.create(PAYLOADS["api_keys"])
    async with AsyncBighubClient(base_url=person.base_url, api_key=made["key"], max_retries=0) as holder:
        await holder.api_keys.rotate(made["key_id"])


async def wanted(method, name, things):
    """Arguments for every parameter that has to be given."""
    parameters = inspect.signature(method).parameters.values()
    return {
        parameter.name: await things.named(parameter.name, name)
        for parameter in parameters
        if (parameter.default is inspect.Parameter.empty and parameter.kind is not inspect.Parameter.VAR_KEYWORD)
        or parameter.name in OPTIONAL_BUT_NEEDED.get(name, ())
    }
