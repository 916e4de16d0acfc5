"""The button that shows a hidden value, over HTTP and in a real Chromium with a real `serve`."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from litellm_bighub.control_plane.decisions.embedded_decider import EmbeddedDecider
from litellm_bighub.control_plane.people.accounts import add_user
from litellm_bighub.control_plane.store.seal import VARIABLE, Sealing
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import RequireApproval
from litellm_bighub.wording import ENGLISH
from tests.control_plane.inbox.browser import browsing, chromium
from tests.control_plane.inbox.conftest import PASSWORD, STORED

POLICY = """\
version: 1
tools: {pay: {value: amount, target: iban, visible_to: group:payments}}
rules: [{name: pays, tool: pay, effect: require_approval, approval_ttl_seconds: 3600}]
"""
IBAN = "DE89370400440532013000"
ARGUMENTS = {"amount": 80, "iban": IBAN, "note": "March"}
PICTURES = os.environ.get("BIGHUB_PICTURES")
"""A folder for what the pages look like, for whoever wants to see."""


@pytest.fixture
def sealing():
    return Sealing([os.urandom(32)])


@pytest.fixture
def plane(open_plane, sealing):
    return open_plane(POLICY, sealing=sealing)


@pytest.fixture
async def approval_id(plane):
    outcome = await plane.decide(ToolCall("c", "function", "pay", ARGUMENTS, value=80), CallContext("agent", "shop"))
    return outcome.approval.id


async def test_who_may_look_has_a_button_and_keeps_what_they_typed(user, enter, approval_id):
    await user("kim", groups={"payments"})
    client, inbox, csrf = await enter()
    assert 'aria-label="Show iban"' in inbox.text
    assert IBAN not in inbox.text
    form = {"csrf": csrf, "argument": "iban", "comment": "looks right"}
    page = await client.post(f"/inbox/approvals/{approval_id}/show", data=form)
    assert page.status_code == 200
    assert page.text.count(IBAN) == 1
    assert page.headers["cache-control"] == "no-store"
    assert 'value="looks right"' in page.text
    again = await client.get(f"/inbox/approvals/{approval_id}")
    assert IBAN not in again.text
    for path in ("/inbox", "/inbox/decisions", "/inbox/decisions/export?format=csv", "/inbox/charts"):
        assert IBAN not in (await client.get(path)).text
    story = await client.get(re.search(r"/inbox/decisions/dec_\w+", again.text)[0])
    assert "looked at the hidden value of <code>iban</code>" in story.text
    assert IBAN not in story.text


@pytest.mark.parametrize(
    ("roles", "groups", "status"),
    [({"approver"}, {"finance"}, 422), ({"viewer"}, {"payments"}, 403), ({"operator", "auditor"}, {"payments"}, 403)],
    ids=["an approver of another group", "a viewer", "an operator"],
)
async def test_others_are_told_who_may_look(user, enter, approval_id, roles, groups, status):
    """They have no button, and sending its form is of no use."""
    await user("kim", *roles, groups=groups)
    client, inbox, csrf = await enter()
    assert "group:payments may look" in inbox.text
    assert "Show iban" not in inbox.text
    page = await client.post(f"/inbox/approvals/{approval_id}/show", data={"csrf": csrf, "argument": "iban"})
    assert page.status_code == status
    assert IBAN not in page.text


async def test_only_the_form_of_ones_own_page_shows_it(user, enter, approval_id):
    await user("kim", groups={"payments"})
    client, _, _ = await enter()
    page = await client.post(f"/inbox/approvals/{approval_id}/show", data={"csrf": "x", "argument": "iban"})
    assert page.status_code == 403
    assert (await client.get(f"/inbox/approvals/{approval_id}/show")).status_code == 405


async def test_a_call_that_no_longer_waits_says_so(user, enter, approval_id):
    await user("kim", groups={"payments"})
    client, _, csrf = await enter()
    await client.post(f"/inbox/approvals/{approval_id}", data={"csrf": csrf, "verdict": "deny"})
    page = await client.post(f"/inbox/approvals/{approval_id}/show", data={"csrf": csrf, "argument": "iban"})
    assert ENGLISH.inbox_look_over in page.text
    gone = await client.post("/inbox/approvals/apr_none/show", data={"csrf": csrf, "argument": "iban"})
    assert gone.status_code == 404


async def test_a_wrong_key_is_told_in_a_sentence_and_the_call_can_be_denied(
    plane, open_plane, user, enter, approval_id
):
    await user("kim", groups={"payments"})
    plane._sealing = Sealing([os.urandom(32)])
    client, _, csrf = await enter()
    page = await client.post(f"/inbox/approvals/{approval_id}/show", data={"csrf": csrf, "argument": "iban"})
    assert ENGLISH.inbox_look_unopened in page.text
    assert 'value="deny"' in page.text
    denied = await client.post(f"/inbox/approvals/{approval_id}", data={"csrf": csrf, "verdict": "deny"})
    assert ENGLISH.inbox_denied in denied.text


async def test_a_login_that_has_ended_leads_back_to_the_call(user, enter, plane, approval_id):
    await user("kim", groups={"payments"})
    client, _, csrf = await enter()
    client.cookies.clear()
    login = await client.post(f"/inbox/approvals/{approval_id}/show", data={"csrf": csrf, "argument": "iban"})
    assert f'name="next" value="/inbox/approvals/{approval_id}"' in login.text


async def test_an_edit_form_never_writes_the_mask(user, enter, plane, approval_id):
    """The field of a hidden value has its mask: left so, the call keeps the value; changed, nothing is done."""
    await user("kim", groups={"payments"})
    client, inbox, csrf = await enter()
    shown = re.search(r'name="shown" value="([^"]+)"', inbox.text)[1]
    form = {"csrf": csrf, "shown": shown, "verdict": "edit", "argument:0": "70", "argument:2": "April"}
    for typed in ("[redacted] ", IBAN):
        page = await client.post(f"/inbox/approvals/{approval_id}", data={**form, "argument:1": typed})
        assert page.status_code == 422
        assert ENGLISH.inbox_refused_hidden in page.text
    await client.post(f"/inbox/approvals/{approval_id}", data={**form, "argument:1": "[redacted]"})
    call = ToolCall("c", "function", "pay", ARGUMENTS, value=80)
    used = await plane.decide(call, CallContext("agent", "shop"))
    assert used.edited == {"amount": 70, "iban": IBAN, "note": "April"}


@pytest.mark.browser
@pytest.mark.skipif(chromium() is None, reason="Chromium is not installed (apt-get install chromium)")
@pytest.mark.parametrize("width", [390, 1280])
async def test_somebody_looks_in_a_browser(width, tmp_path, monkeypatch):
    """A gateway's process asks, `serve` shows. Afterwards the value is in no file, log, event or export."""
    keys = ",".join(base64.b64encode(os.urandom(32)).decode() for _ in range(2))
    policy = tmp_path / "bighub_policy.yaml"
    policy.write_text(POLICY)
    monkeypatch.setenv(VARIABLE, keys)
    decider = EmbeddedDecider.from_policy_file(policy)
    plane = await decider.plane()
    for name, group in (("kim", "payments"), ("lee", "finance")):
        await add_user(plane, name, STORED, roles=frozenset({"approver"}), groups=frozenset({group}), by="test")
    call, context = ToolCall("c", "function", "pay", ARGUMENTS, value=80), CallContext("agent", "shop")
    asked = await decider.decide(call, context)
    assert isinstance(asked, RequireApproval)
    command = [Path(sys.executable).with_name("litellm-bighub"), "serve", "--policy", policy, "--port", "0"]
    rotated = ",".join(reversed(keys.split(",")))  # it seals with the other key, and opens with both
    with (tmp_path / "serve.log").open("w") as log:
        serve = await asyncio.create_subprocess_exec(
            *command, env={**os.environ, VARIABLE: rotated}, stdout=asyncio.subprocess.PIPE, stderr=log
        )
        assert serve.stdout is not None
        try:
            printed = ""
            while "/inbox" not in printed:
                line = await serve.stdout.readline()
                assert line, printed
                printed += line.decode()
            url = re.search(r"(http://127\.0\.0\.1:\d+)/inbox", printed)[1]
            await _look(url, width, asked.approval_id)
            key = re.search(r"shown this once: (\S+)", printed)[1]
            async with httpx.AsyncClient(base_url=url, headers={"X-API-Key": key}) as client:
                told = [(await client.get(path)).text for path in ("/events", "/approvals?status=all", "/metrics")]
        finally:
            serve.terminate()
            printed += (await serve.stdout.read()).decode()
            await serve.wait()
    assert (await decider.decide(call, context)).reason == "approved by kim"
    await decider.aclose()
    assert "approval.value_shown" in told[0]
    assert all(IBAN not in text for text in (*told, printed))
    with closing(sqlite3.connect(tmp_path / "bighub.db")) as database:
        assert database.execute("SELECT count(*) FROM sealed_values").fetchone() == (0,)
    assert all(IBAN.encode() not in path.read_bytes() for path in tmp_path.iterdir())


async def _look(url, width, approval_id):
    from playwright.async_api import expect  # noqa: PLC0415 - it is not installed everywhere

    async with browsing(chromium()) as browser:
        for name in ("lee", "kim"):
            page = await (await browser.new_context(viewport={"width": width, "height": 844})).new_page()
            await page.goto(f"{url}/inbox/login")
            await page.get_by_label("Name").fill(name)
            await page.get_by_label("Password").fill(PASSWORD)
            await page.keyboard.press("Enter")
            await page.wait_for_url(f"{url}/inbox")
            await expect(page.get_by_text("[redacted]").first).to_be_visible()
            assert IBAN not in await page.content()
            if name == "lee":
                await expect(page.get_by_text("group:payments may look")).to_be_visible()
                await expect(page.get_by_role("button", name="Show iban")).to_have_count(0)
        await page.get_by_placeholder(ENGLISH.page_comment).fill("known account")
        await page.get_by_role("button", name="Show iban").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_text(IBAN)).to_be_in_viewport()
        await expect(page.get_by_placeholder(ENGLISH.page_comment)).to_have_value("known account")
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        if PICTURES:
            await page.screenshot(path=Path(PICTURES) / f"hidden-{width}.png", full_page=True)
        await page.get_by_role("button", name="Approve", exact=True).click()
        await expect(page.get_by_text(ENGLISH.inbox_approved)).to_be_visible()  # the page takes the note out of its URL
        await page.goto(f"{url}/inbox/approvals/{approval_id}")
        await expect(page.get_by_text("kim looked at the hidden value of")).to_be_visible()
        assert IBAN not in await page.content()
