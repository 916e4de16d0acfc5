"""Clients of the app in this process, for tests."""

from __future__ import annotations

from contextlib import asynccontextmanager

import httpx

from litellm_bighub.control_plane.http.api_keys import make_key
from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.people.roles import AGENT, SCOPES

PERSON = frozenset(SCOPES) - AGENT


class Client:
    """Asks with one key."""

    def __init__(self, app, secret, address="127.0.0.1"):
        self.secret, self.plane = secret, app.state.plane
        transport = httpx.ASGITransport(app=app, client=(address, 1234))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://plane", headers={"X-API-Key": secret})

    async def ask(self, method, path, status=200, *, headers=None, **more):
        """What is answered; the status must be as expected."""
        response = await self.http.request(method, path, headers=headers, **more)
        assert response.status_code == status, response.text
        return response.json()

    async def evaluate(self, status=200, *, repeat=None, **body):
        headers = {"Idempotency-Key": repeat} if repeat else None
        return await self.ask("POST", "/actions/evaluate", status, headers=headers, json=body)

    async def approve(self, request_id, status=200, **more):
        return await self.ask(
            "POST", f"/approvals/{request_id}/resolve", status, json={"resolution": "approved", **more}
        )


class Clients:
    """Makes clients of an app."""

    def __init__(self, plane):
        self.plane = plane
        self.app = create_app(plane)

    async def agent(self, name="agent", *, actor=None, address="127.0.0.1"):
        _, secret = await make_key(self.plane, name, AGENT, by="test", actor=actor)
        return Client(self.app, secret, address)

    async def person(self, name="ann", scopes=PERSON):
        _, secret = await make_key(self.plane, name, scopes, by="test")
        return Client(self.app, secret)

    def of(self, secret, address="127.0.0.1"):
        return Client(self.app, secret, address)


@asynccontextmanager
async def both(plane):
    """An agent and a person."""
    clients = Clients(plane)
    yield await clients.agent(actor="*"), await clients.person()
