"""Logging in at an identity provider of another site, in a real Chromium."""

from __future__ import annotations

import socket

import pytest

pytest.importorskip("playwright.async_api", reason="Playwright is not installed")

from playwright.async_api import expect

from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.people.oidc.provider import Provider
from tests.control_plane.inbox.browser import browsing, chromium
from tests.control_plane.serving import serving

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed (apt-get install chromium)"),
]


async def test_somebody_comes_back_to_the_page_they_asked_for_and_logs_out(settings, plane):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        app = create_app(plane, provider=Provider(settings(), url, clock=plane.clock))
        async with serving(app, listening), browsing(chromium()) as browser:
            page = await browser.new_page()
            await page.goto(f"{url}/inbox/charts")
            await page.get_by_role("link", name="Log in at the identity provider").click()
            await page.wait_for_url(f"{url}/inbox/charts")
            await expect(page.locator(".who")).to_have_text("kim")
            await page.get_by_role("button", name="Log out").click()
            await page.wait_for_url(f"{url}/inbox/login")
            await page.goto(f"{url}/inbox")
            await page.wait_for_url(f"{url}/inbox/login")
