"""Second factors: enrolled by the user, asked for at each login, good once, and nobody gets around them."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace

import httpx
import pytest

from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.inbox.login_routes import STEP_COOKIE
from litellm_bighub.control_plane.inbox.sessions import COOKIE
from litellm_bighub.control_plane.people import users
from litellm_bighub.control_plane.people.accounts import change_user
from litellm_bighub.control_plane.people.second_factor import SecondFactor, without_totp
from litellm_bighub.control_plane.store.schema import events as table, users as users_table
from litellm_bighub.control_plane.store.seal import Sealing
from litellm_bighub.control_plane.store.tables import events, logins
from litellm_bighub.wording import ENGLISH
from tests.control_plane.inbox.conftest import PASSWORD
from tests.control_plane.inbox.second_factor.authenticator import PAGE, App, enrolled, field

KEY = os.urandom(32)
CODE = "/inbox/login/code"


@pytest.fixture
async def browse(plane):
    """A browser at a server of its own, as in a process of its own."""
    clients = []

    def browse_(*, required=False, keys=(KEY,), address="10.0.0.1"):
        app = create_app(plane, second_factor=SecondFactor(Sealing(keys) if keys else None, required=required))
        transport = httpx.ASGITransport(app=app, client=(address, 1))
        clients.append(httpx.AsyncClient(transport=transport, base_url="http://plane", follow_redirects=True))
        return clients[-1]

    yield browse_
    for client in clients:
        await client.aclose()


async def log_in(client, name="kim", password=PASSWORD):
    return await client.post("/inbox/login", data={"user": name, "password": password})


async def happened(plane, type_):
    found = await plane.read(lambda connection: events.page(connection, table.c.type == type_))
    return [event["body"] for event in found][::-1]


async def is_in(client):
    return (await client.get("/inbox")).url.path == "/inbox"


async def test_a_user_enrols_and_logs_in_with_a_code(user, browse, plane, clock):
    await user()
    first, other = browse(), browse()
    await log_in(first), await log_in(other)
    app, codes = await enrolled(first, clock)
    assert len(codes) == 10
    assert await is_in(first)
    assert not await is_in(other)  # a session that was begun with the password alone

    clock.now += 60
    page = await log_in(other)
    assert (page.status_code, ENGLISH.page_code_help in page.text) == (200, True)
    assert not await is_in(other)
    page = await other.post(CODE, data={"code": app.code(), "next": "/inbox/charts"})
    assert page.url.path == "/inbox/charts"
    assert [event.get("second_factor") for event in await happened(plane, "login.started")] == [None, None, "code"]
    (event,) = await happened(plane, "user.changed")
    assert (event["by"], event["before"]["totp"], event["after"]["totp"]) == ("kim", False, True)


async def test_a_code_is_good_once_in_all_processes(user, browse, clock):
    await user()
    client, *others = (browse(address=f"10.0.0.{number}") for number in range(4))
    await log_in(client)
    app, _ = await enrolled(client, clock)
    assert [(await log_in(one)).status_code for one in others] == [200] * 3
    first = app.code()
    assert (await others[0].post(CODE, data={"code": first})).status_code == 401  # it has enrolled

    clock.now += 60
    pages = await asyncio.gather(*(one.post(CODE, data={"code": app.code()}) for one in others))
    assert sorted(page.status_code for page in pages) == [200, 401, 401]
    assert sum([await is_in(one) for one in others]) == 1


@pytest.mark.parametrize(("drift", "status"), [(-60, 401), (-30, 200), (30, 200), (60, 401)])
async def test_the_apps_clock_may_differ_by_one_step(drift, status, user, browse, clock):
    await user()
    client, other = browse(), browse()
    await log_in(client)
    app, _ = await enrolled(client, clock)
    clock.now += 300
    await log_in(other)
    assert (await other.post(CODE, data={"code": app.code(drift)})).status_code == status


async def test_guesses_of_codes_wait_whatever_address_they_come_from(user, browse, plane, clock):
    await user()
    client = browse()
    await log_in(client)
    app, _ = await enrolled(client, clock)
    clock.now += 300
    server = create_app(plane, second_factor=SecondFactor(Sealing([KEY])))
    statuses = []
    for number in range(7):
        transport = httpx.ASGITransport(app=server, client=(f"10.1.0.{number}", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://plane") as guesser:
            await log_in(guesser)
            statuses.append((await guesser.post(CODE, data={"code": "000000"})).status_code)
            last = await guesser.post(CODE, data={"code": app.code()}) if number == 6 else None
    assert statuses == [401] * 5 + [429] * 2
    assert last.status_code == 429
    assert [event["with"] for event in await happened(plane, "login.refused")] == ["code"] * 5


async def test_a_recovery_code_is_good_once(user, browse, plane, clock):
    await user()
    client, other, third = browse(), browse(), browse()
    await log_in(client)
    _, codes = await enrolled(client, clock)
    await log_in(other)
    await other.post(CODE, data={"code": codes[3].upper()})
    assert await is_in(other)
    assert "9 recovery codes are left" in (await other.get(PAGE)).text
    assert (await happened(plane, "login.started"))[-1]["second_factor"] == "recovery code"
    await log_in(third)
    assert (await third.post(CODE, data={"code": codes[3]})).status_code == 401
    rows = await plane.read(lambda connection: connection.execute(users_table.select()).mappings().all())
    assert all(code not in str(rows) and code.replace("-", "") not in str(rows) for code in codes)


async def test_the_database_does_not_hold_the_secret(user, browse, plane, clock):
    await user()
    client = browse()
    await log_in(client)
    page = await client.get(PAGE)
    await enrolled(client, clock)
    (row,) = await plane.read(lambda connection: connection.execute(users_table.select()).mappings().all())
    assert row["totp_secret"].startswith("v1.")
    assert field(page, "candidate") != row["totp_secret"]


async def test_a_code_without_the_password_opens_nothing(user, browse, clock):
    await user(), await user("lee")
    client, other = browse(), browse()
    await log_in(client)
    app, _ = await enrolled(client, clock)
    clock.now += 60
    page = await other.post(CODE, data={"code": app.code()})
    assert (page.status_code, ENGLISH.inbox_code_late in page.text) == (422, True)
    for forged in ("x", "v1.12345678.AAAA"):
        other.cookies.set(STEP_COOKIE, forged)
        assert (await other.post(CODE, data={"code": app.code()})).status_code == 422


@pytest.mark.parametrize("how", ["time", "password", "disabled"])
async def test_what_the_password_has_opened_ends(how, user, browse, plane, clock):
    kim = await user()
    client, other = browse(), browse()
    await log_in(client)
    app, _ = await enrolled(client, clock)
    await log_in(other)
    if how == "time":
        clock.now += 601
    else:
        change = {"password": "another"} if how == "password" else {"disabled_at": plane.clock()}
        await change_user(plane, kim.id, lambda known: replace(known, **change), by="root")
        clock.now += 60
    assert (await other.post(CODE, data={"code": app.code()})).status_code == 422


@pytest.mark.parametrize(
    ("password", "code", "note"),
    [("wrong", None, "password_wrong"), (PASSWORD, "000000", "code_wrong")],
    ids=["wrong password", "wrong code"],
)
async def test_who_finds_an_open_browser_enrols_nothing(password, code, note, user, browse, clock):
    await user()
    client = browse()
    await log_in(client)
    page = await client.get(PAGE)
    candidate = field(page, "candidate")
    app = App(page.text.partition("<code>")[2][:32], clock)
    form = {"csrf": field(page, "csrf"), "candidate": candidate, "password": password, "code": code or app.code()}
    page = await client.post(PAGE, data=form)
    assert (page.status_code, getattr(ENGLISH, f"inbox_{note}") in page.text) == (422, True)
    assert field(page, "candidate") == candidate  # the app that has scanned it goes on
    done = await client.post(PAGE, data={**form, "password": PASSWORD, "code": app.code()})
    assert ENGLISH.page_recovery in done.text


async def test_a_secret_of_ones_own_or_of_another_user_enrols_nobody(user, browse, clock):
    await user(), await user("lee")
    client, other = browse(), browse()
    await log_in(client), await log_in(other, "lee")
    theirs, ours = await client.get(PAGE), await other.get(PAGE)
    app = App(theirs.text.partition("<code>")[2][:32], clock)
    for candidate in (field(theirs, "candidate"), "JBSWY3DPEHPK3PXP", ""):
        form = {"csrf": field(ours, "csrf"), "candidate": candidate, "password": PASSWORD, "code": app.code()}
        assert (await other.post(PAGE, data=form)).status_code == 422
    assert (await log_in(other, "lee")).url.path == "/inbox"


async def test_nobody_enrols_over_a_second_factor_that_is_there(user, browse, clock):
    await user()
    client = browse()
    await log_in(client)
    page = await client.get(PAGE)
    second = App(page.text.partition("<code>")[2][:32], clock)
    await enrolled(client, clock)
    clock.now += 60
    form = {"csrf": field(page, "csrf"), "candidate": field(page, "candidate"), "password": PASSWORD}
    assert (await client.post(PAGE, data={**form, "code": second.code()})).status_code == 422


async def test_a_second_factor_is_given_up_with_a_code_of_it(user, browse, clock):
    await user()
    client = browse()
    await log_in(client)
    app, _ = await enrolled(client, clock)
    page = await client.get(PAGE)
    csrf = field(page, "csrf")
    assert (await client.post(f"{PAGE}/remove", data={"csrf": csrf, "code": app.code()})).status_code == 422  # used
    clock.now += 60
    page = await client.post(f"{PAGE}/remove", data={"csrf": csrf, "code": app.code()})
    assert ENGLISH.inbox_totp_removed in page.text
    assert (await log_in(browse())).url.path == "/inbox"


async def test_where_it_is_required_nothing_opens_without(user, browse, clock, ask):
    await user("kim", "approver", "operator")
    approval_id = await ask()
    client = browse(required=True)
    page = await log_in(client)
    assert (page.url.path, ENGLISH.page_totp_required in page.text) == (PAGE, True)
    csrf = field(page, "csrf")
    for path in ("/inbox", "/inbox/people", "/inbox/decisions", "/inbox/stream", f"/inbox/approvals/{approval_id}"):
        assert (await client.get(path)).url.path == PAGE
    for path, form in {
        f"/inbox/approvals/{approval_id}": {"verdict": "approve"},
        "/inbox/kill-switch": {"scope": "global", "reason": "x"},
        "/inbox/people/password": {"old": PASSWORD, "new": "a longer password"},
    }.items():
        assert (await client.post(path, data={"csrf": csrf, **form})).url.path == PAGE
    app, _ = await enrolled(client, clock)
    assert await is_in(client)
    clock.now += 60
    page = await client.post(f"{PAGE}/remove", data={"csrf": csrf, "code": app.code()})
    assert page.url.path == PAGE  # for another app
    assert (await client.post("/inbox/logout", data={"csrf": csrf})).url.path == "/inbox/login"


async def test_a_session_from_before_it_was_required_is_brought_to_it(user, browse):
    await user()
    before, after = browse(), browse(required=True)
    await log_in(before)
    after.cookies = before.cookies
    assert (await after.get("/inbox")).url.path == PAGE


@pytest.mark.parametrize("who", ["a key", "a user of a provider"])
async def test_keys_and_people_of_a_provider_are_asked_for_nothing(who, key, user, browse, plane):
    client = browse(required=True)
    if who == "a key":
        await client.post("/inbox/login", data={"key": await key()})
    else:
        lee = replace(await user("lee"), id=f"{users.OF_PROVIDER}1", name="of-provider", password="")
        cookie = await plane.write(
            lambda transaction: (
                users.insert(transaction.connection, lee),
                logins.start(transaction.connection, lee, plane.clock()),
            )
        )
        client.cookies.set(COOKIE, cookie[1])
    assert await is_in(client)
    assert (await client.get(PAGE)).status_code == 404


async def test_an_operator_resets_who_has_lost_the_app(user, browse, plane, clock):
    kim = await user()
    client = browse()
    await log_in(client)
    await enrolled(client, clock)
    await change_user(plane, kim.id, without_totp, by="the server")
    assert not await is_in(client)
    assert (await log_in(client)).url.path == "/inbox"
    assert (await happened(plane, "login.ended"))[-1]["reason"] == "second factor reset"


async def test_keys_of_the_environment_can_be_changed_and_not_lost(user, browse, plane, clock):
    kim = await user()
    client, new = browse(), os.urandom(32)
    await log_in(client)
    app, _ = await enrolled(client, clock)
    for keys, status in (((), 503), ((new,), 401), ((new, KEY), 200), ((new,), 200)):
        clock.now += 300
        other = browse(keys=keys)
        page = await log_in(other)
        if keys:
            page = await other.post(CODE, data={"code": app.code()})
        assert page.status_code == status
    stored = await plane.read(lambda connection: users.get(connection, kim.id))
    assert stored.has_totp
