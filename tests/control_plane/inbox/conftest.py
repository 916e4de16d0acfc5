from __future__ import annotations

import re

import httpx
import pytest
from argon2 import PasswordHasher

from litellm_bighub.control_plane.http.api_keys import make_key
from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.people.accounts import add_user
from litellm_bighub.control_plane.people.roles import AGENT, SCOPES
from litellm_bighub.domain.call import CallContext, ToolCall
from tests.control_plane.serving import serving

POLICY = """\
version: 1
tools: {refund: {value: amount}}
rules:
  - {name: refunds, tool: refund, require_approval_above: 500, max_value: 5000}
  - {name: lookups, tool: "lookup_*"}
  - {name: careful, tool: "*", domain: hr, effect: require_approval, four_eyes: true}
"""
PERSON = frozenset(SCOPES) - AGENT
PASSWORD = "correct horse battery"
STORED = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
"""Quick, since tests compare it often."""


@pytest.fixture
def database_url(tmp_path):
    """The pages are the same on every database."""
    return f"sqlite:///{tmp_path / 'bighub.db'}"


@pytest.fixture
def plane(open_plane):
    return open_plane(POLICY)


@pytest.fixture
async def url(plane):
    async with serving(create_app(plane)) as url:
        yield url


@pytest.fixture
def ask(plane):
    """Ask for an approval; gives its id."""

    async def ask_(amount=700, *, tool="refund", actor="billing-agent", domain="customer_transactions", **arguments):
        call = ToolCall("call_1", "function", tool, {"amount": amount, **arguments}, value=amount)
        outcome = await plane.decide(call, CallContext(actor=actor, domain=domain))
        return outcome.approval.id if outcome.approval else outcome.decision_id

    return ask_


@pytest.fixture
async def key(plane):
    """Makes a person's key."""

    async def make(name="ann", scopes=PERSON) -> str:
        return (await make_key(plane, name, scopes, by="test"))[1]

    return make


@pytest.fixture
async def visit(url, key):
    """Opens the inbox over HTTP, logged in; gives the client and the form token."""
    clients: list[httpx.AsyncClient] = []

    async def visit_(name="ann", scopes=PERSON) -> tuple[httpx.AsyncClient, str]:
        client = httpx.AsyncClient(base_url=url, follow_redirects=True)
        clients.append(client)
        page = await client.post("/inbox/login", data={"key": await key(name, scopes)})
        token = re.search(r'name="csrf" value="([^"]+)"', page.text)
        assert token, page.text
        return client, token[1]

    yield visit_
    for client in clients:
        await client.aclose()


@pytest.fixture
def user(plane):
    async def make(name="kim", *roles, groups=()):
        return await add_user(
            plane, name, STORED, roles=frozenset(roles or {"approver"}), groups=frozenset(groups), by="test"
        )

    return make


@pytest.fixture
async def enter(plane):
    """Logs a user in; gives the client, the answer and the form token."""
    clients = []

    async def enter_(name="kim", password=PASSWORD, *, base="http://plane", **options):
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=create_app(plane, **options)), base_url=base, follow_redirects=True
        )
        clients.append(client)
        response = await client.post("/inbox/login", data={"user": name, "password": password})
        token = re.search(r'name="csrf" value="([^"]+)"', response.text)
        return client, response, token and token[1]

    yield enter_
    for client in clients:
        await client.aclose()
