"""A thousand calls that wait, in groups."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("playwright.async_api", reason="Playwright is not installed")

from playwright.async_api import expect

from litellm_bighub.control_plane.inbox.waiting_list import PAGE
from litellm_bighub.domain.call_background import CallBackground, Utterance
from tests.control_plane.inbox.appearance.sample_calls import POLICY, SAMPLES, SEALING
from tests.control_plane.inbox.browser import browsing, chromium, log_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed (apt-get install chromium)"),
]
MOST_BYTES = 300_000
GROUPS = {"text": 640, "shell": 200, "mail": 100, "amount": 60}
"""How many calls of each kind wait."""


@pytest.fixture
def plane(open_plane):
    return open_plane(POLICY.replace("max_total_per_day: 20000", "max_total_per_day: 2000000"), sealing=SEALING)


@pytest.fixture
async def waiting(plane, clock):
    """A thousand calls, of which no two are the same and those with long texts are the newest."""
    words = "Many words that nobody reads. " * 100
    talk = CallBackground((Utterance("user", words), Utterance("model", words)), words)
    samples = {sample.kind: sample for sample in SAMPLES}
    for kind, count in reversed(GROUPS.items()):
        sample = samples[kind]
        for number in range(count):
            clock.now += 0.1
            note = f"number {number}\n" + "A sentence of a report that is long.\n" * 150
            arguments = {**sample.call.arguments, "note": note if kind == "text" else f"number {number}"}
            context = replace(sample.context, background=lambda _: talk)
            await plane.decide(replace(sample.call, arguments=arguments), context)


async def test_a_thousand_wait_in_groups_and_one_group_is_approved(plane, waiting, url, key, clock):
    async with browsing(chromium()) as browser:
        page = await log_in(browser, url, await key(), viewport={"width": 1280, "height": 900})
        wire = await page.context.new_cdp_session(page)
        received = []
        wire.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
        await wire.send("Network.enable")
        async with page.expect_request("**/inbox/stream?seen=*"):
            await page.reload()
        await expect(page.locator("#count")).to_have_text("1000")
        size = sum(received)
        paint = await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        print(f"first paint of {PAGE} of 1,000 calls: {paint:.0f} ms, {size:,} bytes")  # noqa: T201 - measured, and not asserted
        assert 0 < size < MOST_BYTES, received

        await expect(page.locator("article.call")).to_have_count(PAGE)
        counts = [await count.inner_text() for count in await page.locator("nav.groups .count").all()]
        assert counts == [str(count) for count in GROUPS.values()]
        await page.get_by_role("link", name="send_mail").click()
        await expect(page.get_by_text(f"{PAGE} of 100 are shown.")).to_be_visible()
        await page.get_by_role("button", name=f"Approve these {PAGE}").click()
        await expect(page.get_by_role("status")).to_be_visible()
        await expect(page.locator("#count")).to_have_text("960")
        await expect(page.get_by_text(f"{PAGE} of 60 are shown.")).to_be_visible()
        assert "send_mail" in await page.locator("nav.groups [aria-current]").inner_text()
