"""The inbox in a real Chromium."""

from __future__ import annotations

import httpx
import pytest

pytest.importorskip("playwright.async_api", reason="Playwright is not installed")

from playwright.async_api import expect

from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.wording import ENGLISH
from tests.control_plane.inbox.browser import browsing, chromium, log_in
from tests.control_plane.serving import serving

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed (apt-get install chromium)"),
]

HOSTILE = {
    "html": "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script></textarea></pre>",
    "terminal": "\x1b[2J\x1b]0;owned\x07",
    "bidi": "pay \u202e000,01\u202c EUR",
    "zero\u200bwidth": "a\u200bb",
    "quote": "\"'><b>bold</b>",
}


@pytest.fixture
async def browser():
    async with browsing(chromium()) as browser:
        yield browser


async def test_a_call_appears_by_itself_and_is_approved_by_key(browser, url, key, ask, plane):
    page = await log_in(browser, url, await key())
    await expect(page.get_by_text("Nothing waits")).to_be_visible()
    approval_id = await ask()
    card = page.locator(f"[id={approval_id}]")
    await expect(card).to_be_visible()
    await expect(page).to_have_title("(1) Inbox · litellm-bighub")
    await page.keyboard.press("j")
    await page.keyboard.press("a")
    await expect(page.get_by_text("Approved. The call may run once.")).to_be_visible()
    assert (await plane.wait(approval_id, timeout=0)).state == "approved"


async def test_who_wants_to_be_is_notified_of_a_new_call(browser, url, key, ask):
    """Chromium without a screen shows none, so what the page asks for is noted in its place."""
    page = await log_in(browser, url, await key())
    await page.add_init_script(
        """
        window.shown = [];
        window.Notification = class {
          static permission = "default";
          static async requestPermission() { return (this.permission = "granted"); }
          constructor(title, options) { window.shown.push([title, options.body]); }
        };
        """
    )
    await page.reload()
    await page.click("text=Notify me")
    await expect(page.get_by_text("Notify me")).to_be_hidden()
    approval_id = await ask()
    await expect(page.locator(f"[id={approval_id}]")).to_be_visible()
    assert await page.evaluate("window.shown") == [["A call waits for you", "refund"]]
    await page.click("text=Stop notifying me")
    await expect(page.get_by_text("Notify me")).to_be_visible()
    second = await ask(800)
    await expect(page.locator(f"[id={second}]")).to_be_visible()
    assert len(await page.evaluate("window.shown")) == 1


async def test_an_answer_elsewhere_removes_the_card(browser, url, key, ask, plane):
    page = await log_in(browser, url, await key())
    approval_id = await ask()
    kept = await ask(800)
    await expect(page.locator("article.call")).to_have_count(2)
    await page.fill(f"[id=c-{kept}]", "half a thou")
    other = await log_in(browser, url, await key("bob"))
    await other.click(f"[id={approval_id}] >> button[value=deny]")
    await expect(page.locator("article.call")).to_have_count(1)
    await expect(page.locator(f"[id=c-{kept}]")).to_have_value("half a thou")


async def test_of_two_people_who_race_one_wins_and_the_other_is_told(browser, url, key, ask):
    approval_id = await ask()
    # Without scripts the card of the slower one stays until the click: the race itself.
    pages = [await log_in(browser, url, await key(name), java_script_enabled=False) for name in ("ann", "bob")]
    await pages[0].click(f"[id={approval_id}] >> button[value=approve]")
    await pages[1].click(f"[id={approval_id}] >> button[value=deny]")
    await expect(pages[0].get_by_text("Approved. The call may run once.")).to_be_visible()
    await expect(pages[1].get_by_text(ENGLISH.inbox_refused_resolved)).to_be_visible()


async def test_who_is_too_late_is_told(browser, url, key, ask, clock):
    approval_id = await ask()
    page = await log_in(browser, url, await key(), java_script_enabled=False)
    clock.now += 900
    await page.click(f"[id={approval_id}] >> button[value=approve]")
    await expect(page.get_by_text(ENGLISH.inbox_refused_expired)).to_be_visible()
    await expect(page.get_by_text("Nothing waits")).to_be_visible()


async def test_what_a_model_wrote_is_shown_and_never_run(browser, url, key, ask, plane):
    name = "<script>window.hacked=1</script>\u202e"
    approval_id = await ask(700, **HOSTILE, actor=name)
    page = await log_in(browser, url, await key())
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    await page.reload()
    shown = await page.locator(f"[id={approval_id}] >> .arguments").inner_text()
    assert "<img src=x onerror='window.hacked=1'><script>" in shown
    assert "\\u202e000,01\\u202c" in shown
    assert "\\u001b[2J" in shown
    assert not {"\u202e", "\u200b", "\x1b"} & set(await page.content())
    await expect(page.locator("article.call")).to_have_count(1)
    approval = await plane.wait(approval_id, timeout=0)
    for path in ("/inbox/decisions", f"/inbox/decisions/{approval.decision_id}", "/inbox/charts"):
        await page.goto(url + path)
        assert await page.evaluate("window.hacked") is None
    assert errors == []


async def test_a_call_is_approved_with_a_note_that_its_story_shows(browser, url, key, ask, plane):
    approval_id = await ask(700)
    page = await log_in(browser, url, await key())
    await page.fill(f"[id=c-{approval_id}]", "on weekdays <b>only</b>")
    await page.click(f"[id={approval_id}] >> text=Tell the agent my comment")
    await page.click(f"[id={approval_id}] >> button[value=approve]")
    await expect(page.get_by_text("Approved.")).to_be_visible()
    approval = await plane.wait(approval_id, timeout=0)
    assert (approval.state, approval.edited, approval.told) == ("approved", None, "on weekdays <b>only</b>")
    await page.goto(f"{url}/inbox/decisions/{approval.decision_id}")
    await expect(page.get_by_text("The agent hears: on weekdays <b>only</b>")).to_be_visible()


async def test_arguments_are_edited_by_keyboard(browser, url, key, ask, plane):
    approval_id = await ask(700, note="\u202ex")
    page = await log_in(browser, url, await key())
    await page.keyboard.press("j")
    await page.keyboard.press("e")
    box = page.locator(f"[id=f-{approval_id}-0]")
    await expect(box).to_be_focused()
    await box.fill("600")
    await page.click("text=Approve these arguments")
    await expect(page.get_by_text("Approved.")).to_be_visible()
    assert (await plane.wait(approval_id, timeout=0)).edited == {"amount": 600, "note": "\u202ex"}


async def test_an_edit_that_is_refused_comes_back_as_it_was_typed(browser, url, key, ask, plane):
    approval_id = await ask(700, note="two\nlines")
    page = await log_in(browser, url, await key())
    for verdict, told in (("edit", ENGLISH.inbox_unreadable), ("approve", ENGLISH.inbox_edit_unused)):
        await page.click(f"[id={approval_id}] >> text=Edit and approve") if verdict == "edit" else None
        await page.fill(f"[id=f-{approval_id}-0]", "six hundred")
        await page.fill(f"[id=f-{approval_id}-1]", "other\nlines")
        await page.fill(f"[id=c-{approval_id}]", "less is fine")
        await page.click(f"[id={approval_id}] >> button[value={verdict}]")
        await expect(page.get_by_text(told)).to_be_visible()
        await expect(page.locator(f"[id=f-{approval_id}-0]")).to_have_value("six hundred")
        await expect(page.locator(f"[id=c-{approval_id}]")).to_have_value("less is fine")
    await page.fill(f"[id=f-{approval_id}-0]", "600")
    await page.click("button[value=edit]")
    await expect(page.get_by_text("Approved.")).to_be_visible()
    assert (await plane.wait(approval_id, timeout=0)).edited == {"amount": 600, "note": "other\nlines"}


async def test_html_is_shown_in_a_frame_that_reaches_nothing(browser, url, key, ask):
    evil = "https://evil.invalid"
    html = (
        f"<p>Dear <b>you</b></p><img src='{evil}/p'><link rel=preconnect href='{evil}'><script>parent.hacked=1</script>"
    )
    approval_id = await ask(700, to="ann@example.com", body=html, text="\n".join(["line"] * 40 + ["needle"]))
    page = await log_in(browser, url, await key())
    requests, errors = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    await page.reload()
    frame = page.frame_locator(f"[id={approval_id}] >> iframe")
    await page.locator("iframe").scroll_into_view_if_needed()
    await expect(frame.get_by_text("Dear you")).to_be_visible()
    assert await page.evaluate("window.hacked") is None
    assert [one for one in requests if not one.startswith(url)] == []
    assert errors == []
    await page.click("text=more lines")
    await page.fill(".find input", "needle")
    await expect(page.locator(".fold .line:visible")).to_have_count(1)


async def test_a_page_whose_server_is_gone_says_so_and_keeps_what_was_typed(browser, plane, key, ask):
    approval_id = await ask()
    async with serving(create_app(plane)) as url:
        page = await log_in(browser, url, await key())
        await page.fill(f"[id=c-{approval_id}]", "half a thou")
    await expect(page.get_by_text(ENGLISH.inbox_server_gone)).to_be_visible()
    await page.click(f"[id={approval_id}] >> button[value=approve]")
    await expect(page.locator(f"[id=c-{approval_id}]")).to_have_value("half a thou")
    assert (await plane.wait(approval_id, timeout=0)).state == "pending"


async def test_a_lost_session_comes_back_to_the_same_card_with_what_was_typed(browser, url, key, ask, plane):
    approval_id = await ask()
    secret = await key()
    page = await log_in(browser, url, secret)
    await page.fill(f"[id=c-{approval_id}]", "half a thought")
    await page.click(f"[id={approval_id}] >> text=Edit and approve")
    await page.fill(f"[id=f-{approval_id}-0]", "600")
    await page.context.clear_cookies()
    await page.click(f"[id={approval_id}] >> button[value=edit]")
    await page.fill("#key", secret)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{url}/inbox/approvals/{approval_id}")
    await expect(page.locator(f"[id=c-{approval_id}]")).to_have_value("half a thought")
    await page.click("button[value=edit]")
    await expect(page.get_by_text("Approved.")).to_be_visible()
    assert (await plane.wait(approval_id, timeout=0)).edited == {"amount": 600}


async def test_a_kill_switch_appears_by_itself(browser, url, key, plane):
    page = await log_in(browser, url, await key())
    await expect(page.get_by_text("Nothing waits")).to_be_visible()
    async with httpx.AsyncClient(base_url=url, headers={"X-API-Key": await key("bob")}) as client:
        activation = {"scope": "global", "reason": "an incident"}
        (await client.post("/kill-switch/activate", json=activation)).raise_for_status()
    await expect(page.get_by_text("an incident")).to_be_visible()


async def test_enter_in_the_comment_answers_nothing(browser, url, key, ask, plane):
    approval_id = await ask()
    page = await log_in(browser, url, await key())
    await page.fill(f"[id=c-{approval_id}]", "hmm")
    await page.keyboard.press("Enter")
    await page.reload()
    assert (await plane.wait(approval_id, timeout=0)).state == "pending"


@pytest.mark.parametrize("width", [360, 1280])
async def test_nothing_is_wider_than_the_screen_and_every_field_has_a_name(browser, url, key, ask, width):
    await ask(700, **HOSTILE, long="x" * 3000)
    page = await log_in(browser, url, await key(), viewport={"width": width, "height": 800})
    for path in ("/inbox", "/inbox/decisions", "/inbox/charts", "/inbox/policy", "/inbox/policy/explain"):
        await page.goto(url + path)
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        unnamed = (
            "[...document.querySelectorAll('input:not([type=hidden]),select,textarea')].filter(f => !f.labels.length)"
        )
        assert await page.evaluate(f"{unnamed}.length") == 0
