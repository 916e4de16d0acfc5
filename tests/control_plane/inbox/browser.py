"""A real Chromium."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Page, async_playwright

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def chromium() -> str | None:
    """Where Debian's Chromium is, `None` without it."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@asynccontextmanager
async def browsing(executable: str) -> AsyncIterator[Browser]:
    """A browser for the time of a test."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=list(_ARGUMENTS))
        try:
            yield browser
        finally:
            await browser.close()


async def log_in(browser: Browser, url: str, key: str, **context) -> Page:
    """A page of a person of their own, logged in."""
    page = await (await browser.new_context(**context)).new_page()
    await page.goto(f"{url}/inbox/login")
    await page.fill("#key", key)
    await page.click("text=Log in >> nth=-1")
    await page.wait_for_url(f"{url}/inbox")
    return page
