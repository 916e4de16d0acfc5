"""What counts of people of an identity provider: `user:` of a rule by the subject alone, roles for some days."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from litellm_bighub.control_plane.channels.mail import Mail
from litellm_bighub.control_plane.channels.slack_app.slack_channel import SlackChannel
from litellm_bighub.control_plane.http.api_keys import make_key
from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.people import users
from litellm_bighub.control_plane.people.accounts import add_user, change_user
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.settings import SlackSettings, SmtpSettings
from litellm_bighub.testing import SlackServer
from litellm_bighub.wording import ENGLISH
from tests.control_plane.inbox.conftest import STORED
from tests.control_plane.serving import serving

LOGIN = "/inbox/login/provider"
DAY = 86400
POLICY = """\
version: 1
tools: {refund: {value: amount}}
rules: [{name: refunds, tool: refund, effect: require_approval, approvers: ["user:kim"]}]
"""


@pytest.fixture
def plane(open_plane):
    return open_plane(POLICY)


async def answered(browser, approval_id):
    """What the page says of the answer of whoever logs in."""
    await browser.get(LOGIN)
    page = (await browser.get("/inbox")).text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)[1]
    return (await browser.post(f"/inbox/approvals/{approval_id}", data={"verdict": "approve", "csrf": csrf})).text


@pytest.mark.parametrize(
    ("declared", "state"),
    [
        pytest.param({}, "pending", id="a chosen name"),
        pytest.param({"kim": "4711"}, "approved", id="by the subject"),
        pytest.param({"kim": "4712", "kim.b": "4711"}, "pending", id="the name of another subject"),
    ],
)
async def test_a_name_of_the_provider_counts_by_its_subject_alone(browser_of, plane, ask, declared, state):
    approval_id = await ask()
    said = await answered(browser_of(users=declared), approval_id)
    assert (await plane.wait(approval_id, timeout=0)).state == state
    assert (ENGLISH.inbox_refused_not_approver in said) == (state == "pending")


async def test_a_local_users_name_is_nobody_elses(browser_of, plane, ask):
    made = {"roles": frozenset({"approver"}), "by": "test"}
    local = await add_user(plane, "kim", STORED, **made)
    approval_id = await ask()
    await answered(browser_of(users={"kim": "4711"}), approval_id)
    assert (await plane.wait(approval_id, timeout=0)).state == "pending"
    assert local.person.user == "kim"


KIMS = {"kim": "4711"}


async def of_provider(browser_of, plane, **settings):
    """Kim, who has logged in at the provider and is declared, with an account in Slack and an address."""
    await browser_of(users=KIMS, **settings).get(LOGIN)
    [kim] = await plane.read(users.everybody)
    return await change_user(plane, kim.id, lambda user: replace(user, slack="UKIM", email="kim@x.org"), by="test")


async def asked(plane, user):
    call = ToolCall("call_1", "function", "refund", {"amount": 700}, value=700)
    return (await plane.decide(call, CallContext("agent", "shop", user=user))).approval


async def test_a_key_of_theirs_has_no_such_name(browser_of, plane):
    kim = await of_provider(browser_of, plane)
    _, key = await make_key(plane, "script", frozenset({"approvals:resolve", "inbox:read"}), by="test", lineage=kim.id)
    own, others = await asked(plane, "kim@x.org"), await asked(plane, "bob")
    browser = browser_of(users=KIMS)
    page = await browser.post("/inbox/login", data={"key": key})
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)[1]
    for approval in (own, others):
        said = await browser.post(f"/inbox/approvals/{approval.id}", data={"verdict": "approve", "csrf": csrf})
        assert ENGLISH.inbox_refused_not_approver in said.text
        assert (await plane.wait(approval.id, timeout=0)).state == "pending"


@asynccontextmanager
async def slack_of(plane, clock):
    """A workspace that hears of calls, and whoever presses a button of the last message."""
    with SlackServer("C0ALL", clock=clock) as slack:
        secrets = {"bot_token": slack.bot_token, "app_token": slack.app_token}
        channel = SlackChannel(
            SlackSettings(channel="C0ALL", api_url=slack.api_url, **secrets), plane, "https://x.test"
        )
        async with serving(create_app(plane, channels=[channel])):
            await asyncio.to_thread(slack.wait_until, lambda server: server.connections)

            async def press(number):
                await asyncio.to_thread(slack.wait_until, lambda server: len(server.messages) == number)
                assert await asyncio.to_thread(slack.press, slack.messages[-1], "Approve", account="UKIM")

            yield slack, press


@pytest.mark.parametrize(("user", "state"), [("bob", "approved"), ("kim@x.org", "pending")], ids=["another's", "own"])
async def test_the_declared_name_counts_in_slack(browser_of, plane, clock, user, state):
    await of_provider(browser_of, plane)
    async with slack_of(plane, clock) as (_, press):
        approval = await asked(plane, user)
        await press(1)
    assert (await plane.wait(approval.id, timeout=0)).state == state


async def test_the_declared_name_counts_for_mail(browser_of, plane):
    kim = await of_provider(browser_of, plane)
    mail = Mail(SmtpSettings(host="127.0.0.1", sender="bighub@example.com"), plane, "https://bighub.example.com")
    assert await mail.places(await asked(plane, "bob"), plane.clock()) == [kim.id]
    assert await mail.places(await asked(plane, "kim@x.org"), plane.clock()) == []


async def test_who_has_not_logged_in_for_long_does_so_before_they_answer_in_slack(browser_of, plane, clock):
    await of_provider(browser_of, plane)
    clock.now += 7 * DAY + 1
    async with slack_of(plane, clock) as (slack, press):
        approval = await asked(plane, "bob")
        await press(1)
        await asyncio.to_thread(slack.wait_until, lambda server: server.whispers)
        assert "Log in once at https://x.test/inbox, then answer again" in slack.whispers[0].text
        assert (await plane.wait(approval.id, timeout=0)).state == "pending"
        await browser_of(users=KIMS).get(LOGIN)
        await press(1)
    assert (await plane.wait(approval.id, timeout=0)).state == "approved"


async def test_nobody_knows_when_somebody_logged_in_before_it_was_recorded(browser_of, plane):
    kim = await of_provider(browser_of, plane)
    before = await change_user(plane, kim.id, lambda user: replace(user, login_at=None), by="test")
    assert not plane.rule_names.roles_count(before.roles_of, plane.clock())


@pytest.mark.parametrize(("days", "status"), [(6, 200), (8, 401)])
async def test_a_key_of_theirs_opens_as_long_as_their_roles_count(browser_of, plane, clock, days, status):
    kim = await of_provider(browser_of, plane)
    _, key = await make_key(plane, "script", frozenset({"approvals:resolve"}), by="test", lineage=kim.id)
    browser = browser_of(users=KIMS)
    clock.now += days * DAY
    answer = await browser.get("/approvals", headers={"X-API-Key": key})
    assert (answer.status_code, "last login" in answer.text) == (status, status == 401)
    assert (await browser.post("/inbox/login", data={"key": key})).status_code == status


async def test_a_session_of_a_key_ends_with_their_roles(browser_of, plane, clock):
    kim = await of_provider(browser_of, plane)
    _, key = await make_key(plane, "script", frozenset({"approvals:resolve"}), by="test", lineage=kim.id)
    browser = browser_of(users=KIMS)
    clock.now += 7 * DAY - 60
    await browser.post("/inbox/login", data={"key": key})
    pages = [await browser.get("/inbox")]
    clock.now += 120
    pages.append(await browser.get("/inbox"))
    assert ["Waiting for you" in page.text for page in pages] == [True, False]


async def test_the_settings_say_how_long_roles_count(browser_of, plane, clock):
    kim = await of_provider(browser_of, plane, roles_last_days=0.5)
    mail = Mail(SmtpSettings(host="127.0.0.1", sender="bighub@example.com"), plane, "https://bighub.example.com")
    approval = await asked(plane, "bob")
    assert await mail.places(approval, plane.clock()) == [kim.id]
    assert await mail.places(approval, plane.clock() + DAY / 2 + 1) == []
