"""Users in the inbox: logging in with a password, the page of people, and sessions that end."""

from __future__ import annotations

import re
from dataclasses import replace

import httpx
import pytest

from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.people.accounts import change_user, disabled
from litellm_bighub.control_plane.store.schema import events as table
from litellm_bighub.control_plane.store.tables import events
from litellm_bighub.wording import ENGLISH
from tests.control_plane.inbox.conftest import PASSWORD


async def happened(plane, type_):
    found = await plane.read(lambda connection: events.page(connection, table.c.type == type_))
    return [event["body"] for event in found][::-1]


async def test_a_user_logs_in_with_name_and_password(user, enter, plane):
    await user()
    _, page, _ = await enter(" Kim ")
    assert (page.status_code, page.url.path) == (200, "/inbox")
    assert '<span class="who">kim</span>' in page.text
    (event,) = await happened(plane, "login.started")
    assert (event["name"], event["address"]) == ("kim", "127.0.0.1")


@pytest.mark.parametrize(
    ("name", "password"),
    [("kim", "correct horse batterY"), ("nobody", PASSWORD), ("gone", PASSWORD), ("kim", ""), ("\u043aim", PASSWORD)],
    ids=["wrong password", "unknown", "disabled", "no password", "look-alike"],
)
async def test_nobody_else_does_and_all_hear_the_same(name, password, user, enter, plane):
    await user()
    gone = await user("gone")
    await change_user(plane, gone.id, disabled(plane.clock()), by="test")
    _, page, _ = await enter(name, password)
    assert page.status_code == 401
    assert ENGLISH.inbox_password_refused in page.text
    assert "set-cookie" not in page.headers
    (event,) = await happened(plane, "login.refused")
    assert event == {"with": "password", "address": "127.0.0.1"}


async def test_guesses_from_many_addresses_wait_too(user, plane):
    await user()
    app = create_app(plane)
    codes = []
    for number in range(21):
        transport = httpx.ASGITransport(app=app, client=(f"10.0.0.{number}", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://plane") as client:
            codes.append((await client.post("/inbox/login", data={"user": "kim", "password": "x"})).status_code)
    assert codes == [401] * 20 + [429]


@pytest.mark.parametrize(
    ("base", "options", "is_secure"),
    [
        ("http://plane", {}, False),
        ("https://plane", {}, True),
        ("http://plane", {"behind_tls": True}, True),
    ],
    ids=["plain", "over TLS", "behind TLS"],
)
async def test_a_session_behind_tls_is_sent_over_tls_alone(base, options, is_secure, user, enter):
    await user()
    _, page, _ = await enter(base=base, **options)
    assert ("; Secure" in page.history[0].headers["set-cookie"]) is is_secure


async def test_a_user_answers_under_their_own_name(user, enter, ask, plane):
    await user()
    approval_id = await ask()
    client, _, csrf = await enter()
    await client.post(f"/inbox/approvals/{approval_id}", data={"csrf": csrf, "verdict": "approve"})
    approval = await plane.wait(approval_id, timeout=0)
    assert (approval.state, approval.resolved_by) == ("approved", "kim")


async def test_two_users_are_two_people(user, enter, ask, plane):
    await user(), await user("lee")
    approval_id = await ask(tool="pay", domain="hr")
    states = []
    for name in ("kim", "kim", "lee"):
        client, _, csrf = await enter(name)
        await client.post(f"/inbox/approvals/{approval_id}", data={"csrf": csrf, "verdict": "approve"})
        states.append((await plane.wait(approval_id, timeout=0)).state)
    assert states == ["awaiting_second", "awaiting_second", "approved"]


@pytest.mark.parametrize("how", ["disabled", "password"])
async def test_who_is_disabled_or_has_a_new_password_is_out_at_once(how, user, enter, plane):
    kim = await user()
    client, _, _ = await enter()
    change = disabled(plane.clock()) if how == "disabled" else lambda known: replace(known, password="another")
    await change_user(plane, kim.id, change, by="root")
    assert (await client.get("/inbox")).url.path == "/inbox/login"
    (event,) = await happened(plane, "login.ended")
    assert (event["by"], event["name"]) == ("root", "kim")


async def test_a_role_counts_at_once_for_who_is_logged_in(user, enter, ask, plane):
    kim = await user("kim", "approver")
    await ask()
    client, page, _ = await enter()
    assert 'value="approve"' in page.text
    await change_user(plane, kim.id, lambda known: replace(known, roles=frozenset({"viewer"})), by="root")
    assert 'value="approve"' not in (await client.get("/inbox")).text


async def test_an_operator_disables_others_and_sees_everybody(user, enter, plane):
    await user("boss", "operator")
    kim = await user("kim", "approver", groups=["finance"])
    client, _, csrf = await enter("boss")
    page = (await client.get("/inbox/people")).text
    assert all(word in page for word in ("kim", "finance", "approver", "unknown"))
    done = await client.post(f"/inbox/people/users/{kim.id}", data={"csrf": csrf, "verdict": "disable"})
    assert ENGLISH.inbox_user_changed in done.text
    assert (await enter())[1].status_code == 401
    await client.post(f"/inbox/people/users/{kim.id}", data={"csrf": csrf, "verdict": "enable"})
    assert (await enter())[1].status_code == 200
    boss = re.findall(r"/inbox/people/users/(\w+)", page)
    assert boss == [kim.id]


async def test_nobody_disables_themselves(user, enter, plane):
    boss = await user("boss", "operator")
    client, _, csrf = await enter("boss")
    done = await client.post(f"/inbox/people/users/{boss.id}", data={"csrf": csrf, "verdict": "disable"})
    assert done.status_code == 422
    assert ENGLISH.api_not_oneself[1:] in done.text


async def test_people_see_and_end_their_own_sessions_alone(user, enter):
    await user("kim"), await user("lee")
    first, _, _ = await enter("kim")
    other, _, _ = await enter("lee")
    client, _, csrf = await enter("kim")
    page = (await client.get("/inbox/people")).text
    sessions = re.findall(r"/inbox/people/sessions/(\w+)", page)
    (own,) = re.findall(r'id="s-(\w+)">kim <span', page)
    (foreign,) = re.findall(r"/inbox/people/sessions/(\w+)", (await other.get("/inbox/people")).text)
    assert len(sessions) == 2
    assert foreign not in sessions
    assert (await client.post(f"/inbox/people/sessions/{foreign}", data={"csrf": csrf})).status_code == 403
    for session in sorted(sessions, key=own.__eq__):
        await client.post(f"/inbox/people/sessions/{session}", data={"csrf": csrf})
    assert (await first.get("/inbox")).url.path == "/inbox/login"
    assert (await client.get("/inbox")).url.path == "/inbox/login"
    assert (await other.get("/inbox")).url.path == "/inbox"


@pytest.mark.parametrize(
    ("old", "new", "note"),
    [("wrong", "a longer password", "password_wrong"), (PASSWORD, "short", "password_short")],
)
async def test_a_password_is_changed_by_who_knows_the_old_one(old, new, note, user, enter):
    await user()
    client, _, csrf = await enter()
    page = await client.post("/inbox/people/password", data={"csrf": csrf, "old": old, "new": new})
    assert (page.status_code, getattr(ENGLISH, f"inbox_{note}") in page.text) == (422, True)
    await client.post("/inbox/people/password", data={"csrf": csrf, "old": PASSWORD, "new": "another horse"})
    assert (await client.get("/inbox")).url.path == "/inbox/login"
    assert (await enter(password=PASSWORD))[1].status_code == 401
    assert (await enter(password="another horse"))[1].status_code == 200


async def test_guessing_the_old_password_of_an_open_session_is_slowed_down(user, enter):
    await user()
    client, _, csrf = await enter()
    for _ in range(20):
        await client.post("/inbox/people/password", data={"csrf": csrf, "old": "x", "new": "a longer password"})
    page = await client.post("/inbox/people/password", data={"csrf": csrf, "old": PASSWORD, "new": "a longer password"})
    assert ENGLISH.inbox_login_throttled in page.text


async def test_a_key_has_no_password_to_change(visit):
    client, csrf = await visit()
    assert "Change your password" not in (await client.get("/inbox/people")).text
    done = await client.post("/inbox/people/password", data={"csrf": csrf, "old": "", "new": "a longer password"})
    assert done.status_code == 404
