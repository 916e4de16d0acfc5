"""`user:` of a rule is nobody who has only chosen the name at the identity provider."""

from __future__ import annotations

import re

import pytest

from litellm_bighub.control_plane.people.accounts import add_user
from litellm_bighub.wording import ENGLISH
from tests.control_plane.inbox.conftest import STORED

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
