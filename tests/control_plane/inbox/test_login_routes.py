"""What changes while a password is compared counts: a login, a new password or an enrolment in flight is too late."""

from __future__ import annotations

import asyncio
import os
import threading
from dataclasses import replace

import httpx
import pytest

from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.people import users
from litellm_bighub.control_plane.people.accounts import change_user, disabled
from litellm_bighub.control_plane.people.passwords import Passwords
from litellm_bighub.control_plane.people.second_factor import SecondFactor
from litellm_bighub.control_plane.store.schema import events as table
from litellm_bighub.control_plane.store.seal import Sealing
from litellm_bighub.control_plane.store.tables import events, keys, logins
from tests.control_plane.inbox.conftest import PASSWORD, STORED
from tests.control_plane.inbox.second_factor.authenticator import PAGE, App, enrolled, field

KEY = os.urandom(32)
NEW = "a longer password"


class HeldPasswords(Passwords):
    """Compares passwords, and tells the first result late."""

    def __init__(self):
        super().__init__()
        self.compared, self.told = asyncio.Event(), asyncio.Event()

    async def fits(self, password, stored):
        fits = await super().fits(password, stored)
        self.compared.set()
        await self.told.wait()
        return fits


@pytest.fixture
async def browse(plane):
    """A browser; the passwords that it types are compared by these."""
    clients = []

    def browse_(passwords=None):
        app = create_app(plane, second_factor=SecondFactor(Sealing([KEY])))
        if passwords is not None:
            app.state.passwords = passwords
        transport = httpx.ASGITransport(app=app)
        clients.append(httpx.AsyncClient(transport=transport, base_url="http://plane", follow_redirects=True))
        return clients[-1]

    yield browse_
    for client in clients:
        await client.aclose()


async def log_in(client, password=PASSWORD):
    return await client.post("/inbox/login", data={"user": "kim", "password": password})


async def change(plane, changed):
    known = await plane.read(lambda connection: users.named(connection, "kim"))
    await change_user(plane, known.id, changed, by="the server")


async def is_in(client):
    return (await client.get("/inbox")).url.path == "/inbox"


CHANGES = {
    "a new password": lambda user: replace(user, password=STORED.replace("$m=8", "$m=16")),
    "disabled": disabled(1.0),
    "a second factor": lambda user: replace(user, totp_secret="sealed"),
    "nothing": lambda user: user,
}


@pytest.mark.parametrize("what", CHANGES)
async def test_a_login_in_flight_counts_for_the_user_as_they_are_now(user, browse, plane, what):
    await user()
    held = HeldPasswords()
    client = browse(held)
    entering = asyncio.create_task(log_in(client))
    await held.compared.wait()
    await change(plane, CHANGES[what])
    held.told.set()
    assert (await entering).status_code == (200 if what == "nothing" else 401)
    assert await is_in(client) is (what == "nothing")
    refusals = await plane.read(lambda connection: events.page(connection, table.c.type == "login.refused"))
    assert len(refusals) == (what != "nothing")


async def test_a_login_in_flight_while_the_user_enrols_is_refused(user, browse, clock):
    await user()
    held = HeldPasswords()
    owner, thief = browse(), browse(held)
    await log_in(owner)
    entering = asyncio.create_task(log_in(thief))
    await held.compared.wait()
    await enrolled(owner, clock)
    held.told.set()
    assert (await entering).status_code == 401
    assert (await is_in(owner), await is_in(thief)) == (True, False)


async def session(client, plane):
    """Somebody who is logged in already, and whose server is slow from now on; what holds it back."""
    page = await log_in(client)
    held = client._transport.app.state.passwords = HeldPasswords()
    return field(page, "csrf"), held


async def test_a_new_password_in_flight_replaces_no_newer_one(user, browse, plane):
    await user()
    thief = browse()
    csrf, held = await session(thief, plane)
    changing = asyncio.create_task(
        thief.post("/inbox/people/password", data={"csrf": csrf, "old": PASSWORD, "new": NEW})
    )
    await held.compared.wait()
    await change(plane, CHANGES["a new password"])
    held.told.set()
    await changing
    stored = await plane.read(lambda connection: users.named(connection, "kim"))
    assert stored.password == CHANGES["a new password"](replace(stored, password=STORED)).password


async def test_an_enrolment_in_flight_is_none_once_the_password_is_another(user, browse, plane, clock):
    await user()
    thief = browse()
    csrf, held = await session(thief, plane)
    page = await thief.get(PAGE)
    code = App(page.text.split("<code>")[1].split("</code>")[0], clock).code()
    form = {"csrf": csrf, "candidate": field(page, "candidate"), "password": PASSWORD, "code": code}
    enrolling = asyncio.create_task(thief.post(PAGE, data=form))
    await held.compared.wait()
    await change(plane, CHANGES["a new password"])
    held.told.set()
    await enrolling
    assert not (await plane.read(lambda connection: users.named(connection, "kim"))).has_totp


async def test_a_key_that_is_revoked_during_its_login_opens_nothing(plane, key, browse, clock):
    secret = await key()
    begun, read = threading.Event(), threading.Event()

    def revoke(transaction):
        begun.set()
        assert read.wait(30)
        keys.revoke(transaction.connection, keys.find(transaction.connection, secret).id, clock.now)

    def watched():
        read.set()
        return clock()

    revoking = asyncio.create_task(plane.write(revoke))
    assert await asyncio.to_thread(begun.wait, 30)
    client = browse()
    plane.clock = watched  # told by as soon as the key was read
    assert (await client.post("/inbox/login", data={"key": secret})).status_code == 401
    await revoking
    assert await plane.read(lambda connection: logins.listed(connection, clock.now)) == []
