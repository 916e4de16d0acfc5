"""People answer in Slack as they would in the inbox: by account, role and rule, each call once."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import httpx
import pytest
from slack_sdk.signature import SignatureVerifier

from litellm_bighub.control_plane.approvals.resolution import Resolution
from litellm_bighub.control_plane.channels.slack_app.call_message import LONGEST_REASON
from litellm_bighub.control_plane.channels.slack_app.signed_requests import PATH
from litellm_bighub.control_plane.channels.slack_app.slack_channel import SlackChannel
from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.people.accounts import add_user, change_user, disabled
from litellm_bighub.control_plane.store.schema import events
from litellm_bighub.control_plane.store.tables import approvals, told_messages
from litellm_bighub.control_plane.store.tables.events import page
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.call_background import CallBackground, Utterance
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.settings import SlackSettings
from litellm_bighub.testing import SlackServer
from litellm_bighub.wording import ENGLISH
from tests.control_plane.serving import serving

POLICY = """\
version: 1
tools: {refund: {value: amount, target: order, show: "Refund {amount} {currency} for {order}"}}
rules:
  - {name: quorum, tool: deploy, effect: require_approval, quorum: {count: 2, group: security}}
  - {name: finance, tool: pay, effect: require_approval, approvers: "group:finance"}
  - {name: large, tool: "*", effect: require_approval}
"""
PEOPLE = {
    "ann": {"groups": {"finance", "security"}, "litellm_user": "u_ann"},
    "bob": {"groups": {"security"}},
    "eve": {"roles": {"viewer"}},
}
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
WAYS = ("socket", "signed")


@pytest.fixture(params=WAYS)
def way(request):
    return request.param


@pytest.fixture
def slack(clock):
    with SlackServer("C0ALL", "C0SEC", clock=clock) as server:
        yield server


@pytest.fixture
async def plane(open_plane):
    plane = open_plane(POLICY)
    for name, of in PEOPLE.items():
        made = {"roles": frozenset(of.get("roles", {"approver"})), "groups": frozenset(of.get("groups", ()))}
        litellm_user = of.get("litellm_user", "")
        await add_user(plane, name, "", **made, litellm_user=litellm_user, slack=f"U{name.upper()}", by="test")
    return plane


def settings(slack, way="socket", **more):
    secrets = {"app_token": slack.app_token} if way == "socket" else {"signing_secret": slack.signing_secret}
    given = {"channel": "C0ALL", "bot_token": slack.bot_token, "api_url": slack.api_url, **secrets, **more}
    return SlackSettings(**given)


@asynccontextmanager
async def answering(plane, slack, way="socket", **more):
    """`serve` with the channel; gives its address."""
    channel = SlackChannel(settings(slack, way, **more), plane, "https://bighub.test")
    async with serving(create_app(plane, channels=[channel])) as url:
        if way == "signed":
            slack.interactions_url = f"{url}{PATH}"
        else:
            await until(slack, lambda server: server.connections)
        yield url


@pytest.fixture
async def served(plane, slack, way):
    async with answering(plane, slack, way) as url:
        yield url


async def until(slack, holds):
    await asyncio.to_thread(slack.wait_until, holds)


async def ask(plane, slack, tool="refund", arguments=None, user="u_kim", **more):
    """An approval and its message."""
    number = len(slack.messages)
    given = {"amount": 900, "currency": "EUR", "order": "A-17"} if arguments is None else arguments
    call = ToolCall("c", "function", tool, given, value=given.get("amount"), target=given.get("order"))
    asked = await plane.decide(call, CallContext("agent", "shop", user=user, surface="http", **more))
    await until(slack, lambda server: len(server.messages) > number)
    return asked.approval.id, slack.messages[number]


async def press(slack, message, button, who="ann", **more):
    assert await asyncio.to_thread(slack.press, message, button, account=f"U{who.upper()}", **more)


async def state(plane, approval_id):
    return (await plane.read(lambda connection: approvals.get(connection, approval_id))).state


async def whispered(slack, sentence, number=1):
    await until(slack, lambda server: len(server.whispers) >= number)
    assert slack.whispers[-1].text == sentence


@pytest.mark.parametrize(
    ("button", "expected", "told"), [("Approve", "approved", "Approved by ann"), ("Deny", "denied", "Denied by ann")]
)
async def test_a_button_answers_and_the_message_says_so(plane, slack, served, button, expected, told):
    asked, message = await ask(plane, slack)
    await press(slack, message, button)
    await until(slack, lambda _: told in message.words)
    assert await state(plane, asked) == expected
    assert list(message.buttons) == ["Answer in the inbox"]
    assert "A-17" in message.words
    assert '"order"' not in message.words  # the arguments stay in the inbox
    [answer] = await plane.read(lambda connection: page(connection, events.c.type == "approval.resolved"))
    assert (answer["body"]["by"], answer["body"]["channel"]) == ("ann", "slack")


async def test_a_message_says_what_whose_how_much_and_why(plane, slack, served):
    background = CallBackground((Utterance("user", "Refund my broken <lamp>"), Utterance("model", "I refund it.")))
    asked, message = await ask(plane, slack, background=lambda _: background, end_user="shopper", team="support")
    for words in (
        "refund   900 EUR   → A-17",
        "Refund 900 EUR for A-17",
        "Who: agent",
        "For: u_kim",
        "Team: support",
        "End user (as the caller tells it): shopper",
        "Rule: large",
        '"order": "A-17"',
        "The user: Refund my broken <lamp>",
        "The model: I refund it.",
        "until 2026-",
    ):
        assert words in message.words
    assert message.buttons["Answer in the inbox"]["url"] == f"https://bighub.test/inbox/approvals/{asked}"
    assert message.text == f"A call of refund waits for a person ({asked})"


HOSTILE = "<!channel> *bold* <https://evil.test|bank> `x` &lt; p\u0430ypal \u202egnp"


async def test_what_a_model_wrote_is_shown_as_it_is(plane, slack, served):
    _, message = await ask(plane, slack, arguments={"note": HOSTILE, "api_key": "sk-verysecret", "long": "x" * 9000})
    assert "<!channel> *bold* <https://evil.test|bank> `x` &lt;" in message.words
    assert "cyrillic small letter a" in message.words
    assert "\\u202e" in message.words
    assert "verysecret" not in message.words
    texts = [block.get("text") or {} for block in message.blocks]
    assert {each.get("type") for each in texts} <= {"plain_text", None}


async def test_a_reason_goes_with_a_denial_and_to_the_agent(plane, slack, served):
    asked, message = await ask(plane, slack)
    await press(slack, message, "Answer with a reason")
    await until(slack, lambda server: server.forms)
    sent = {"choice": "Deny", "reason": "not <b>this</b> one", "ticked": True}
    assert await asyncio.to_thread(slack.fill_in, slack.forms[0], **sent)
    await until(slack, lambda _: "Denied by ann" in message.words)
    denied = await plane.read(lambda connection: approvals.get(connection, asked))
    assert (denied.comment, denied.told) == ("not <b>this</b> one", "not <b>this</b> one")
    assert "Why: not <b>this</b> one" in message.words


async def test_a_reason_goes_with_an_approval(plane, slack, served):
    asked, message = await ask(plane, slack)
    await press(slack, message, "Answer with a reason")
    await until(slack, lambda server: server.forms)
    assert await asyncio.to_thread(slack.fill_in, slack.forms[0], choice="Approve", reason="checked")
    await until(slack, lambda _: "Approved by ann" in message.words)
    assert (await plane.read(lambda connection: approvals.get(connection, asked))).comment == "checked"


@pytest.mark.parametrize("button", ["Approve", "Deny", "Answer with a reason"])
@pytest.mark.parametrize(
    ("who", "more", "sentence"),
    [
        ("eve", {}, "slack_no_approver"),
        ("nobody", {}, "slack_unknown"),
        ("gone", {}, "slack_unknown"),
        ("ann", {"team": "T0OTHER"}, "slack_unknown"),
    ],
    ids=["no approver", "unknown", "disabled", "of another workspace"],
)
async def test_who_may_not_is_told_so_alone(plane, slack, served, button, who, more, sentence):
    gone = await add_user(plane, "gone", "", roles=frozenset({"approver"}), slack="UGONE", by="test")
    await change_user(plane, gone.id, disabled(plane.clock()), by="test")
    asked, message = await ask(plane, slack)
    await press(slack, message, button, who, **more)
    await whispered(slack, getattr(ENGLISH, sentence))
    assert (slack.whispers[0].account, slack.whispers[0].channel) == (f"U{who.upper()}", "C0ALL")
    assert (await state(plane, asked), slack.forms) == ("pending", [])


@pytest.mark.parametrize(
    ("tool", "who", "user", "code"),
    [("pay", "bob", "u_kim", "not_approver"), ("refund", "ann", "u_ann", "own_call")],
)
async def test_the_rules_of_the_inbox_hold(plane, slack, served, tool, who, user, code):
    asked, message = await ask(plane, slack, tool, user=user)
    await press(slack, message, "Approve", who)
    await whispered(slack, getattr(ENGLISH, f"inbox_refused_{code}"))
    assert await state(plane, asked) == "pending"


async def test_a_quorum_is_made_in_slack_and_on_the_page(plane, slack, served):
    asked, message = await ask(plane, slack, "deploy")
    assert "0 of 2 approvals by group:security" in message.words
    await press(slack, message, "Approve", "bob")
    await until(slack, lambda _: "1 of 2 approvals by group:security (so far: bob)" in message.words)
    await press(slack, message, "Approve", "bob")
    await whispered(slack, ENGLISH.inbox_refused_same_person)
    ann = {"person": "id", "user": "ann", "groups": frozenset({"security"})}
    await plane.resolve(Resolution(asked, "approve", "ann", **ann))
    await until(slack, lambda _: "Approved by bob, ann" in message.words)


async def test_of_two_answers_at_once_one_counts_and_the_other_is_told(plane, slack, served):
    asked, message = await ask(plane, slack)
    _, result = await asyncio.gather(
        press(slack, message, "Approve"), plane.resolve(Resolution(asked, "deny", "bob", person="id"))
    )
    await until(slack, lambda _: "by" in message.words.splitlines()[0])
    if await state(plane, asked) == "denied":
        await whispered(slack, ENGLISH.inbox_refused_resolved)
    else:
        assert result.code == "resolved"
    assert message.words.startswith("Denied by bob" if slack.whispers else "Approved by ann")


async def test_an_answer_is_to_the_arguments_that_the_message_shows(plane, slack, served):
    asked, message = await ask(plane, slack, "deploy", {"host": "a", "amount": 1})
    assert "deploy   1" in message.words
    stale = slack.pressed(message, "Approve", account="UANN")
    bob = {"person": "id", "user": "bob", "groups": frozenset({"security"})}
    edited = {"host": "b", "amount": 4}
    assert (await plane.resolve(Resolution(asked, "approve", "bob", edited=edited, **bob))).state == "awaiting_second"
    assert await asyncio.to_thread(slack.send, stale)
    await whispered(slack, ENGLISH.inbox_refused_changed)
    await until(slack, lambda _: '"host": "b"' in message.words)
    assert "deploy   1" not in message.words  # what was asked for at first
    await press(slack, message, "Approve", "ann")
    await until(slack, lambda _: "Approved by bob, ann" in message.words)


async def test_the_same_answer_that_arrives_twice_is_told_to_nobody(plane, slack, served, clock):
    asked, message = await ask(plane, slack)
    payload = slack.pressed(message, "Approve", account="UANN")
    for _ in range(2):
        assert await asyncio.to_thread(slack.send, payload)
        clock.now += 1
    await until(slack, lambda _: "Approved by ann" in message.words)
    assert (slack.whispers, await state(plane, asked)) == ([], "approved")


async def test_a_message_that_the_database_does_not_know_is_mended_by_an_answer(plane, slack, served):
    """Its process was killed after it had sent it."""
    asked, message = await ask(plane, slack)

    def forget(transaction):
        transaction.connection.execute(told_messages.told_messages.update().values(reference="another"))

    await plane.write(forget)
    await press(slack, message, "Approve")
    await until(slack, lambda _: "Approved by ann" in message.words)
    await press_again(slack, message, asked)


async def test_a_message_whose_answer_was_lost_is_sent_once_more_and_both_can_be_answered(plane, slack, served):
    slack.loses_answers = 1
    asked, lost = await ask(plane, slack)
    await until(slack, lambda server: len(server.messages) == 2)
    await press(slack, lost, "Deny")
    for message in slack.messages:
        await until(slack, lambda _, message=message: "Denied by ann" in message.words)
    assert (await state(plane, asked), len(slack.messages)) == ("denied", 2)


async def press_again(slack, message, asked):
    again = {"approval": asked, "ballot": "x"}
    payload = slack.pressed(message, "Answer in the inbox", account="UBOB")
    payload["actions"][0] |= {"action_id": "bighub_deny", "value": str(again).replace("'", '"')}
    assert await asyncio.to_thread(slack.send, payload)
    await whispered(slack, ENGLISH.inbox_refused_resolved)


async def test_a_group_is_told_in_its_own_channel(plane, slack, way):
    async with answering(plane, slack, way, group_channels={"security": "C0SEC"}):
        assert (await ask(plane, slack, "deploy"))[1].channel == "C0SEC"
        assert (await ask(plane, slack, "pay"))[1].channel == "C0ALL"


async def test_slack_goes_away_and_comes_back(plane, slack, served):
    asked, message = await ask(plane, slack)
    slack.is_down = True
    await plane.resolve(Resolution(asked, "deny", "bob", person="id"))
    number = len(slack.asked)
    await until(slack, lambda server: len(server.asked) > number)
    slack.is_down, slack.limited = False, 1
    await until(slack, lambda _: "Denied by bob" in message.words)


@pytest.mark.parametrize("payload", [None, [], {"type": "block_actions"}, {"type": "shortcut"}, "x", {"user": 1}])
async def test_what_is_no_answer_does_nothing(plane, slack, served, payload):
    asked, message = await ask(plane, slack)
    link = slack.pressed(message, "Answer in the inbox", account="UANN")
    assert await asyncio.to_thread(slack.send, link)  # Slack tells of links, too
    assert await asyncio.to_thread(slack.send, payload)
    assert (await state(plane, asked), slack.whispers) == ("pending", [])


@pytest.mark.parametrize(
    "reason", ["cut \ud83d", "nul \0", "x" * (LONGEST_REASON + 1), 7], ids=["half", "nul", "long", "number"]
)
async def test_a_reason_that_slack_would_not_send_answers_nothing_and_the_next_one_counts(plane, slack, served, reason):
    asked, message = await ask(plane, slack)
    await press(slack, message, "Answer with a reason")
    await until(slack, lambda server: server.forms)
    assert await asyncio.to_thread(slack.fill_in, slack.forms[0], choice="Approve", reason=reason)
    assert await state(plane, asked) == "pending"
    longest = "\N{GRINNING FACE}" + "x" * (LONGEST_REASON - 1)
    assert await asyncio.to_thread(slack.fill_in, slack.forms[0], choice="Deny", reason=longest)
    denied = await plane.read(lambda connection: approvals.get(connection, asked))
    assert (denied.state, denied.comment) == ("denied", longest)


@pytest.mark.parametrize("name", ["id", "team_id"])
async def test_an_account_that_no_database_holds_is_nobodys(plane, slack, served, name):
    asked, message = await ask(plane, slack)
    payload = slack.pressed(message, "Approve", account="UANN")
    payload["user"][name] += "\ud83d"
    assert await asyncio.to_thread(slack.send, payload)
    assert (await state(plane, asked), slack.whispers) == ("pending", [])


async def test_a_button_with_a_bottomless_value_does_nothing(plane, slack, served):
    asked, message = await ask(plane, slack)
    payload = slack.pressed(message, "Approve", account="UANN")
    payload["actions"][0]["value"] = "[" * 200_000
    assert await asyncio.to_thread(slack.send, payload)
    assert await state(plane, asked) == "pending"


async def test_a_connection_that_is_to_be_replaced_is_replaced(plane, slack):
    async with answering(plane, slack):
        asked, message = await ask(plane, slack)
        opened = slack.asked.count("apps.connections.open")
        await asyncio.to_thread(slack.disconnect)
        await until(slack, lambda server: server.asked.count("apps.connections.open") > opened and server.connections)
        await press(slack, message, "Approve")
        assert await state(plane, asked) == "approved"


FORGERIES = {
    "another secret": {"secret": "another"},
    "too old": {"age": 301},
    "of the future": {"age": -302},
}


@pytest.fixture
async def signed(plane, slack):
    """Posts a body to the route; the status."""
    async with answering(plane, slack, "signed"), httpx.AsyncClient(trust_env=False) as client:

        async def post(body, headers):
            return (await client.post(slack.interactions_url, content=body, headers=headers)).status_code

        yield post


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
async def test_a_forged_request_is_refused(plane, slack, signed, forgery):
    asked, message = await ask(plane, slack)
    payload = slack.pressed(message, "Approve", account="UANN")
    assert await signed(*slack.signed(payload, **forgery)) == 401
    assert await state(plane, asked) == "pending"


@pytest.mark.parametrize(
    "change",
    [
        lambda body, headers: (body.replace("UANN", "UBOB"), headers),
        lambda body, headers: (body, {**headers, "X-Slack-Request-Timestamp": "now"}),
        lambda body, headers: (body, {**headers, "X-Slack-Request-Timestamp": "9" * 400}),
        lambda body, headers: (body, {**headers, "X-Slack-Signature": "v0=\u00e9".encode("latin-1")}),
        lambda body, headers: (b"\xff" + body.encode(), headers),
        lambda body, _: (body, {}),
    ],
    ids=["another body", "no time", "a huge time", "no ASCII", "no text", "unsigned"],
)
async def test_a_changed_request_is_refused(plane, slack, signed, change):
    asked, message = await ask(plane, slack)
    payload = slack.pressed(message, "Approve", account="UANN")
    assert await signed(*change(*slack.signed(payload))) == 401
    assert await state(plane, asked) == "pending"


async def test_a_bottomless_request_does_nothing(slack, signed, clock):
    body, time = "payload=" + "[" * 200_000, str(int(clock()))
    signature = SignatureVerifier(slack.signing_secret).generate_signature(timestamp=time, body=body)
    assert await signed(body, {"X-Slack-Request-Timestamp": time, "X-Slack-Signature": signature}) == 200


async def test_a_request_counts_once_in_all_processes(plane, slack, signed, open_plane):
    asked, message = await ask(plane, slack, "deploy")
    request = slack.signed(slack.pressed(message, "Approve", account="UBOB"))
    assert [await signed(*request), await signed(*request)] == [200, 401]
    first = slack.interactions_url
    async with answering(open_plane(POLICY), slack, "signed"):
        assert slack.interactions_url != first
        assert await signed(*request) == 401
    assert await state(plane, asked) == "awaiting_second"


@pytest.mark.parametrize(
    ("wrong", "key"),
    [({"bot_token": "xoxb-wrong"}, "serve.slack.bot_token"), ({"app_token": "xapp-x"}, "serve.slack.app_token")],
)
async def test_a_wrong_token_stops_the_start(plane, slack, wrong, key):
    channel = SlackChannel(settings(slack, **wrong), plane, "https://bighub.test")
    with pytest.raises(ConfigurationError) as refused:
        await channel.start()
    assert (refused.value.key, refused.value.problem) == (key, "is refused by Slack: invalid_auth")


async def test_slack_that_is_away_stops_no_start(plane, slack, way):
    channel = SlackChannel(settings(slack, way), plane, "https://bighub.test")
    slack.is_down = True
    assert "does not answer now" in await channel.start()
    slack.is_down = False
    assert (await channel.start()).startswith("Slack: on as bighub of Acme in C0ALL, answers by ")
