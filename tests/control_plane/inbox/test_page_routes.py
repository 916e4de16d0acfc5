"""The inbox over HTTP: who gets in, what is shown, what a form may do."""

from __future__ import annotations

import re
from dataclasses import asdict, replace

import httpx
import pytest
from markupsafe import escape

from litellm_bighub.control_plane.approvals.resolution import Resolution
from litellm_bighub.control_plane.http.api_keys import make_key
from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.inbox.readable import readable_json, visible
from litellm_bighub.control_plane.people.roles import AGENT
from litellm_bighub.control_plane.store.tables import events, switches
from litellm_bighub.control_plane.store.tables.switches import Switch
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.conversation.fact import text_of, thread
from litellm_bighub.policy.callers.caller_rules import written
from litellm_bighub.policy.policy_file import parse_policy
from litellm_bighub.wording import ENGLISH, read_wording
from tests.control_plane.conftest import NOON
from tests.control_plane.inbox.conftest import PERSON, POLICY
from tests.control_plane.inbox.page_words import words
from tests.control_plane.serving import serving

PLACES = {
    "/inbox": "/inbox/login",
    "/inbox/stream": "/inbox/login",
    "/inbox/decisions?tool=x": "/inbox/login?next=%2Finbox%2Fdecisions%3Ftool%3Dx",
    "/inbox/decisions/x": "/inbox/login?next=%2Finbox%2Fdecisions%2Fx",
    "/inbox/charts": "/inbox/login?next=%2Finbox%2Fcharts",
    "/inbox/policy": "/inbox/login?next=%2Finbox%2Fpolicy",
    "/inbox/policy/explain?decision=x": "/inbox/login?next=%2Finbox%2Fpolicy%2Fexplain%3Fdecision%3Dx",
}


@pytest.mark.parametrize("path", PLACES)
async def test_nobody_sees_a_page_without_login_which_leads_back_to_it(url, path):
    async with httpx.AsyncClient(base_url=url) as client:
        response = await client.get(path)
    assert (response.status_code, response.headers["location"]) == (303, PLACES[path])


async def test_who_answers_without_a_session_comes_back_to_the_card(url, key, ask):
    approval_id = await ask()
    async with httpx.AsyncClient(base_url=url, follow_redirects=True) as client:
        login = await client.post(f"/inbox/approvals/{approval_id}", data={"verdict": "deny"})
        way = re.search(r'name="next" value="([^"]+)"', login.text)[1]
        wrong = await client.post("/inbox/login", data={"key": "x", "next": way})
        assert f'name="next" value="{way}"' in wrong.text
        back = await client.post("/inbox/login", data={"key": await key(), "next": way})
        assert back.url.path == f"/inbox/approvals/{approval_id}"
        away = await client.post("/inbox/login", data={"key": await key("bob"), "next": "//evil.invalid"})
        assert str(away.url) == f"{url}/inbox"


@pytest.mark.parametrize(
    ("scope", "told"),
    [("global", "every call is blocked"), ("domain", "the domain \\u202epay"), ("rule", "the rule refunds")],
)
async def test_a_kill_switch_stands_with_its_reason_on_every_page(visit, plane, ask, scope, told):
    await ask()
    switch = Switch("ks_1", scope, "\u202epay", "refunds", "too many <refunds>", "ann", NOON)
    await plane.write(lambda transaction: switches.activate(transaction.connection, switch))
    client, _ = await visit()
    home = (await client.get("/inbox")).text
    story, card = (re.search(rf"/inbox/{what}/\w+", home)[0] for what in ("decisions", "approvals"))
    for path in ("/inbox", "/inbox?fragment=true", "/inbox/decisions", "/inbox/charts", story, card):
        page = (await client.get(path)).text
        assert told in page, path
        assert "too many &lt;refunds&gt;" in page
        assert page.count('id="switches"') == 1


async def test_the_cookie_is_kept_from_scripts_and_other_sites(url, key):
    async with httpx.AsyncClient(base_url=url) as client:
        response = await client.post("/inbox/login", data={"key": await key()})
    cookie = response.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=strict", "Path=/inbox"))


async def test_every_page_has_a_strict_policy(visit):
    client, _ = await visit()
    for path in ("/inbox", "/inbox/decisions", "/inbox/policy", "/inbox/charts", "/inbox/static/inbox.js", "/docs"):
        headers = (await client.get(path)).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


async def test_every_page_speaks_the_operators_words(visit, plane, ask):
    sentences = {name: text for name, text in asdict(ENGLISH).items() if name.startswith("page_")}
    plane.wording = read_wording({name: f"\u2192{text}" for name, text in sentences.items()})
    await ask(note="a\n" * 100), await ask(tool="pay", domain="hr")
    client, _ = await visit()
    paths = ("/inbox/login", "/inbox", "/inbox/decisions", "/inbox/decisions?tool=none", "/inbox/charts", "/docs")
    paths = (*paths, "/inbox/policy", "/inbox/policy/explain")
    story = re.search(r"/inbox/decisions/\w+", (await client.get("/inbox")).text)[0]
    shown = "".join([(await client.get(path)).text for path in (*paths, story)])

    begun = {name: str(escape(re.split("[`{]", text)[0])) for name, text in sentences.items()}
    told = {name for name, begin in begun.items() if len(begin) > 8 and f"\u2192{begin}" in shown}
    assert [begin for begin in map(begun.get, told) if shown.count(begin) != shown.count(f"\u2192{begin}")] == []
    assert len(told) > 30


@pytest.mark.parametrize("wrong", ["bhk_wrong", "", "\ud83d"])
async def test_a_wrong_key_is_refused(url, wrong):
    async with httpx.AsyncClient(base_url=url) as client:
        response = await client.post("/inbox/login", data={"key": wrong.encode("utf-8", "replace")})
    assert response.status_code == 401
    assert "set-cookie" not in response.headers


async def test_an_agents_key_does_not_open_the_inbox(url, key):
    async with httpx.AsyncClient(base_url=url) as client:
        response = await client.post("/inbox/login", data={"key": await key("bot", AGENT)})
    assert response.status_code == 401


async def test_guessing_is_slowed_down(url, key, clock):
    good = await key()
    async with httpx.AsyncClient(base_url=url) as client:
        codes = [(await client.post("/inbox/login", data={"key": "x"})).status_code for _ in range(6)]
        assert codes == [401] * 5 + [429]
        assert (await client.post("/inbox/login", data={"key": good})).status_code == 429
        clock.now += 61
        assert (await client.post("/inbox/login", data={"key": good})).status_code == 303


async def test_a_form_without_the_token_does_nothing(visit, ask):
    client, _ = await visit()
    approval_id = await ask()
    for token in ("", "wrong"):
        response = await client.post(f"/inbox/approvals/{approval_id}", data={"verdict": "approve", "csrf": token})
        assert response.status_code == 403
    assert approval_id in (await client.get("/inbox")).text


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/inbox/decisions/x", 404, "There is no decision 'x'"),
        ("/inbox/approvals/x", 404, "There is no approval 'x'"),
        ("/inbox/approvals/{x}<b>\u202e", 404, "There is no approval '{x}<b>\\u202e'"),
        ("/inbox/nowhere", 404, ENGLISH.page_nothing_here),
        ("/inbox/static/nothing.css", 404, ENGLISH.page_nothing_here),
        ("/inbox/logout", 405, ENGLISH.page_nothing_here),
        ("/inbox/policy?days=8", 422, ENGLISH.page_misread),
    ],
)
async def test_what_cannot_be_shown_is_a_page_with_the_way_back(visit, path, status, told):
    client, _ = await visit()
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert told in words(answer)
    assert '<a href="/inbox">' in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_what_a_person_may_not_do_is_a_page_with_the_way_back(visit, ask):
    approval_id = await ask()
    reader, token = await visit("eve", frozenset({"audit:read"}))
    for csrf, told in ((token, "scope approvals:resolve"), ("", ENGLISH.api_form_elsewhere[1:])):
        answer = await reader.post(f"/inbox/approvals/{approval_id}", data={"verdict": "approve", "csrf": csrf})
        assert (answer.status_code, answer.headers["content-type"]) == (403, "text/html; charset=utf-8")
        assert told in words(answer)
        assert '<a href="/inbox">' in answer.text


async def test_programs_read_what_is_wrong_as_json(url, key):
    async with httpx.AsyncClient(base_url=url, headers={"X-API-Key": await key()}) as client:
        for path in ("/approvals/x", "/inboxes", "/rules/x"):
            answer = await client.get(path, headers={"Accept": "text/html"})
            assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json")
            assert answer.json()["detail"]


async def test_a_reader_sees_and_cannot_answer(visit, ask):
    client, token = await visit("eve", frozenset({"audit:read"}))
    approval_id = await ask()
    page = (await client.get("/inbox")).text
    assert approval_id in page
    assert "Approve" not in page
    response = await client.post(f"/inbox/approvals/{approval_id}", data={"verdict": "approve", "csrf": token})
    assert response.status_code == 403


async def test_logging_out_ends_the_session(visit):
    client, token = await visit()
    cookie = client.cookies["bighub_session"]
    await client.post("/inbox/logout", data={"csrf": token})
    client.cookies.set("bighub_session", cookie, path="/inbox")
    assert "Log in" in (await client.get("/inbox")).text


async def test_a_session_ends_with_its_time(visit, clock):
    client, _ = await visit()
    clock.now += 8 * 3600
    assert "Log in" in (await client.get("/inbox")).text


@pytest.mark.parametrize(
    ("verdict", "told"), [("approve", "Approved."), ("deny", "Denied."), ("allow", "allowed for a while")]
)
async def test_an_answer_is_told(visit, ask, verdict, told):
    client, token = await visit()
    approval_id = await ask()
    page = await client.post(f"/inbox/approvals/{approval_id}", data={"verdict": verdict, "csrf": token})
    assert told in page.text
    assert "Nothing waits" in page.text


async def test_a_search_that_finds_nothing_does_not_say_that_nothing_waits(visit, ask):
    client, _ = await visit()
    await ask()
    page = (await client.get("/inbox?q=is-nowhere")).text
    assert "None of the waiting calls fits" in page
    assert 'href="/inbox">Show all 1 that wait' in page
    assert "Nothing waits" not in page


async def test_a_temporary_allowance_ends_and_keeps_the_rules_other_bounds(visit, ask, plane, clock):
    client, token = await visit()
    other = await ask(800, order=2)
    approval_id = await ask(700)
    data = {"verdict": "allow", "minutes": "30", "csrf": token}
    await client.post(f"/inbox/approvals/{approval_id}", data=data)

    async def verdict(amount, actor="billing-agent"):
        call = ToolCall("c", "function", "refund", {"amount": amount}, value=amount)
        context = CallContext(actor=actor, domain="customer_transactions")
        return (await plane.decide(call, context)).judgement.verdict

    assert await verdict(900) == "allowed"
    assert await verdict(5001) == "blocked"
    assert await verdict(900, "other-agent") == "requires_approval"
    assert (await plane.wait(other, timeout=0)).state == "pending"
    clock.now += 30 * 60
    assert await verdict(900) == "requires_approval"


ROUTES = ("approve", "deny", "edit", "allow")


@pytest.mark.parametrize("verdict", ROUTES)
@pytest.mark.parametrize("lacking", ["approvals:resolve", "rules:write"])
async def test_an_answer_that_is_not_allowed_does_nothing_at_all(visit, ask, plane, verdict, lacking):
    client, token = await visit("eve", PERSON - {lacking})
    approval_id = await ask()
    before = await plane.read(events.verify)
    data = {"verdict": verdict, "csrf": token, **({"arguments": '{"amount": 600}'} if verdict == "edit" else {})}
    response = await client.post(f"/inbox/approvals/{approval_id}", data=data)
    refused = lacking == "approvals:resolve" or verdict == "allow"
    assert response.status_code == (403 if refused else 200)
    state = (await plane.wait(approval_id, timeout=0)).state
    assert (state == "pending", await plane.read(events.verify) == before) == (refused, refused)


async def test_an_allowance_that_cannot_be_made_approves_nothing(visit, ask, plane):
    client, token = await visit()
    approval_id = await ask(actor="[" * 150)
    page = await client.post(f"/inbox/approvals/{approval_id}", data={"verdict": "allow", "csrf": token})
    assert "Nothing was changed" in page.text
    assert (await plane.wait(approval_id, timeout=0)).state == "pending"


async def test_an_allowance_is_for_the_key_and_user_that_asked(visit, plane):
    client, token = await visit()
    call = ToolCall("c", "function", "refund", {"amount": 700}, value=700)
    mine = CallContext("key:team", key="0123456789abcdef", user="ann")
    approval = (await plane.decide(call, mine)).approval
    page = (await client.get("/inbox")).text
    for shown in ("key:team", "ann", "0123456789ab…"):
        assert shown in page
    assert mine.key not in page
    await client.post(f"/inbox/approvals/{approval.id}", data={"verdict": "allow", "minutes": "30", "csrf": token})
    verdicts = {}
    for name, context in {
        "mine": mine,
        "another user": replace(mine, user="bob"),
        "another key": replace(mine, key="k2"),
        "an agent": replace(mine, actor="team"),
    }.items():
        verdicts[name] = (await plane.decide(replace(call, value=701), context)).judgement.verdict
    assert verdicts == {
        "mine": "allowed",
        "another user": "requires_approval",
        "another key": "requires_approval",
        "an agent": "requires_approval",
    }


@pytest.mark.parametrize("arguments", ["", "[1]", "{", '{"amount": NaN}', '{"amount": 9999}'])
async def test_an_edit_that_cannot_be_used_changes_nothing(visit, ask, arguments):
    client, token = await visit()
    approval_id = await ask()
    data = {"verdict": "edit", "arguments": arguments, "csrf": token}
    page = await client.post(f"/inbox/approvals/{approval_id}", data=data)
    assert "Nothing was changed" in page.text
    assert approval_id in page.text


async def test_the_story_of_a_decision_is_told(visit, ask, plane):
    client, token = await visit()
    approval_id = await ask(700, order="A-1")
    data = {"verdict": "edit", "arguments": '{"amount": 600}', "comment": "less is fine", "csrf": token}
    await client.post(f"/inbox/approvals/{approval_id}", data=data)
    approval = await plane.wait(approval_id, timeout=0)
    page = (await client.get(f"/inbox/decisions/{approval.decision_id}")).text
    for told in ("People were asked", "ann approved other arguments", "less is fine", "Edited by ann", "A-1"):
        assert told in page
    assert (await client.get("/inbox/decisions/dec_x")).status_code == 404


async def test_decisions_are_filtered_and_searched(visit, ask):
    client, _ = await visit()
    await ask(10, order="needle-1")
    await ask(9000, order="other")
    await ask(5, tool="lookup_order")
    for query, expected in (("verdict=blocked", 1), ("tool=refund", 2), ("q=needle-1", 1), ("q=100%25", 0), ("", 3)):
        page = (await client.get(f"/inbox/decisions?{query}")).text
        assert page.count("<tr>") - 1 == expected or (expected == 0 and "No decisions" in page), query


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ä ß 中 🙂", "plain ä ß 中 🙂"),
        ("a\u202eb", "a\\u202eb"),
        ("a\x1b[31m", "a\\u001b[31m"),
        ("a\u200bb", "a\\u200bb"),
        ("\U000e0041", "\\udb40\\udc41"),
        ("a\nb", "a\\u000ab"),
    ],
)
def test_what_is_unseen_is_made_visible(text, shown):
    assert visible(text) == shown


def test_readable_json_means_the_same():
    import json  # noqa: PLC0415

    value = {"a": "x\u202e\x00\U000e0041\u2028", "b": [1, None, "ä"]}
    assert json.loads(readable_json(value)) == value


async def test_a_call_has_a_page_of_its_own_while_it_waits(visit, ask):
    client, token = await visit()
    approval_id = await ask(700, text="x" * 20_000 + "needle")
    assert "needle" not in (await client.get("/inbox")).text
    assert "needle" in (await client.get(f"/inbox/approvals/{approval_id}")).text
    await client.post(f"/inbox/approvals/{approval_id}", data={"verdict": "deny", "csrf": token})
    assert "/inbox/decisions/" in str((await client.get(f"/inbox/approvals/{approval_id}")).url)
    assert (await client.get("/inbox/approvals/apr_x")).status_code == 404


async def test_what_was_typed_for_a_call_that_is_answered_is_not_lost(visit, ask):
    client, token = await visit()
    approval_id = await ask()
    data = {"verdict": "deny", "csrf": token, "comment": "not twice a day"}
    await client.post(f"/inbox/approvals/{approval_id}", data=data)
    page = await client.post(f"/inbox/approvals/{approval_id}", data=data)
    assert (page.status_code, "not twice a day" in page.text) == (422, True)


async def test_the_operators_sentence_stands_on_the_card(plane, visit):
    shows = POLICY.replace("{value: amount}", '{value: amount, show: "Refund {amount} for {order}"}')
    plane.source.text = parse_policy(shows, "bighub_policy.yaml")
    client, _ = await visit()
    call = ToolCall("c", "function", "refund", {"amount": 700, "order": "A-1"}, value=700)
    await plane.decide(call, CallContext(actor="a"))
    assert "Refund 700 for A-1" in (await client.get("/inbox")).text


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"verdict": "deny", "comment": "too much"}, ""),
        ({"verdict": "deny", "comment": "too much", "tell": "true"}, "too much"),
        ({"verdict": "respond", "comment": "mine", "response": "send a voucher"}, "send a voucher"),
        ({"verdict": "approve", "comment": "fine"}, ""),
        ({"verdict": "approve", "comment": "fine", "tell": "true"}, "fine"),
        ({"verdict": "approve", "tell": "true", "response": "typed, and not sent"}, ""),
    ],
)
async def test_the_agent_hears_what_a_person_wants_it_to(visit, ask, plane, data, told):
    client, token = await visit()
    approval_id = await ask()
    await client.post(f"/inbox/approvals/{approval_id}", data={**data, "csrf": token})
    approval = await plane.wait(approval_id, timeout=0)
    assert (approval.state, approval.told) == ("approved" if data["verdict"] == "approve" else "denied", told)


async def test_counts_are_right_beyond_what_a_page_shows_and_a_page_stays_small(visit, plane):
    client, _ = await visit()
    for number in range(250):
        call = ToolCall("c", "function", "refund", {"amount": 600 + number, "note": "x" * 200}, value=600 + number)
        await plane.decide(call, CallContext(actor=f"agent-{number % 2}"))
    page = (await client.get("/inbox")).text
    assert '<span class="count" id="count" aria-live="polite">250</span>' in page
    assert (page.count("<article"), "40 of 250 are shown" in page) == (40, True)
    assert len(page.encode()) < 300_000
    assert page.count('<span class="count">125</span>') == 2
    group = (await client.get("/inbox", params={"tool": "refund", "actor": "agent-1", "rule": "refunds"})).text
    assert "Approve these 40" in group
    assert "Approve these 40" not in page


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=n%C3%A4he", ["refund"]),
        ("q=100%25", []),
        ("tool=refund", ["refund", "refund"]),
        ("actor=hr-agent", ["raise"]),
        ("actor=hr-agent&rule=careful", ["raise"]),
        ("actor=hr-agent&rule=", []),
        ("order=expires", ["refund", "refund", "raise"]),
        ("", ["raise", "refund", "refund"]),
    ],
)
async def test_what_waits_is_filtered_and_sorted(visit, ask, clock, query, expected):
    client, _ = await visit()
    await ask(700, note="in der n\u00e4he")
    await ask(800)
    clock.now += 1
    await ask(1, tool="raise", actor="hr-agent", domain="hr")
    page = (await client.get(f"/inbox?{query}")).text
    assert re.findall(r'<h2 id="t-apr[^>]*><a[^>]*><code>(\w+)', page) == expected


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("n\u00e4her", True),
        ('say "yes"', True),
        ("100%", True),
        ("first-note", False),
        ("raise", True),
        ("n_her", False),
    ],
)
async def test_the_search_looks_into_what_would_run_of_an_edited_call(visit, ask, plane, text, is_found):
    waits = await ask(1, tool="raise", actor="hr-agent", domain="hr", note="first-note")
    edited = {"amount": 1, "note": 'n\u00e4her, say "yes" to 100%'}
    await plane.resolve(Resolution(waits, "approve", "ann", person="k1", edited=edited))
    client, _ = await visit("bob")
    page = (await client.get("/inbox", params={"q": text})).text
    assert (f'id="{waits}"' in page) is is_found


@pytest.mark.parametrize(
    ("place", "following", "expected"),
    [
        ("", "", "/inbox?note=denied"),
        ("tool=refund&actor=a+b&rule=", "apr_2", "/inbox?tool=refund&actor=a+b&rule=&note=denied#apr_2"),
        ("q=n%C3%A4he&order=expires", "", "/inbox?q=n%C3%A4he&order=expires&note=denied"),
        ("note=approved&next=//evil.invalid&order=up", "x y", "/inbox?note=denied"),
        ("q=%0d%0aset-cookie:x", "#//evil", "/inbox?q=%0D%0Aset-cookie%3Ax&note=denied"),
        ("%ff&&&=", "\u202e", "/inbox?note=denied"),
    ],
)
async def test_who_answers_a_card_stays_where_it_stood(visit, ask, place, following, expected):
    client, token = await visit()
    data = {"verdict": "deny", "csrf": token, "place": place, "following": following}
    response = await client.post(f"/inbox/approvals/{await ask()}", data=data, follow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (303, expected)


async def test_a_card_names_the_one_behind_it_and_its_list(visit, ask, clock):
    client, _ = await visit()
    ids = []
    for number in range(3):
        clock.now += 1
        ids.insert(0, await ask(700 + number))
    page = (await client.get("/inbox?tool=refund")).text
    assert re.findall(r'name="following" value="([^"]*)"', page) == [*ids[1:], ""]
    assert page.count('name="place" value="tool=refund"') == 3


async def test_what_was_refused_comes_first_on_the_list_that_it_was_on(visit, ask, clock):
    client, token = await visit()
    asked = await ask(700)
    clock.now += 1
    for number in range(50):
        await ask(800 + number)
    await ask(1, tool="raise", actor="hr-agent", domain="hr")
    data = {"verdict": "respond", "comment": "half a thought", "csrf": token, "place": "tool=refund"}
    page = (await client.post(f"/inbox/approvals/{asked}", data=data)).text
    cards = re.findall(r'<article class="card call" id="(\w+)"', page)
    assert (cards[0], len(cards)) == (asked, 40)
    assert "half a thought" in page.partition("</article>")[0]
    assert "raise</code></a>" not in page


async def test_a_page_of_many_cards_leads_to_the_form_that_edits(visit, ask):
    client, _ = await visit()
    ids = [await ask(700 + number) for number in range(13)]
    page = (await client.get("/inbox")).text
    assert (page.count("<summary>Edit and approve"), page.count(">Edit and approve</a>")) == (0, 13)
    alone = (await client.get(f"/inbox/approvals/{ids[0]}")).text
    assert alone.count("<summary>Edit and approve") == 1


@pytest.mark.parametrize("verdict", ["approve", "deny"])
async def test_many_are_answered_at_once_each_as_it_was_shown(visit, ask, plane, verdict):
    client, token = await visit()
    ids = [await ask(700 + number) for number in range(3)]
    page = (await client.get("/inbox?tool=refund&actor=billing-agent&rule=refunds")).text
    calls = re.findall(r'name="calls" value="([^"]+)"', page)
    assert {call.split()[0] for call in calls} == set(ids)
    await client.post(f"/inbox/approvals/{ids[0]}", data={"verdict": "deny", "csrf": token})
    other = await ask(900)
    told = await client.post(
        "/inbox/approvals", data={"verdict": verdict, "csrf": token, "calls": [*calls, f"{other} x"]}
    )
    assert ENGLISH.inbox_not_all in told.text
    states = [(await plane.wait(one, timeout=0)).state for one in (*ids[1:], other)]
    assert states == [*["approved" if verdict == "approve" else "denied"] * 2, "pending"]


async def test_who_may_not_answer_answers_not_many_either(visit, ask, plane):
    client, token = await visit("eve", frozenset({"audit:read"}))
    approval_id = await ask()
    data = {"verdict": "approve", "csrf": token, "calls": [f"{approval_id} x"]}
    assert (await client.post("/inbox/approvals", data=data)).status_code == 403
    assert (await client.post("/inbox/approvals", data={**data, "csrf": "wrong"})).status_code == 403


async def test_an_empty_answer_is_none(visit, ask, plane):
    client, token = await visit()
    approval_id = await ask()
    page = await client.post(f"/inbox/approvals/{approval_id}", data={"verdict": "respond", "csrf": token})
    assert page.status_code == 422
    assert (await plane.wait(approval_id, timeout=0)).state == "pending"


async def test_a_card_says_what_the_sums_of_its_rule_have_left(open_plane):
    sums = (
        "total_by: [actor, currency], max_total_per_day: 1000, max_total_per_month: 9000, require_approval_above: 500"
    )
    tools = "tools: {refund: {value: amount, currency: currency}}"
    plane = open_plane(f"version: 1\n{tools}\nrules:\n  - {{name: refunds, tool: refund, {sums}}}\n")
    for amount in (100.25, 550):
        arguments = {"amount": amount, "currency": "EUR"}
        asked = await plane.decide(ToolCall("c", "function", "refund", arguments, value=amount), CallContext(actor="b"))
    _, secret = await make_key(plane, "ann", PERSON, by="test")
    async with serving(create_app(plane)) as url, httpx.AsyncClient(base_url=url, follow_redirects=True) as client:
        listed = (await client.post("/inbox/login", data={"key": secret})).text
        alone = (await client.get(f"/inbox/approvals/{asked.approval.id}")).text

    for page in (listed, alone):
        assert (
            "<code>refunds</code>, this day: 100.25 of 1,000 EUR used, 550 reserved with this call, 349.75 left."
            in page
        )
        assert "this month: 100.25 of 9,000 EUR used, 550 reserved with this call, 8,349.75 left." in page


async def test_a_card_says_what_the_limits_of_its_rule_have_left(open_plane, clock):
    limits = "max_per_hour: 4, max_per_day: 5000, max_per_conversation: 1, cooldown_seconds: 60"
    plane = open_plane(
        f"version: 1\nrules:\n  - {{name: refunds, tool: refund, effect: require_approval, {limits}}}\n"
        "  - {name: free, tool: pay, effect: require_approval}\n"
    )

    async def ask(number, conversation, tool="refund"):
        context = CallContext(actor="a", history=text_of({thread(conversation): NOON}))
        return await plane.decide(ToolCall(f"c{number}", "function", tool, {"number": number}), context)

    used, same, other = await ask(1, "one"), await ask(2, "one"), await ask(3, "two")
    unlimited = await ask(4, "one", "pay")
    await plane.resolve(Resolution(used.approval.id, "approve", by="ann", person="ann"))
    assert (await ask(1, "one")).judgement.verdict == "allowed"
    clock.now += 20
    _, secret = await make_key(plane, "ann", PERSON, by="test")
    async with serving(create_app(plane)) as url, httpx.AsyncClient(base_url=url, follow_redirects=True) as client:
        listed = words(await client.post("/inbox/login", data={"key": secret}))
        cards = [words(await client.get(f"/inbox/approvals/{one.approval.id}")) for one in (same, other, unlimited)]
        policy = words(await client.get("/inbox/policy"))
        explained = words(await client.get(f"/inbox/policy/explain?decision={same.decision_id}"))

    hour, day, conversation, cooldown = (
        "refunds, max_per_hour: 1 of 4 calls used without this one, 3 left.",
        "refunds, max_per_day: 1 of 5,000 calls used without this one, 4,999 left.",
        "refunds, max_per_conversation: 1 of 1 calls used without this one, 0 left.",
        "refunds, cooldown_seconds: 40 of 60 seconds left until it allows a call again.",
    )
    assert all(line in text for line in (hour, day, cooldown) for text in (listed, *cards[:2]))
    assert [conversation in text for text in (listed, *cards)] == [True, True, False, False]
    assert "max_per_conversation: 0 of 1 calls used without this one, 1 left." in cards[1]
    assert "without this one" not in cards[2]
    assert "max_per_hour 4 all callers together 1 \u2013 3" in policy
    assert "1 calls a conversation are allowed, and have been" in explained


async def test_a_card_and_a_decision_show_the_text_of_a_rule_of_the_key(visit, plane):
    def of(amount):
        when = f"amount > `{amount}`"
        rule = {
            "name": "large",
            "tool": "refund",
            "when": when,
            "effect": "require_approval",
            "description": "on trial",
        }
        return CallContext(actor="a", caller_rules=written({"key": {"bighub": [rule]}}))

    client, _ = await visit()
    call = ToolCall("c", "function", "refund", {"amount": 450}, value=450)
    asked = [await plane.decide(call, of(amount)) for amount in (300, 400)]
    cards = words(await client.get("/inbox"))
    story = words(await client.get(f"/inbox/decisions/{asked[0].decision_id}"))
    explained = (await client.get(f"/inbox/policy/explain?decision={asked[0].decision_id}")).text

    for amount in (300, 400):
        assert f"amount > `{amount}`" in cards
    assert "Text of the rule “key/large”" in cards
    assert "on trial" in cards
    assert "allow for a while" not in cards
    assert "amount > `300`" in story
    assert "key/large" in explained
