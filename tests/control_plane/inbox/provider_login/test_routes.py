"""Logging in at an identity provider: who is let in, as whom, and everything that is forged."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from litellm_bighub.control_plane.inbox.provider_login.routes import COOKIE
from litellm_bighub.control_plane.people import users
from litellm_bighub.control_plane.people.accounts import add_user, change_user, disabled
from litellm_bighub.control_plane.store.schema import events as table
from litellm_bighub.control_plane.store.tables import events, logins
from litellm_bighub.testing.identity_provider import Forgery
from litellm_bighub.wording import ENGLISH
from tests.control_plane.inbox.conftest import PASSWORD, STORED

LOGIN = "/inbox/login/provider"


async def everybody(plane):
    return await plane.read(users.everybody)


async def sessions(plane):
    return await plane.read(lambda connection: logins.listed(connection, plane.clock()))


async def refusals(plane):
    found = await plane.read(lambda connection: events.page(connection, table.c.type == "login.refused"))
    return [event["body"]["reason"] for event in found]


async def way_back(browser):
    """Begin a login, and stop where the provider sends the browser back."""
    begun = await browser.get(LOGIN, follow_redirects=False)
    granted = await browser.get(begun.headers["location"], follow_redirects=False)
    return granted.headers["location"]


async def test_somebody_logs_in_with_groups_roles_and_litellm_user_of_their_claims(browser_of, plane):
    browser = browser_of()
    page = await browser.get(f"{LOGIN}?next=/inbox/charts")
    assert (page.status_code, 'url=/inbox/charts"' in page.text) == (200, True)
    assert '<span class="who">kim</span>' in (await browser.get("/inbox")).text
    (user,) = await everybody(plane)
    assert (user.name, user.roles, user.groups) == ("kim", {"approver"}, {"finance"})
    assert user.litellm_user == "kim@x.org"
    (session,) = await sessions(plane)
    assert session.expires_at == pytest.approx(plane.clock() + 3600, abs=60)


FORGED = {
    "signature": "the ID token is not signed by the provider",
    "none": "the ID token is signed by an algorithm that does not count",
    "HS256": "the ID token is signed by an algorithm that does not count",
    "expired": "the ID token has expired",
    "not yet valid": "the ID token is not valid yet",
    "audience": "the ID token is for another client",
    "issuer": "the ID token has another issuer",
    "nonce": "the ID token belongs to another login",
    "authorized party": "the ID token was made out to another client",
}


@pytest.mark.parametrize(("forgery", "reason"), FORGED.items())
async def test_a_forged_token_lets_nobody_in(forgery, reason, browser_of, idp, plane):
    idp.forgery = forgery
    page = await browser_of().get(LOGIN)
    assert (page.status_code, ENGLISH.inbox_provider_refused in page.text) == (401, True)
    assert await everybody(plane) == await sessions(plane) == []
    assert await refusals(plane) == [reason]


def test_every_forgery_is_tried(plane):
    assert set(FORGED) == set(get_args(Forgery))


async def test_a_code_counts_once(browser_of, plane):
    browser = browser_of()
    back = await way_back(browser)
    cookie = browser.cookies[COOKIE]
    assert (await browser.get(back)).status_code == 200
    assert COOKIE not in browser.cookies
    browser.cookies.set(COOKIE, cookie)
    assert (await browser.get(back)).status_code == 401
    assert await refusals(plane) == ["the provider gives no ID token for the code"]


@pytest.mark.parametrize("whose", ["same browser", "other browser", "none"])
async def test_a_state_counts_once_and_in_its_browser_alone(whose, browser_of, plane):
    browser, other = browser_of(), browser_of()
    back = await way_back(browser)
    if whose == "same browser":
        assert (await browser.get(back)).status_code == 200
        back = re.sub(r"code=[^&]+", "code=fresh", back)
        other = browser
    elif whose == "other browser":
        await way_back(other)
    assert (await other.get(back)).status_code == 401
    assert await refusals(plane) == ["this browser has begun no such login"]


async def test_another_provider_answers_in_vain(browser_of, plane):
    browser = browser_of()
    back = re.sub(r"iss=[^&]+", "iss=https://other.example", await way_back(browser))
    assert (await browser.get(back)).status_code == 401
    assert await refusals(plane) == ["another provider answers"]


@pytest.mark.parametrize("groups", [None, [], ["others"], {"acme-approvers": 1}, "acme"], ids=str)
async def test_who_has_no_role_is_refused_with_a_page_and_not_stored(groups, browser_of, idp, plane):
    idp.claims["groups"] = groups
    if groups is None:
        del idp.claims["groups"]
    page = await browser_of().get(LOGIN)
    assert (page.status_code, ENGLISH.inbox_provider_no_role in page.text) == (401, True)
    assert await everybody(plane) == []


async def test_roles_are_those_of_the_last_login_also_for_open_sessions(browser_of, idp, plane):
    first = browser_of()
    await first.get(LOGIN)
    idp.claims["groups"] = ["acme-ops"]
    await browser_of().get(LOGIN)
    (user,) = await everybody(plane)
    assert (user.roles, user.groups) == ({"operator"}, set())
    idp.claims["groups"] = []
    assert (await browser_of().get(LOGIN)).status_code == 401
    (user,) = await everybody(plane)
    assert user.roles == set()
    page = await first.get("/inbox")
    assert 'value="approve"' not in page.text


async def test_a_name_takes_over_nobody(browser_of, idp, plane):
    local = await add_user(plane, "kim", STORED, roles=frozenset({"operator"}), by="test")
    await browser_of().get(LOGIN)
    idp.claims["sub"] = "4712"
    await browser_of().get(LOGIN)
    first, *others = await everybody(plane)
    assert (first, len({user.id for user in others})) == (local, 2)
    assert all(user.roles == {"approver"} and user.name.startswith("kim-") for user in others)


async def test_somebody_with_a_new_name_stays_the_same_person(browser_of, idp, plane):
    await browser_of().get(LOGIN)
    idp.claims["preferred_username"] = "Lee"
    await browser_of().get(LOGIN)
    assert [user.name for user in await everybody(plane)] == ["kim"]


async def test_an_operator_disables_somebody_for_good(browser_of, plane):
    browser = browser_of()
    await browser.get(LOGIN)
    (user,) = await everybody(plane)
    await change_user(plane, user.id, disabled(plane.clock()), by="boss")
    assert (await browser.get("/inbox")).url.path == "/inbox/login"
    page = await browser.get(LOGIN)
    assert (page.status_code, ENGLISH.inbox_provider_disabled in page.text) == (401, True)


async def test_a_new_key_of_the_provider_is_fetched_once_per_token(browser_of, idp):
    browser = browser_of()
    await browser.get(LOGIN)
    assert idp.asked.count("/keys") == 1
    idp.rotate_key()
    assert (await browser.get(LOGIN)).status_code == 200
    assert idp.asked.count("/keys") == 2


async def test_a_provider_that_is_down_says_so_and_leaves_passwords_working(browser_of, idp, plane):
    await add_user(plane, "ann", STORED, roles=frozenset({"approver"}), by="test")
    idp.is_down = True
    browser = browser_of()
    page = await browser.get(LOGIN)
    assert (page.status_code, ENGLISH.inbox_provider_down in page.text) == (503, True)
    page = await browser.post("/inbox/login", data={"user": "ann", "password": PASSWORD})
    assert page.url.path == "/inbox"
    idp.is_down = False
    assert (await browser.get(LOGIN)).status_code == 200


async def test_clock_skew_and_length_of_a_session_are_settings(browser_of, idp, plane):
    idp.claims |= {"iat": plane.clock() + 200, "nbf": plane.clock() + 200}
    assert (await browser_of().get(LOGIN)).status_code == 401
    assert (await browser_of(clock_skew_seconds=300, session_minutes=5).get(LOGIN)).status_code == 200
    (session,) = await sessions(plane)
    assert session.expires_at == pytest.approx(plane.clock() + 300, abs=60)


async def test_somebody_of_the_provider_has_no_password_and_logs_out(browser_of, plane):
    browser = browser_of()
    await browser.get(LOGIN)
    page = (await browser.get("/inbox/people")).text
    assert "Change your password" not in page
    assert "identity provider" in page
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)[1]
    form = {"csrf": csrf, "old": "", "new": "a longer password"}
    assert (await browser.post("/inbox/people/password", data=form)).status_code == 404
    assert (await browser.post("/inbox/login", data={"user": "kim", "password": ""})).status_code == 401
    assert (await browser.post("/inbox/logout", data={"csrf": csrf})).url.path == "/inbox/login"
    assert await sessions(plane) == []
