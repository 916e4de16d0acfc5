"""Recorded decisions in the inbox: found by date, told as a story, and handed out as files."""

from __future__ import annotations

import csv
import json
import re

import pytest

from litellm_bighub.control_plane.approvals.resolution import Resolution
from litellm_bighub.domain.call import CallContext, ToolCall
from tests.control_plane.inbox.page_words import words

BOT = CallContext("bot", "shop")


@pytest.fixture
def decide(plane):
    async def decide_(amount=700, tool="refund", context=BOT):
        return await plane.decide(ToolCall("c", "function", tool, {"amount": amount}, value=amount), context)

    return decide_


async def test_a_decision_tells_its_whole_story_with_the_audits_digests(visit, decide, plane, clock):
    asked = await decide()
    clock.now += 65
    await plane.resolve(Resolution(asked.approval.id, "approve", "ann", comment="called the <customer>"))
    clock.now += 10
    used = await decide()
    client, _ = await visit()
    page = await client.get(f"/inbox/decisions/{asked.decision_id}")
    told = words(page)
    steps = [
        "bot asked for refund. The rule refunds decided: requires approval; the value is above 500 (refunds).",
        "People were asked for approval. They can answer until 2026-11-21 12:45:00 UTC.",
        "2026-11-21 12:31:05 UTC after 1 min 5 s ann approved. called the <customer>",
        "after 10 s bot asked for refund. The rule refunds decided: allowed; approved by ann.",
        "The call was made, and the approval is used up.",
    ]
    at = [told.index(step) for step in steps]
    assert at == sorted(at)
    assert f"/inbox/decisions/{used.decision_id}" in page.text
    digests = await plane.read(_digests)
    assert [digest for digest in digests if digest not in page.text] == []
    assert f"audit verify --since 6:{digests[-1]}" in told
    assert steps[2] in words(await client.get(f"/inbox/decisions/{used.decision_id}"))


def _digests(connection):
    kinds = "type LIKE 'approval%' OR type LIKE 'decision%'"
    query = f"SELECT digest FROM events WHERE {kinds} ORDER BY seq"
    return [row[0] for row in connection.exec_driver_sql(query)]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"answer": "deny", "comment": "no", "told": "ask me"}, "bob denied. no The agent hears: ask me"),
        ({"answer": "approve", "comment": "ok", "told": "once"}, "bob approved. ok The agent hears: once"),
        ({"answer": "approve", "edited": {"amount": 600}}, "bob approved other arguments."),
        ({"answer": "approve"}, "The approval is not used yet; it can be until 2026-11-21 12:45:00 UTC."),
        (None, "It waits. Time left: 15 min 0 s."),
    ],
    ids=["denied", "noted", "edited", "unused", "waits"],
)
async def test_how_an_approval_stands_is_told(visit, decide, plane, answer, told):
    asked = await decide()
    if answer is not None:
        await plane.resolve(Resolution(asked.approval.id, by="bob", **answer))
    client, _ = await visit()
    assert told in words(await client.get(f"/inbox/decisions/{asked.decision_id}"))


async def test_two_people_an_expiry_and_an_outcome_are_told(visit, decide, plane, clock):
    asked = await decide(tool="x", context=CallContext("bot", "hr"))
    await plane.resolve(Resolution(asked.approval.id, "approve", "ann"))
    client, _ = await visit()
    assert "ann approved. Another person must approve as well." in words(
        await client.get(f"/inbox/decisions/{asked.decision_id}")
    )
    clock.now += 901
    await plane.expire_due()
    client, _ = await visit("bob")
    assert "The time of the approval was over." in words(await client.get(f"/inbox/decisions/{asked.decision_id}"))


async def test_the_rule_is_told_as_it_stood_and_what_would_need_no_person(visit, decide, plane):
    asked = await decide()
    client, _ = await visit()
    cards = [await client.get(path) for path in ("/inbox", f"/inbox/approvals/{asked.approval.id}")]
    story = await client.get(f"/inbox/decisions/{asked.decision_id}")
    for page in (*cards, story):
        assert "Up to 500 it would run without a person." in words(page)
        assert "require_approval_above: 500" in words(page)
    await decide(tool="x", context=CallContext("bot", "hr"))
    assert "only a rule before it could let this one run" in words(await client.get("/inbox"))


async def test_decisions_are_found_by_date_and_say_how_their_approvals_ended(visit, decide, plane, clock):
    first = await decide()
    await plane.resolve(Resolution(first.approval.id, "deny", "ann"))
    clock.now += 86400
    await decide(10)
    await decide(800)
    client, _ = await visit()
    assert "denied (ann)" in words(await client.get("/inbox/decisions?until=2026-11-21"))
    later = words(await client.get("/inbox/decisions?since=2026-11-22&tool=&until="))
    assert "denied" not in later
    assert "waits" in later
    assert "No decisions" in words(await client.get("/inbox/decisions?since=2026-11-23"))
    assert (await client.get("/inbox/decisions?since=yesterday")).status_code == 422


async def test_what_is_shown_is_handed_out_as_a_file(visit, decide, plane, clock):
    for amount in range(550, 552):
        asked = await decide(amount, context=CallContext("=bot()", "shop", user="kim"))
    await plane.resolve(Resolution(asked.approval.id, "approve", "ann", comment="+1"))
    await decide(3, tool="lookup_x")
    client, _ = await visit()
    page = (await client.get("/inbox/decisions?tool=refund&since=2026-11-21")).text
    links = re.findall(r'href="(/inbox/decisions/export[^"]+)"', page)
    as_csv, as_lines = [await client.get(link.replace("&amp;", "&")) for link in links]
    assert as_csv.headers["content-disposition"] == 'attachment; filename="decisions.csv"'
    rows = list(csv.DictReader(as_csv.text.splitlines()))
    lines = [json.loads(line) for line in as_lines.text.splitlines()]
    assert [row["value"] for row in rows] == ["551", "550"]
    assert (rows[0]["actor"], rows[0]["comment"], rows[0]["answered_by"]) == ("'=bot()", "'+1", "ann")
    assert [line["approval_state"] for line in lines] == ["approved", "pending"]
    assert (lines[0]["actor"], lines[0]["user"], lines[0]["arguments"]) == ("=bot()", "kim", {"amount": 551})
    assert lines[0]["time"] == "2026-11-21T12:30:00+00:00"


async def test_a_file_holds_more_than_a_page(visit, decide):
    for amount in range(60):
        await decide(amount)
    client, _ = await visit()
    exported = await client.get("/inbox/decisions/export?format=jsonl")
    assert [json.loads(line)["value"] for line in exported.text.splitlines()] == list(range(59, -1, -1))
