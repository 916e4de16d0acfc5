"""axe finds nothing on any page, in any state, light and dark, on a phone and on a desktop."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright.async_api", reason="Playwright is not installed")

from axe_playwright_python.async_playwright import Axe
from fastapi.routing import APIRoute

from litellm_bighub.control_plane.http.app import create_app
from tests.control_plane.inbox.appearance.inhabited_inbox import OPERATOR, inhabited_inbox, set_switch
from tests.control_plane.inbox.appearance.page_table import NO_PAGES, PAGES
from tests.control_plane.inbox.appearance.sample_calls import POLICY, SEALING
from tests.control_plane.inbox.browser import browsing, chromium
from tests.control_plane.inbox.conftest import PASSWORD

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed (apt-get install chromium)"),
]
EVERYTHING = {"resultTypes": ["violations"]}
LOOKS = {"runOnly": ["color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable"]}
"""What depends on colours and width; the rest is the same in every browser."""
OPEN_ALL = "document.querySelectorAll('details').forEach(details => { details.open = true; })"


@pytest.fixture
def plane(open_plane):
    return open_plane(POLICY, sealing=SEALING)


def test_every_route_that_people_may_open_is_in_the_table(plane):
    """A route that fails here is new: give it its states in `page_table.py`."""
    routes = {
        f"{method} {route.path}"
        for route in create_app(plane).routes
        if isinstance(route, APIRoute) and not route.include_in_schema
        for method in route.methods
        if route.path.startswith("/inbox") or method == "GET"
    }
    known = {*PAGES, *NO_PAGES}
    assert sorted(routes - known) == []
    assert sorted(known - routes) == []


@pytest.mark.timeout(900)  # axe reads every element of every page, which takes minutes on a busy machine
@pytest.mark.parametrize(
    ("width", "scheme", "rules"),
    [(390, "light", EVERYTHING), (1280, "dark", EVERYTHING), (390, "dark", LOOKS), (1280, "light", LOOKS)],
    ids=["phone-light", "desktop-dark", "phone-dark", "desktop-light"],
)
async def test_axe_finds_nothing(width, scheme, rules, plane, clock):
    found = []
    async with inhabited_inbox(plane, clock) as world, browsing(chromium()) as browser:
        await set_switch(plane, clock)
        looks = {"color_scheme": scheme, "viewport": {"width": width, "height": 844}, "reduced_motion": "reduce"}
        inside = await (await browser.new_context(**looks)).new_page()
        await inside.goto(f"{world.url}/inbox/login")
        await inside.fill("#user", OPERATOR)
        await inside.fill("#password", PASSWORD)
        await inside.keyboard.press("Enter")
        await inside.wait_for_url(f"{world.url}/inbox")
        for route, states in PAGES.items():
            for state in states:
                page = inside if state.logged_in else await (await browser.new_context(**looks)).new_page()
                await state.reach(page, world)
                await page.evaluate(OPEN_ALL)
                if await page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                    found.append((route, state.name, "wider than the window"))
                context = {"exclude": [[state.without]]} if state.without else None
                result = (await Axe().run(page, context, rules)).response
                assert result["testEngine"]["name"] == "axe-core"
                found += [
                    (route, state.name, violation["id"], node["target"], node["failureSummary"])
                    for violation in result["violations"]
                    for node in violation["nodes"]
                ]
                if not state.logged_in:
                    await page.context.close()
    assert found == []
