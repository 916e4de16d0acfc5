"""What somebody sees who sees only the card of a call: what it does, for whom, how much, and why now."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright.async_api", reason="Playwright is not installed")

from tests.control_plane.inbox.appearance.sample_calls import POLICY, SAMPLES, SEALING, ask_all
from tests.control_plane.inbox.browser import browsing, chromium, log_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed (apt-get install chromium)"),
]
FIRST_SIGHT = 420
"""So many pixels at most stand above the arguments: half of a phone's screen."""
INSIDE = """card => [...card.querySelectorAll("*")]
  .filter(e => e.getClientRects().length && !e.closest(".scroll, .unseen"))
  .filter(e => e.getBoundingClientRect().right > card.getBoundingClientRect().right + 1)
  .map(e => e.outerHTML.slice(0, 80))"""
"""What of a card stands out of it."""


@pytest.fixture
def plane(open_plane):
    return open_plane(POLICY, sealing=SEALING)


@pytest.mark.parametrize("width", [390, 1280])
async def test_each_kind_of_call_tells_what_whose_how_much_and_why_now(width, url, key, plane, clock):
    ids = await ask_all(plane, clock)
    async with browsing(chromium()) as browser:
        page = await log_in(browser, url, await key(), viewport={"width": width, "height": 900})
        for sample in SAMPLES:
            card = page.locator(f"[id={ids[sample.kind]}]")
            shown = " ".join((await card.inner_text()).split())
            said = [words.text for words in sample.context.background(sample.call).said if words.speaker == "user"]
            assert [words for words in (*sample.shows, *said) if words not in shown] == [], sample.kind
            arguments, whole = await card.locator(".arguments").bounding_box(), await card.bounding_box()
            assert arguments["y"] - whole["y"] < FIRST_SIGHT, sample.kind
            assert await card.evaluate(INSIDE) == [], sample.kind
