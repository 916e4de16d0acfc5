"""Login, people and the password of a user in a real Chromium, at both widths."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.importorskip("playwright.async_api", reason="Playwright is not installed")

from playwright.async_api import expect

from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.people.accounts import add_user
from litellm_bighub.control_plane.people.roles import ROLES
from litellm_bighub.control_plane.store.tables import logins
from litellm_bighub.domain.call import CallContext, ToolCall
from tests.control_plane.inbox.browser import browsing, chromium
from tests.control_plane.inbox.conftest import PASSWORD, STORED
from tests.control_plane.inbox.test_vote_block import POLICY as QUORUM
from tests.control_plane.serving import serving

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed (apt-get install chromium)"),
]
PICTURES = os.environ.get("BIGHUB_PICTURES")
"""A folder for what the pages look like, for whoever wants to see."""


@pytest.fixture
async def browser():
    async with browsing(chromium()) as browser:
        yield browser


async def is_no_wider_than_the_screen(page, name):
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}-{page.viewport_size['width']}.png", full_page=True)


@pytest.mark.parametrize("width", [390, 1280])
async def test_a_user_logs_in_and_an_operator_ends_the_session(width, browser, url, plane, ask):
    await add_user(plane, "boss", STORED, roles=frozenset(ROLES), by="test")
    kim = await add_user(
        plane, "kim@example.com", STORED, roles=frozenset({"approver"}), groups=frozenset({"finance"}), by="test"
    )
    pages = []
    for name in (kim.name, "boss"):
        page = await (await browser.new_context(viewport={"width": width, "height": 844})).new_page()
        pages.append(page)
        await page.goto(f"{url}/inbox/login")
        await expect(page.get_by_label("Name")).to_be_focused()
        await page.keyboard.type(name)
        await page.keyboard.press("Tab")
        await page.keyboard.type("a wrong password")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_be_visible()
        await expect(page.get_by_label("Name")).to_have_value(name)
        await is_no_wider_than_the_screen(page, "login")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{url}/inbox")
    hers, his = pages
    await his.get_by_role("link", name="People").click()
    await expect(his.get_by_role("heading", name=kim.name)).to_have_count(2)
    await is_no_wider_than_the_screen(his, "people")
    await his.get_by_role("button", name="Disable").click()
    await expect(his.get_by_text("disabled since")).to_be_visible()
    await expect(his.get_by_role("heading", name=kim.name)).to_have_count(1)
    await is_no_wider_than_the_screen(his, "people-disabled")
    await expect(hers.get_by_text("You are logged out")).to_be_visible(timeout=20_000)


def end_every_session(transaction):
    for session in logins.listed(transaction.connection, 0):
        logins.end(transaction.connection, session.id)


async def test_who_logs_in_again_in_another_tab_goes_on_with_what_they_typed(browser, url, plane, ask):
    await add_user(plane, "kim", STORED, roles=frozenset({"approver"}), by="test")
    approval_id = await ask()
    context = await browser.new_context(viewport={"width": 1280, "height": 844})
    page, other = await context.new_page(), await context.new_page()
    for tab in (page, other):
        await tab.goto(f"{url}/inbox/login")
        await tab.get_by_label("Name").fill("kim")
        await tab.get_by_label("Password").fill(PASSWORD)
        await tab.keyboard.press("Enter")
        await tab.wait_for_url(f"{url}/inbox")
        if tab is page:
            await page.locator(".comment").fill("as agreed")
            await plane.write(end_every_session)
            await expect(page.get_by_text("You are logged out")).to_be_visible(timeout=20_000)
            await page.get_by_role("button", name="Deny").click()
            await expect(page.locator(".comment")).to_have_value("as agreed")
    await expect(page.get_by_text("You are logged out")).to_be_hidden(timeout=20_000)
    await page.get_by_role("button", name="Deny").click()
    await expect(page.get_by_role("status")).to_have_text("Denied.")
    approval = await plane.wait(approval_id, timeout=0)
    assert (approval.state, approval.resolved_by, approval.comment) == ("denied", "kim", "as agreed")


@pytest.mark.parametrize("width", [390, 1280])
async def test_two_of_a_group_approve_in_their_browsers(width, browser, open_plane, clock):
    plane = open_plane(QUORUM)
    call = ToolCall("c", "function", "deploy", {"version": "1.2"})
    await plane.decide(call, CallContext("release-agent", "shop", surface="/v1/responses"))
    for name in ("sam", "sue"):
        await add_user(plane, name, STORED, roles=frozenset({"approver"}), groups=frozenset({"security"}), by="test")
    async with serving(create_app(plane)) as url:
        for name, told in (("sam", "Noted."), ("sue", "Approved.")):
            page = await (await browser.new_context(viewport={"width": width, "height": 844})).new_page()
            await page.goto(f"{url}/inbox/login")
            await page.get_by_label("Name").fill(name)
            await page.get_by_label("Password").fill(PASSWORD)
            await page.keyboard.press("Enter")
            await expect(page.get_by_text("group:leads may approve too")).to_be_visible()
            await is_no_wider_than_the_screen(page, f"votes-{name}")
            await page.get_by_role("button", name="Approve", exact=True).click()
            await expect(page.get_by_text(told)).to_be_visible()
