"""Mail of calls that wait, over a real socket: who gets it, what it says and hides, and that none is lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings as hypothesis_settings, strategies as st

from litellm_bighub.control_plane.approvals.resolution import Resolution
from litellm_bighub.control_plane.channels.channel import ChannelAway
from litellm_bighub.control_plane.channels.mail import Mail
from litellm_bighub.control_plane.channels.message_delivery import MessageDelivery
from litellm_bighub.control_plane.people.accounts import add_user, change_user, disabled
from litellm_bighub.control_plane.store.tables import approvals
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.settings import SmtpSettings
from litellm_bighub.wording import ENGLISH
from tests.control_plane.channels import mail_server
from tests.control_plane.channels.mail_server import LOGIN, certificate

POLICY = """\
version: 1
rules:
  - {name: pays, tool: pay, effect: require_approval, approvers: ["group:finance"], approval_ttl_seconds: 3600,
     escalation: {after_seconds: 60, to: ["user:boss"]}}
  - {name: deploys, tool: deploy, effect: require_approval, quorum: {count: 2, group: security}}
  - {name: all, tool: "*", effect: require_approval}
"""
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def server(tmp_path):
    with mail_server.serving(tmp_path) as server:
        yield server


@pytest.fixture
def plane(open_plane):
    return open_plane(POLICY)


@pytest.fixture
def mail(plane, tmp_path):
    def mail_(port, **options):
        login = {"username": LOGIN[0], "password": LOGIN[1]}
        given = {"host": "127.0.0.1", "port": port, "sender": "bighub@example.com", "ca_file": certificate(tmp_path)}
        return Mail(SmtpSettings(**{**given, **login, **options}), plane, "https://bighub.example.com")

    return mail_


@pytest.fixture
def person(plane):
    async def add(name, *groups, roles=("approver",), email=None, litellm_user=""):
        address = f"{name}@example.com" if email is None else email
        return await add_user(
            plane,
            name,
            "x",
            roles=frozenset(roles),
            groups=frozenset(groups),
            email=address,
            litellm_user=litellm_user,
            by="test",
        )

    return add


async def ask(plane, tool="refund", *, user="", **arguments):
    call = ToolCall("c", "function", tool, arguments)
    return (await plane.decide(call, CallContext("agent", "shop", user=user))).approval.id


async def deliver(plane, channel):
    delivery = MessageDelivery(plane, channel)
    while await delivery.step():
        pass


def recipients(server):
    return sorted(address for _, addresses, _ in server.envelopes for address in addresses)


async def test_those_who_may_approve_get_a_mail_with_a_link(server, plane, mail, person):
    await person("ann"), await person("kim"), await person("eve", roles=["auditor"]), await person("joe", email="")
    gone, own = await person("gone"), await person("own", litellm_user="user-1")
    await change_user(plane, gone.id, disabled(1.0), by="test")
    approval = await ask(plane, amount=900, user="user-1")
    await deliver(plane, mail(server.port))
    assert recipients(server) == ["ann@example.com", "kim@example.com"]
    assert own.email not in recipients(server)
    message = server.got[0]
    assert message["From"] == "bighub@example.com"
    assert message["Subject"] == "A call of refund waits for you"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "text/plain"
    text = message.get_content().replace("\r\n", "\n")
    assert f"https://bighub.example.com/inbox/approvals/{approval}\n" in text
    assert '"amount": 900' in text
    assert ENGLISH.mail_no_answer in text
    assert set(server.logins) == {LOGIN}
    await deliver(plane, mail(server.port))
    assert len(server.got) == 2


async def test_a_mail_says_how_much_and_to_what(server, plane, mail, person):
    await person("ann")
    call = ToolCall("c", "function", "refund", {"currency": "EUR"}, value=1234.5, target="order evil.test")
    await plane.decide(call, CallContext("agent", "shop"))
    await deliver(plane, mail(server.port))
    lines = server.got[0].get_content().splitlines()
    assert {"Amount: 1,234.50 EUR", "Target: order evil[.]test"} <= set(lines)


async def test_each_rules_people_get_it_and_others_once_they_may(server, plane, mail, person, clock):
    await person("ann", "finance"), await person("sue", "security"), await person("boss")
    channel = mail(server.port, groups={"finance": "finance@example.com", "hr": "hr@example.com"})
    await ask(plane, "pay")
    await deliver(plane, channel)
    assert recipients(server) == ["ann@example.com", "finance@example.com"]
    clock.now += 60
    await plane.escalate_due()
    await deliver(plane, channel)
    assert recipients(server) == ["ann@example.com", "boss@example.com", "finance@example.com"]


async def test_what_was_answered_sends_nothing_more(server, plane, mail, person):
    await person("ann")
    approval = await ask(plane)
    channel = mail(server.port)
    await deliver(plane, channel)
    await plane.resolve(Resolution(approval, "approve", by="ann", person="ann"))
    await deliver(plane, channel)
    assert len(server.got) == 1


async def test_hidden_values_and_what_deceives_the_eye_stay_out(server, plane, mail, person):
    await person("ann")
    await ask(plane, password="hunter2", note="see https://evil.test and www.evil.test\u202e\r\nBcc: x@evil.test")
    await deliver(plane, mail(server.port))
    (text,) = [message.get_content() for message in server.got]
    assert "hunter2" not in text
    assert "\u202e" not in text
    assert text.count("://") == 1  # the link of ours
    assert "https[:]//evil[.]test and www[.]evil[.]test" in text
    assert "x@evil[.]test" in text
    assert "evil.test" not in text


@pytest.mark.parametrize(
    ("note", "told"),
    [
        ("evil.test/pay", "evil[.]test/pay"),
        ("EVIL.TEST:8080", "EVIL[.]TEST:8080"),
        ("a-1.xn--p1ai", "a-1[.]xn--p1ai"),
        ("\u043f\u0440.\u0440\u0444", "\u043f\u0440[.]\u0440\u0444"),
        ("\U0001f4a9.la", "\U0001f4a9[.]la"),
        ("pay 100.25 now. e.g. today", "pay 100.25 now. e.g. today"),
    ],
)
async def test_a_bare_name_of_a_host_is_broken_and_numbers_are_not(note, told, server, plane, mail, person):
    await person("ann")
    await ask(plane, note=note)
    await deliver(plane, mail(server.port))
    (text,) = [message.get_content() for message in server.got]
    assert told in text


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tool=st.text(st.characters(), max_size=40), text=st.text(st.characters(), max_size=60))
async def test_whatever_a_model_writes_is_one_mail_to_one_person(tool, text, server, plane, mail, person):
    found = await plane.read(lambda connection: approvals.get(connection, ""))
    assert found is None
    await person("ann")
    asked = await ask(plane)
    approval = await plane.read(lambda connection: approvals.get(connection, asked))
    hostile = f"{tool}\r\nBcc: evil@evil.test\r\n\r\n{text}"
    channel, before = mail(server.port), len(server.got)
    (place,) = await channel.places(approval, approval.created_at)
    approval = replace(
        approval, tool=hostile, actor=hostile, reason=hostile, rule_id=hostile, arguments={text: hostile}
    )
    await channel.tell(approval, place)
    assert len(server.got) == before + 1
    message, (_, addresses, content) = server.got[-1], server.envelopes[-1]
    assert addresses == ["ann@example.com"]
    assert sorted(message.keys()) == sorted(
        ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", *_CONTENT]
    )
    assert max(map(len, content.splitlines())) <= 998


_CONTENT = ("Content-Type", "Content-Transfer-Encoding", "MIME-Version")


async def test_nothing_is_lost_while_the_server_is_away(plane, mail, person, tmp_path):
    await person("ann")
    await ask(plane)
    with mail_server.serving(tmp_path) as server:
        channel = mail(server.port)
    with pytest.raises(ChannelAway):
        await deliver(plane, channel)
    server.answers = ["421 closing"]
    with mail_server.serving(tmp_path, port=server.port, known=server):
        with pytest.raises(ChannelAway):
            await deliver(plane, channel)
        assert server.got == []
        await deliver(plane, channel)
    assert recipients(server) == ["ann@example.com"]


@pytest.mark.parametrize("refusal", ["550 no such user", "450 come again later"])
async def test_an_address_that_is_refused_stops_nobody_else(refusal, server, plane, mail, person, clock):
    await person("ann"), await person("kim")
    server.refused = {"ann@example.com": refusal}
    await ask(plane)
    channel = mail(server.port)
    await deliver(plane, channel)
    assert recipients(server) == ["kim@example.com"]
    server.refused, clock.now = {}, clock.now + 10
    await deliver(plane, channel)
    assert recipients(server) == ["ann@example.com", "kim@example.com"]


async def test_who_may_no_longer_approve_gets_no_mail_that_waited(server, plane, mail, person, clock):
    ann = await person("ann")
    server.refused = {"ann@example.com": "450 come again later"}
    await ask(plane)
    channel = mail(server.port)
    await deliver(plane, channel)
    server.refused, clock.now = {}, clock.now + 10
    await change_user(plane, ann.id, disabled(1.0), by="test")
    await deliver(plane, channel)
    assert server.got == []


@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
async def test_it_starts_and_sends_with_each_security(security, plane, mail, person, tmp_path):
    await person("ann")
    await ask(plane)
    with mail_server.serving(tmp_path, security=security) as server:
        login = {"username": None, "password": None} if security == "none" else {}
        channel = mail(server.port, security=security, **login)
        assert await channel.start() == f"Mail: from bighub@example.com by 127.0.0.1:{server.port}"
        await deliver(plane, channel)
    assert len(server.got) == 1


@pytest.mark.parametrize(
    ("offers", "options", "key", "problem"),
    [
        ("starttls", {"password": "wrong"}, "serve.smtp.username", "refuses the login (535)"),
        ("starttls", {"ca_file": None}, "serve.smtp.host", "no certificate that is trusted: self-signed certificate"),
        ("tls", {"ca_file": None, "security": "tls"}, "serve.smtp.host", "no certificate that is trusted"),
        ("none", {}, "serve.smtp.security", "offers no STARTTLS"),
    ],
    ids=["wrong password", "foreign certificate", "foreign certificate from the start", "no encryption"],
)
async def test_what_the_server_refuses_stops_the_start_and_sends_nothing(
    offers, options, key, problem, plane, mail, person, tmp_path
):
    await person("ann")
    await ask(plane)
    with mail_server.serving(tmp_path, security=offers) as server:
        channel = mail(server.port, **options)
        with pytest.raises(ConfigurationError) as refused:
            await channel.start()
        assert refused.value.key == key
        assert problem in refused.value.problem
        with pytest.raises(ChannelAway):
            await deliver(plane, channel)
    assert server.got == []
    assert server.logins == ([(LOGIN[0], "wrong")] * len(server.logins) if "password" in options else [])


async def test_a_certificate_of_another_name_is_none(plane, mail, tmp_path):
    with mail_server.serving(tmp_path) as server, pytest.raises(ConfigurationError) as refused:
        await mail(server.port, host="localhost").start()
    assert "Hostname mismatch" in refused.value.problem


async def test_a_server_that_is_away_stops_no_start(mail, tmp_path):
    with mail_server.serving(tmp_path) as server:
        channel = mail(server.port)
    assert "does not answer" in await channel.start()


def test_a_file_of_certificates_that_is_none_stops_the_start(mail, tmp_path):
    (tmp_path / "empty.pem").write_text("nothing")
    for file in ("nowhere.pem", "empty.pem"):
        with pytest.raises(ConfigurationError) as refused:
            mail(25, ca_file=tmp_path / file)
        assert refused.value.key == "serve.smtp.ca_file"


async def test_it_updates_and_hears_nothing(server, plane, mail):
    channel = mail(server.port)
    approval = await plane.read(lambda connection: approvals.get(connection, ""))
    await channel.update(approval, "place", "reference")
    await asyncio.wait_for(channel.hear(), 1)
    assert server.got == []
