"""`user:` of a rule is nobody who has only chosen the name at the identity provider."""

from __future__ import annotations

import asyncio
import re
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


async def of_provider(browser_of, plane):
    """Kim, who has logged in at the provider and is declared, with an account in Slack and an address."""
    await browser_of(users=KIMS).get(LOGIN)
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


@pytest.mark.parametrize(("user", "state"), [("bob", "approved"), ("kim@x.org", "pending")], ids=["another's", "own"])
async def test_the_declared_name_counts_in_slack(browser_of, plane, clock, user, state):
    await of_provider(browser_of, plane)
    with SlackServer("C0ALL", clock=clock) as slack:
        secrets = {"bot_token": slack.bot_token, "app_token": slack.app_token}
        channel = SlackChannel(
            SlackSettings(channel="C0ALL", api_url=slack.api_url, **secrets), plane, "https://x.test"
        )
        async with serving(create_app(plane, channels=[channel])):
            await asyncio.to_thread(slack.wait_until, lambda server: server.connections)
            approval = await asked(plane, user)
            await asyncio.to_thread(slack.wait_until, lambda server: server.messages)
            assert await asyncio.to_thread(slack.press, slack.messages[0], "Approve", account="UKIM")
    assert (await plane.wait(approval.id, timeout=0)).state == state


async def test_the_declared_name_counts_for_mail(browser_of, plane):
    kim = await of_provider(browser_of, plane)
    mail = Mail(SmtpSettings(host="127.0.0.1", sender="bighub@example.com"), plane, "https://bighub.example.com")
    assert await mail.places(await asked(plane, "bob"), plane.clock()) == [kim.id]
    assert await mail.places(await asked(plane, "kim@x.org"), plane.clock()) == []
