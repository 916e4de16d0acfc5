"""Enrolling and logging in with codes in a real Chromium, at both widths."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.importorskip("playwright.async_api", reason="Playwright is not installed")

from playwright.async_api import expect

from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.people.second_factor import SecondFactor
from litellm_bighub.control_plane.store.seal import Sealing
from tests.control_plane.inbox.browser import browsing, chromium
from tests.control_plane.inbox.conftest import PASSWORD
from tests.control_plane.inbox.second_factor.authenticator import App
from tests.control_plane.serving import serving

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed (apt-get install chromium)"),
]
PICTURES = os.environ.get("BIGHUB_PICTURES")


async def is_no_wider_than_the_screen(page, name):
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}-{page.viewport_size['width']}.png", full_page=True)


@pytest.mark.parametrize("width", [390, 1280])
async def test_a_user_is_led_to_enrol_and_then_asked_for_codes(width, plane, user, clock):
    await user("kim@example.com", "approver")
    server = create_app(plane, second_factor=SecondFactor(Sealing([os.urandom(32)]), required=True))
    async with serving(server) as url, browsing(chromium()) as browser:
        page = await (await browser.new_context(viewport={"width": width, "height": 844})).new_page()

        async def log_in():
            await page.goto(f"{url}/inbox/charts")
            await page.get_by_label("Name").fill("kim@example.com")
            await page.get_by_label("Password").fill(PASSWORD)
            await page.keyboard.press("Enter")

        await log_in()
        await expect(page.get_by_role("img", name="QR code for an authenticator app")).to_be_visible()
        drawn = await page.locator(".qr svg").bounding_box()
        assert drawn["width"] == pytest.approx(drawn["height"], abs=1)
        assert drawn["width"] > 200
        await page.get_by_text("Type the secret instead").click()
        app = App(await page.locator("details code").inner_text(), clock)
        await is_no_wider_than_the_screen(page, "totp")
        await page.get_by_role("link", name="Inbox", exact=True).click()
        await expect(page.get_by_text("Enrol first.")).to_be_visible()
        await page.get_by_text("Type the secret instead").click()
        app = App(await page.locator("details code").inner_text(), clock)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_label("Code of the app").fill("123")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("This code is wrong")).to_be_visible()
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_label("Code of the app").fill(app.code())
        await page.keyboard.press("Enter")
        await expect(page.locator(".codes li")).to_have_count(10)
        await is_no_wider_than_the_screen(page, "recovery-codes")
        await page.get_by_role("link", name="Go on to the inbox").click()
        await page.get_by_role("button", name="Log out").click()

        clock.now += 60
        await log_in()
        await expect(page.get_by_label("Code of the app, or a recovery code")).to_be_focused()
        await is_no_wider_than_the_screen(page, "code")
        await page.keyboard.type("000000")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("This code is wrong")
        await page.get_by_label("Code of the app, or a recovery code").fill(app.code())
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{url}/inbox/charts")
        await page.get_by_role("link", name="People").click()
        await is_no_wider_than_the_screen(page, "people-totp")
