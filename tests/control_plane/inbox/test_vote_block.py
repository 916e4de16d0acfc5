"""What a card says of its approvers, and over HTTP the approval itself."""

from __future__ import annotations

import re

import pytest

from litellm_bighub.control_plane.http.api_keys import make_key
from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.people.accounts import add_user
from litellm_bighub.control_plane.people.roles import ROLES
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.wording import ENGLISH
from tests.control_plane.http.asking import Client
from tests.control_plane.inbox.conftest import STORED

POLICY = """\
version: 1
rules:
  - {name: anybody, tool: read, effect: require_approval}
  - {name: deploys, tool: deploy, effect: require_approval, approval_ttl_seconds: 3600,
     quorum: {count: 2, group: security}, escalation: {after_seconds: 600, to: [group:leads]}}
"""


@pytest.fixture
def plane(open_plane):
    return open_plane(POLICY)


@pytest.fixture
def ask(plane):
    async def ask_(tool="deploy", user="kim"):
        call = ToolCall("c", "function", tool, {"version": "1.2"})
        decided = await plane.decide(call, CallContext("agent", "shop", user=user, surface="/v1/responses"))
        return decided.approval.id

    return ask_


def words(page):
    """What stands in the card's list of approvers."""
    listed = re.search(r'<ul class="told note votes">(.*?)</ul>', page, re.DOTALL)
    return listed and " ".join(re.sub(r"<[^>]+>", " ", listed[1]).split())


async def test_a_card_says_who_may_answer_and_how_many_have(user, enter, ask, clock):
    approval_id = await ask()
    for name, group in (("sam", "security"), ("sue", "security"), ("fay", "finance")):
        await user(name, "approver", groups=[group])
    client, page, csrf = await enter("sam")
    assert (
        words(page.text)
        == "0 of 2 approvals by group:security From 2026-11-21 12:40:00 UTC on, group:leads may approve too."
    )
    await client.post(f"/inbox/approvals/{approval_id}", data={"csrf": csrf, "verdict": "approve"})
    clock.now += 600
    page = (await client.get("/inbox")).text
    assert words(page) == "1 of 2 approvals by group:security, group:leads (so far: sam) You have approved it."
    other = (await enter("fay"))[1].text
    assert ENGLISH.page_not_yours in other
    assert 'value="approve"' not in other


async def test_nobody_is_offered_to_approve_their_own_call(enter, ask, plane):
    approval_id = await ask("read")
    await add_user(plane, "kim", STORED, roles=frozenset(ROLES), litellm_user="kim", by="test")
    client, page, csrf = await enter("kim")
    assert ENGLISH.page_own_call in page.text
    assert not re.search(r'value="(approve|edit|allow)"', page.text)
    refused = await client.post(f"/inbox/approvals/{approval_id}", data={"csrf": csrf, "verdict": "approve"})
    assert ENGLISH.inbox_refused_own_call in refused.text
    done = await client.post(f"/inbox/approvals/{approval_id}", data={"csrf": csrf, "verdict": "deny"})
    assert ENGLISH.inbox_denied in done.text


async def test_an_unknown_requester_is_shown_as_unknown(visit, ask):
    await ask("read", user="")
    client, _ = await visit()
    assert ENGLISH.page_requester_unknown in (await client.get("/inbox")).text


async def test_a_key_is_no_member_of_a_group_and_sees_over_http_who_is_needed(plane, ask):
    approval_id = await ask()
    _, secret = await make_key(plane, "sam", frozenset({"approvals:resolve"}), by="test")
    client = Client(create_app(plane), secret)
    refused = await client.approve(approval_id, status=403)
    assert refused["detail"] == {
        "code": "not_approver",
        "message": "this call needs the approval of others: group:security",
    }
    shown = await client.ask("GET", f"/approvals/{approval_id}")
    assert shown["requirements"] == [
        {
            "by": ["group:security"],
            "count": 2,
            "approved_by": [],
            "escalates_at": "2026-11-21T12:40:00Z",
            "escalates_to": ["group:leads"],
        }
    ]
