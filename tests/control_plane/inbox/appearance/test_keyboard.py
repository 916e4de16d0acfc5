"""The inbox by keyboard alone: nothing here touches a mouse."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright.async_api", reason="Playwright is not installed")

from playwright.async_api import Page, expect

from litellm_bighub.control_plane.people.accounts import add_user
from litellm_bighub.control_plane.people.roles import ROLES
from tests.control_plane.inbox.appearance.sample_calls import POLICY, SEALING, ask_all
from tests.control_plane.inbox.browser import browsing, chromium
from tests.control_plane.inbox.conftest import PASSWORD, STORED

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed (apt-get install chromium)"),
]
FOCUSED = """() => {
  const at = document.activeElement;
  const style = getComputedStyle(at);
  const seen = at.getBoundingClientRect();
  const ring = at.matches(":focus-visible") && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  const inside = seen.width > 1 && seen.bottom > 0 && seen.top < innerHeight && seen.right > 0;
  const label = at.labels?.[0]?.innerText || at.getAttribute("aria-label") || at.innerText || at.placeholder || at.id;
  return [label.trim().split("\\n")[0].split(" · ")[0], ring && inside];
}"""


@pytest.fixture
async def ids(plane, clock):
    await add_user(plane, "boss", STORED, roles=frozenset(ROLES), by="test")
    return await ask_all(plane, clock)


@pytest.fixture
def plane(open_plane):
    return open_plane(POLICY, sealing=SEALING)


@pytest.fixture
async def page(url, ids):
    """Logged in without a mouse."""
    async with browsing(chromium()) as browser:
        page = await (await browser.new_context(viewport={"width": 1280, "height": 900})).new_page()
        await page.goto(f"{url}/inbox/login")
        await page.keyboard.type("boss")
        assert await tab(page) == "Password"
        await page.keyboard.type(PASSWORD)
        assert await tab(page) == "Log in"
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{url}/inbox")
        yield page


async def tab(page: Page, keys: str = "Tab") -> str:
    """Where the focus goes; it is seen there."""
    await page.keyboard.press(keys)
    label, is_seen = await page.evaluate(FOCUSED)
    assert is_seen, label
    return label


async def tab_to(page: Page, label: str) -> list[str]:
    """Go on until there; what was passed."""
    passed = [await tab(page)]
    while passed[-1] != label:
        assert len(passed) < 60, passed
        passed.append(await tab(page))
    return passed


async def test_the_focus_goes_through_a_page_in_the_order_in_which_it_is_read(page):
    begin = ["Skip to content", "Inbox", "Decisions", "Policy", "Charts", "People"]
    passed = await tab_to(page, "Log out")
    assert [label for label in passed if label in begin] == begin
    assert await tab_to(page, "Search") is not None
    assert [await tab(page) for _ in range(2)] == ["Order", "Show"]


async def test_skip_to_content_skips_the_navigation(page):
    assert await tab(page) == "Skip to content"
    await page.keyboard.press("Enter")
    assert "Decisions" not in await tab_to(page, "Search")


async def test_a_call_is_found_opened_edited_and_approved(page, plane, ids):
    await tab_to(page, "Search")
    await page.keyboard.type("Alvarez")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/inbox?q=Alvarez*")
    await tab_to(page, "refund_payment")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/inbox/approvals/{ids['amount']}")
    await tab_to(page, "Comment")
    await page.keyboard.type("less is fine")
    order = [await tab(page) for _ in range(5)]
    assert order == [
        "Tell the agent my comment",
        "Approve",
        "Deny",
        "Answer in its place",
        "Edit and approve",
    ]
    await page.keyboard.press("Enter")
    assert await tab(page) == "amount"
    await page.keyboard.press("Control+a")
    await page.keyboard.type("900")
    await tab_to(page, "Approve these arguments")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Approved. The call may run once.")).to_be_visible()
    approval = await plane.wait(ids["amount"], timeout=0)
    assert (approval.state, approval.edited["amount"]) == ("approved", 900)


async def test_a_call_is_denied_with_a_reason_that_the_agent_hears(page, plane, ids):
    await tab_to(page, "Search")
    await page.keyboard.type("login.evil")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/inbox?q=login.evil*")
    await page.keyboard.press("j")
    label, is_seen = await page.evaluate(FOCUSED)
    assert (label, is_seen) == ("post_message", True)
    await page.keyboard.press("c")
    await page.keyboard.type("this link leads elsewhere")
    assert await tab(page) == "Tell the agent my comment"
    await page.keyboard.press("Space")
    assert [await tab(page), await tab(page)] == ["Approve", "Deny"]
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_have_text("Denied.")
    approval = await plane.wait(ids["deceit"], timeout=0)
    assert (approval.state, approval.told) == ("denied", "this link leads elsewhere")


async def test_whoever_has_answered_goes_on_with_the_next_call(page, plane, ids):
    await tab_to(page, "post_message key:status-agent")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/inbox?tool=post_message*")
    first, second = [await card.get_attribute("id") for card in await page.locator("article.call").all()]
    await page.keyboard.press("j")
    await page.keyboard.press("a")
    await expect(page.get_by_role("status")).to_be_in_viewport()
    await expect(page.locator(f"[id={second}]")).to_be_focused()
    assert "tool=post_message" in page.url
    await page.keyboard.press("d")
    await expect(page.get_by_role("status")).to_have_text("Denied.")
    assert [(await plane.wait(one, timeout=0)).state for one in (first, second)] == ["approved", "denied"]


async def test_many_are_approved_at_once(page, plane, ids):
    await tab_to(page, "post_message key:status-agent")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/inbox?tool=post_message*")
    await tab_to(page, "Approve these 2")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_have_text("All of these calls are answered.")
    states = [(await plane.wait(ids[kind], timeout=0)).state for kind in ("deceit", "text")]
    assert states == ["approved", "approved"]
