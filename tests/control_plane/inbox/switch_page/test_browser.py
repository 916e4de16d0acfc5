"""A kill switch in a real Chromium, at both widths: set by keyboard, seen by an approver, lifted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.importorskip("playwright.async_api", reason="Playwright is not installed")

from playwright.async_api import expect

from tests.control_plane.inbox.browser import browsing, chromium
from tests.control_plane.inbox.conftest import PASSWORD

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed (apt-get install chromium)"),
]
PICTURES = os.environ.get("BIGHUB_PICTURES")


@pytest.mark.parametrize("width", [390, 1280])
async def test_an_operator_blocks_a_domain_and_an_approver_sees_it(width, url, user):
    await user("boss", "operator"), await user("kim", "approver")
    async with browsing(chromium()) as browser:
        pages = []
        for name in ("kim", "boss"):
            page = await (await browser.new_context(viewport={"width": width, "height": 844})).new_page()
            await page.goto(f"{url}/inbox/login")
            await page.get_by_label("Name").fill(name)
            await page.get_by_label("Password").fill(PASSWORD)
            await page.keyboard.press("Enter")
            await page.wait_for_url(f"{url}/inbox")
            pages.append(page)
        hers, his = pages
        await his.get_by_role("link", name="Kill switch").click()
        await his.get_by_role("button", name="Block").click()
        await expect(his.get_by_text("No kill switch is on.")).to_be_visible()  # the browser asks for the rest
        await his.get_by_label("Calls of a domain").check()
        await his.keyboard.press("Tab")
        await his.keyboard.type("payments")
        await his.get_by_label("Why").fill("odd payouts since noon")
        await his.keyboard.press("Enter")
        await expect(his.get_by_role("status")).to_have_text(
            "The kill switch is on, from the next decision of every process on."
        )
        assert await his.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        if PICTURES:
            await his.screenshot(path=Path(PICTURES) / f"kill-switch-{width}.png", full_page=True)
        await expect(hers.get_by_role("alert")).to_contain_text("odd payouts since noon", timeout=20_000)
        await expect(hers.get_by_role("link", name="Lift it")).to_have_count(0)
        await his.get_by_role("link", name="Inbox", exact=True).click()
        await his.get_by_role("link", name="Lift it").click()
        await his.get_by_label("Why it is lifted").fill("checked: a campaign")
        await his.get_by_role("button", name="Lift").click()
        await expect(his.get_by_text("No kill switch is on.")).to_be_visible()
        await expect(his.get_by_text("lifted by boss. checked: a campaign")).to_be_visible()
        await expect(hers.get_by_role("alert")).to_have_count(0, timeout=20_000)
