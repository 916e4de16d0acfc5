"""An approval counts for the arguments that the person was shown, and for no others."""

from __future__ import annotations

import asyncio
import re

import pytest

from litellm_bighub.control_plane.approvals.resolution import Resolution
from litellm_bighub.control_plane.decisions.policy_source import PolicySource
from litellm_bighub.control_plane.http.api_keys import make_key
from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import open_database
from litellm_bighub.control_plane.store.tables import approvals
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.redaction import Redactor
from litellm_bighub.policy.policy_file import parse_policy
from litellm_bighub.wording import ENGLISH
from tests.control_plane.http.asking import PERSON, Client

POLICY = """\
version: 1
tools: {wire: {value: amount}}
rules: [{name: careful, tool: wire, effect: require_approval, four_eyes: true, max_value: 5000}]
"""
EDIT = {"amount": 4999}
only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def plane(open_plane):
    return open_plane(POLICY)


@pytest.fixture
async def asked(plane):
    call = ToolCall("c", "function", "wire", {"amount": 700}, value=700)
    return (await plane.decide(call, CallContext("agent", "shop", surface="/v1/responses"))).approval.id


async def now(plane, approval_id):
    return await plane.read(lambda connection: approvals.get(connection, approval_id))


async def edits(plane, approval_id, edited=EDIT, **more):
    return await plane.resolve(Resolution(approval_id, "approve", "mal", person="id of mal", edited=edited, **more))


class Overtaken(ControlPlane):
    """A control plane in which an edit lands after everything was read, and before an answer is carried out."""

    late: Resolution | None = None

    async def resolve(self, resolution):
        late, self.late = self.late, None
        if late is not None:
            assert (await super().resolve(late)).edited == EDIT
        return await super().resolve(resolution)


@pytest.fixture
async def overtaken(database_url, clock):
    source = PolicySource(parse_policy(POLICY, "bighub_policy.yaml"))
    plane = Overtaken(open_database(database_url), source, redact=Redactor().redact, clock=clock)
    yield plane
    plane.close()


@pytest.fixture
async def kim(overtaken):
    """Somebody who answers with a key, over HTTP and in the inbox."""
    _, secret = await make_key(overtaken, "kim", PERSON, by="test")
    return Client(create_app(overtaken), secret)


async def enter(client):
    """Log in to the inbox; the page that shows what waits, and the form token."""
    page = (await client.http.post("/inbox/login", data={"key": client.secret}, follow_redirects=True)).text
    return page, re.search(r'name="csrf" value="([^"]+)"', page)[1]


async def on_the_card(client, asked):
    page, csrf = await enter(client)
    shown = re.search(r'name="shown" value="([^"]+)"', page)[1]
    return {"url": f"/inbox/approvals/{asked}", "data": {"verdict": "approve", "csrf": csrf, "shown": shown}}


async def on_a_card_without_its_ballot(client, asked):
    _, csrf = await enter(client)
    return {"url": f"/inbox/approvals/{asked}", "data": {"verdict": "approve", "csrf": csrf}}


async def of_many(client, asked):
    _, csrf = await enter(client)
    page = (await client.http.get("/inbox?tool=wire&actor=agent&rule=careful")).text
    calls = re.findall(r'name="calls" value="([^"]+)"', page)
    calls = calls or [f"{asked} {(await client.ask('GET', f'/approvals/{asked}'))['ballot']}"]
    return {"url": "/inbox/approvals", "data": {"verdict": "approve", "csrf": csrf, "calls": calls}}


async def over_http(client, asked):
    return {"url": f"/approvals/{asked}/resolve", "json": {"resolution": "approved"}}


async def over_http_with_the_ballot(client, asked):
    ballot = (await client.ask("GET", f"/approvals/{asked}"))["ballot"]
    return {"url": f"/approvals/{asked}/resolve", "json": {"resolution": "approved", "ballot": ballot}}


async def over_http_with_a_changed_field(client, asked):
    body = {"resolution": "approved", "modified_action": {"target": "here"}, "review_decision": "modified"}
    return {"url": f"/approvals/{asked}/resolve", "json": body}


ROADS = (on_the_card, on_a_card_without_its_ballot, of_many, over_http, over_http_with_the_ballot)


@pytest.mark.parametrize("road", [*ROADS, over_http_with_a_changed_field])
async def test_an_edit_that_lands_while_somebody_answers_is_not_what_they_approve(overtaken, kim, asked, road):
    answer = await road(kim, asked)
    overtaken.late = Resolution(asked, "approve", "mal", person="id of mal", edited=EDIT)
    response = await kim.http.post(**answer)

    assert response.status_code in {303, 422}
    approval = await now(overtaken, asked)
    assert (approval.state, approval.edited, [vote.name for vote in approval.votes]) == (
        "awaiting_second",
        EDIT,
        ["mal"],
    )


@pytest.mark.parametrize("road", ROADS)
async def test_who_answers_what_nobody_has_edited_is_counted_on_every_road(overtaken, kim, asked, road):
    answer = await road(kim, asked)
    assert (await kim.http.post(**answer)).status_code in {200, 303}
    approval = await now(overtaken, asked)
    assert (approval.state, [vote.name for vote in approval.counting]) == ("awaiting_second", ["kim"])


@pytest.mark.parametrize("road", [on_the_card, of_many, over_http_with_the_ballot])
async def test_who_was_shown_the_edit_approves_it(overtaken, kim, asked, road):
    await edits(overtaken, asked)
    assert (await kim.http.post(**await road(kim, asked))).status_code in {200, 303}
    approval = await now(overtaken, asked)
    assert (approval.state, approval.current, [vote.name for vote in approval.counting]) == (
        "approved",
        EDIT,
        ["mal", "kim"],
    )


@only_sqlite
@pytest.mark.parametrize("more", [{}, {"edited_arguments": {"amount": 1}}, {"modified_action": {"value": 1.0}}])
async def test_an_edited_call_needs_its_ballot_over_http_and_is_denied_without(overtaken, kim, asked, more):
    await edits(overtaken, asked)
    refused = await kim.approve(asked, 422, **more)
    assert refused["detail"] == {"code": "changed", "message": ENGLISH.api_refused_unseen_edit}
    assert (await kim.approve(asked, 422, ballot="of another", **more))["detail"]["code"] == "changed"
    denied = await kim.ask("POST", f"/approvals/{asked}/resolve", json={"resolution": "denied"})
    assert denied["status"] == "denied"


@only_sqlite
async def test_a_stale_form_is_shown_anew_and_denies_nothing_unseen(overtaken, kim, asked):
    answer = await on_the_card(kim, asked)
    await edits(overtaken, asked)
    page = await kim.http.post(answer["url"], data={**answer["data"], "verdict": "deny", "comment": "too much"})
    assert page.status_code == 422
    assert ENGLISH.inbox_refused_changed in page.text
    assert "too much" in page.text
    assert (await now(overtaken, asked)).state == "awaiting_second"


async def test_of_two_at_once_who_edits_and_who_approves_what_was_asked_nobody_approves_the_unseen(open_plane, asked):
    """Whichever comes first: the edit makes the other vote void, or the other vote is refused."""
    planes = [open_plane(POLICY) for _ in range(2)]
    ballot = (await now(planes[0], asked)).ballot
    approves = Resolution(asked, "approve", "kim", person="id of kim", shown=ballot)
    await asyncio.gather(planes[0].resolve(approves), edits(planes[1], asked, shown=ballot))
    approval = await now(planes[0], asked)
    assert (approval.state, approval.edited, [vote.name for vote in approval.counting]) == (
        "awaiting_second",
        EDIT,
        ["mal"],
    )
