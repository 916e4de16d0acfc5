"""Looking at hidden values: who may, until when, and that they are nowhere else. On SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, inspect, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from litellm_bighub.control_plane.approvals.look import LookRefused, ShownValue, ValueLook
from litellm_bighub.control_plane.approvals.resolution import Resolution, ResolutionRefused
from litellm_bighub.control_plane.http.api_keys import make_key
from litellm_bighub.control_plane.http.app import create_app
from litellm_bighub.control_plane.people.person import Person
from litellm_bighub.control_plane.people.roles import AGENT, ROLES, SCOPES
from litellm_bighub.control_plane.store.database import open_database
from litellm_bighub.control_plane.store.schema import approvals as approvals_table, events, sealed_values as table
from litellm_bighub.control_plane.store.seal import VARIABLE, Sealing
from litellm_bighub.control_plane.store.tables import approvals
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.redaction import Redactor
from litellm_bighub.errors import DecisionError

POLICY = """\
version: 1
audit_keep_days: 30
tools:
  pay: {value: amount, target: iban, visible_to: {iban: "group:payments", "account.*": "user:ann"}}
  log_in: {visible_to: "group:payments"}
rules:
  - {name: pays, tool: pay, effect: require_approval, approval_ttl_seconds: 900}
  - {name: logins, tool: log_in, effect: require_approval, four_eyes: true}
"""
IBAN = "DE89370400440532013000"
PIN = "1739-canary"
ARGUMENTS = {"amount": 80, "iban": IBAN, "account": {"pin": PIN, "name": "Ann"}, "password": "swordfish"}
KIM = Person("user_kim", "kim", ROLES["approver"], "kim", frozenset({"payments"}))
ANN = Person("user_ann", "ann", ROLES["approver"], "ann")


@pytest.fixture
def sealing():
    return Sealing([os.urandom(32)])


@pytest.fixture
def plane(open_plane, sealing):
    return open_plane(POLICY, sealing=sealing)


async def ask(plane, tool="pay", arguments=ARGUMENTS, **context):
    call = ToolCall("c", "function", tool, arguments, value=80.0, target=IBAN if tool == "pay" else "")
    outcome = await plane.decide(call, CallContext("billing-agent", "shop", **context))
    assert outcome.approval is not None
    return outcome.approval.id


async def see(plane, approval_id, place="iban", person=KIM):
    seen = await plane.look(ValueLook(approval_id, place, person))
    return seen.code if isinstance(seen, LookRefused) else seen.value


def answer(approval_id, answer="approve", person=KIM, **options):
    return Resolution(
        approval_id, answer, by=person.name, person=person.id, user=person.user, groups=person.groups, **options
    )


async def sealed_of(plane, approval_id):
    query = select(table).where(table.c.approval_id == approval_id)
    return await plane.read(lambda connection: connection.execute(query).mappings().all())


async def test_who_is_named_sees_the_value_and_that_is_an_event(plane):
    """The event says who, of which approval, which argument; the other hidden values stay hidden."""
    approval_id = await ask(plane)
    assert await plane.look(ValueLook(approval_id, "iban", KIM)) == ShownValue("iban", IBAN)
    assert await see(plane, approval_id, "account.pin", ANN) == PIN
    query = select(events).where(events.c.type == "approval.value_shown").order_by(events.c.seq)
    found = await plane.read(lambda connection: connection.execute(query).mappings().all())
    assert [(one["subject"], json.loads(one["body"])["by"], json.loads(one["body"])["argument"]) for one in found] == [
        (approval_id, "kim", "iban"),
        (approval_id, "ann", "account.pin"),
    ]
    assert IBAN not in str(found)


@pytest.mark.parametrize(
    ("place", "person"),
    [
        pytest.param("iban", replace(KIM, groups=frozenset({"finance"})), id="another group"),
        pytest.param("iban", ANN, id="named for another value"),
        pytest.param("iban", replace(KIM, scopes=ROLES["viewer"]), id="a viewer of the group"),
        pytest.param("iban", replace(KIM, scopes=ROLES["auditor"]), id="an auditor of the group"),
        pytest.param("iban", replace(KIM, scopes=ROLES["operator"]), id="an operator of the group"),
        pytest.param("iban", replace(KIM, user="", groups=frozenset()), id="the person behind a key"),
        pytest.param("iban", replace(KIM, litellm_user="u1"), id="who asked"),
        pytest.param("account.pin", replace(ANN, user="", name="ann"), id="a key with the name of a user"),
        pytest.param("password", KIM, id="a value that the policy shows nobody"),
        pytest.param("amount", KIM, id="a value that is not hidden"),
        pytest.param("", KIM, id="no value"),
    ],
)
async def test_nobody_else_does(plane, place, person):
    """Not by their role, not by a group that is not named, and not by their own call."""
    approval_id = await ask(plane, user="u1")
    assert await see(plane, approval_id, place, person) == "not_visible"


@pytest.mark.parametrize("end", ["approve", "deny", "edit", "expire"])
async def test_the_sealed_value_goes_when_the_wait_ends(plane, clock, end):
    """In the transaction that ends it, however it ends."""
    approval_id = await ask(plane)
    assert len(await sealed_of(plane, approval_id)) == 2
    if end == "expire":
        clock.now += 901
        assert await see(plane, approval_id) == "over"
        await plane.expire_due()
    elif end == "edit":
        shown = {"amount": 70, "iban": "[redacted]", "account": {"pin": "[redacted]", "name": "Ann"}}
        await plane.resolve(answer(approval_id, edited={**shown, "password": "[redacted]"}))
    else:
        await plane.resolve(answer(approval_id, end))
    assert await sealed_of(plane, approval_id) == []
    assert await see(plane, approval_id) == "over"


async def test_it_stays_while_another_person_must_approve(plane):
    """Who is second may look, too."""
    approval_id = await ask(plane, "log_in", {"user": "x", "password": "swordfish"})
    await plane.resolve(answer(approval_id))
    assert await see(plane, approval_id, "password", replace(KIM, id="user_lee", name="lee")) == "swordfish"
    await plane.resolve(answer(approval_id, person=replace(KIM, id="user_lee", name="lee")))
    assert await sealed_of(plane, approval_id) == []


async def test_a_row_opens_in_no_other_approval(plane):
    """Nor under another path, nor for people who were not named: who writes to the database sees nothing more."""
    approval_id = await ask(plane)
    other = await ask(plane, arguments={**ARGUMENTS, "amount": 90, "iban": "DE00000000000000000000"})
    rows = {row["path"]: row for row in await sealed_of(plane, approval_id)}

    def move(transaction):
        at = (table.c.approval_id == other) & (table.c.path == '["iban"]')
        transaction.connection.execute(update(table).where(at).values(sealed=rows['["iban"]']["sealed"]))
        pin = (table.c.approval_id == approval_id) & (table.c.path == '["account","pin"]')
        transaction.connection.execute(update(table).where(pin).values(visible_to='["group:payments"]'))
        iban = (table.c.approval_id == approval_id) & (table.c.path == '["iban"]')
        transaction.connection.execute(update(table).where(iban).values(path='["password"]'))

    await plane.write(move)
    assert await see(plane, other) == "unopened"
    assert await see(plane, approval_id, "account.pin") == "unopened"
    assert await see(plane, approval_id, "password") == "unopened"


async def test_keys_change_and_two_processes_share_them(plane, open_plane, sealing, clock):
    """A second process with the new key before the old one opens what the first has sealed, and seals with the new."""
    approval_id = await ask(plane)
    old, new = sealing, os.urandom(32)
    both = Sealing([new])
    both._ciphers.update(old._ciphers)
    second = open_plane(POLICY, sealing=both)
    assert await see(second, approval_id) == IBAN
    later = await ask(second, arguments={**ARGUMENTS, "amount": 81})
    assert await see(second, later) == IBAN
    assert await see(plane, later) == "unopened"
    assert await see(open_plane(POLICY, sealing=Sealing([new])), later) == IBAN


@pytest.mark.parametrize("keys", [[os.urandom(32)], None], ids=["another key", "no key"])
async def test_a_wrong_key_shows_nothing_and_the_call_can_be_denied(plane, open_plane, keys):
    """No event says that somebody saw it."""
    approval_id = await ask(plane)
    other = open_plane(POLICY, sealing=None if keys is None else Sealing(keys))
    assert await see(other, approval_id) == "unopened"
    denied = await other.resolve(answer(approval_id, "deny"))
    assert not isinstance(denied, ResolutionRefused)
    assert denied.state == "denied"
    query = select(events).where(events.c.type == "approval.value_shown")
    assert await plane.read(lambda connection: connection.execute(query).all()) == []


async def test_an_edit_keeps_hidden_values_and_writes_none(plane):
    """A mask is not written into a call, and what is hidden is not written into the database."""
    approval_id = await ask(plane)
    mask = {
        "amount": 80,
        "iban": "[redacted]",
        "account": {"pin": "[redacted]", "name": "Ann"},
        "password": "[redacted]",
    }
    for edited in (
        {**mask, "note": "to [redacted]"},
        {**mask, "iban": "x [redacted]"},
        {**mask, "account": ["[redacted]"]},
        {**mask, "iban": IBAN},
        {**mask, "account": {"pin": "new", "name": "Ann"}},
    ):
        refused = await plane.resolve(answer(approval_id, edited=edited))
        assert isinstance(refused, ResolutionRefused)
        assert refused.code == "hidden"
    await plane.resolve(answer(approval_id, edited={**mask, "amount": 70, "account": {"pin": "[redacted]"}}))
    call = ToolCall("c", "function", "pay", ARGUMENTS, value=80.0, target=IBAN)
    used = await plane.decide(call, CallContext("billing-agent", "shop"))
    assert used.judgement.verdict == "allowed"
    assert used.edited == {**ARGUMENTS, "amount": 70, "account": {"pin": PIN}}


async def test_what_an_edit_takes_out_is_no_longer_shown(open_plane, sealing):
    """With two people, the second looks at what would run now."""
    plane = open_plane(
        POLICY.replace("effect: require_approval, approval", "effect: require_approval, four_eyes: true, approval"),
        sealing=sealing,
    )
    approval_id = await ask(plane)
    mask = {"amount": 80, "account": {"pin": "[redacted]", "name": "Ann"}, "password": "[redacted]"}
    await plane.resolve(answer(approval_id, edited=mask))
    assert await see(plane, approval_id) == "not_visible"
    assert await see(plane, approval_id, "account.pin", ANN) == PIN


async def test_retention_removes_what_no_longer_waits(plane, clock):
    """As where an approval was ended by something else than this program."""
    approval_id = await ask(plane)
    waiting = await ask(plane, arguments={**ARGUMENTS, "amount": 81})
    ended = update(approvals_table).where(approvals_table.c.id == approval_id).values(state="expired")
    await plane.write(lambda transaction: transaction.connection.execute(ended) and None)
    for _ in range(3):
        clock.now += 3601 * 30
        await plane.retain_due()
    assert await sealed_of(plane, approval_id) == []
    assert (await sealed_of(plane, waiting)) != []


def dumped(database_url) -> str:
    """Everything that the database holds, as whoever takes it away has it."""
    if database_url.startswith("sqlite"):
        folder = Path(database_url.removeprefix("sqlite:///")).parent
        return "".join(path.read_bytes().decode("latin-1") for path in folder.glob("bighub.db*"))
    engine = open_database(database_url)
    with engine.connect() as connection:
        names = inspect(connection).get_table_names()
        rows = {name: connection.execute(text(f'SELECT * FROM "{name}"')).all() for name in names}
    engine.dispose()
    return str(rows)


@pytest.mark.parametrize("end", ["approve", "deny"])
async def test_the_value_is_nowhere_in_the_database(plane, database_url, caplog, end):
    """Neither while the call waits, nor once it was looked at, answered and used; and then not even sealed."""
    caplog.set_level("DEBUG")
    approval_id = await ask(plane)
    sealed = [row["sealed"] for row in await sealed_of(plane, approval_id)]
    assert await see(plane, approval_id) == IBAN
    waiting = dumped(database_url)
    assert IBAN not in waiting
    assert PIN not in waiting
    assert all(one in waiting for one in sealed)
    await plane.resolve(answer(approval_id, end))
    call = ToolCall("c", "function", "pay", ARGUMENTS, value=80.0, target=IBAN)
    await plane.decide(call, CallContext("billing-agent", "shop"))
    await plane.aclose()
    left = dumped(database_url)
    assert IBAN not in left
    assert PIN not in left
    assert IBAN not in caplog.text


async def test_of_a_killed_process_no_answered_call_keeps_a_sealed_value(
    open_plane, database_url, policy_file, sealing
):
    """Killed with SIGKILL while it denies 300 calls: each is denied and has none, or it waits and has them all."""
    text = POLICY.replace("audit_keep_days: 30\n", "")
    plane = open_plane(text, sealing=sealing, clock=time.time)
    ids = [await ask(plane, arguments={**ARGUMENTS, "amount": amount}) for amount in range(300)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.control_plane.answering", database_url, str(policy_file(text)), *ids),
        env={**os.environ, VARIABLE: base64.b64encode(os.urandom(32)).decode()},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    first = await process.stdout.readline()
    process.kill()
    told = (first + await process.stdout.read()).decode().split()
    await process.wait()
    assert 0 < len(told) < len(ids)
    query = select(approvals_table.c.id, approvals_table.c.state, func.count(table.c.path)).outerjoin(
        table, table.c.approval_id == approvals_table.c.id
    )
    query = query.group_by(approvals_table.c.id, approvals_table.c.state)
    rows = await plane.read(lambda connection: connection.execute(query).all())
    assert {(state, values) for _, state, values in rows} == {("denied", 0), ("pending", 2)}
    assert set(told) <= {approval_id for approval_id, state, _ in rows if state == "denied"}


async def test_an_answer_whose_deletion_fails_is_none(plane):
    """Both are one transaction, so that nothing stays sealed behind an answer."""
    approval_id = await ask(plane)
    refuse = {
        "sqlite": ["CREATE TRIGGER stays BEFORE DELETE ON sealed_values BEGIN SELECT RAISE(ABORT, 'stays'); END"],
        "postgresql": [
            "CREATE FUNCTION stays() RETURNS trigger AS $$ BEGIN RAISE 'stays'; END $$ LANGUAGE plpgsql",
            "CREATE TRIGGER stays BEFORE DELETE ON sealed_values FOR EACH ROW EXECUTE FUNCTION stays()",
        ],
    }

    def make(transaction):
        for statement in refuse[transaction.connection.dialect.name]:
            transaction.connection.exec_driver_sql(statement)

    await plane.write(make)
    with pytest.raises((SQLAlchemyError, DecisionError)):
        await plane.resolve(answer(approval_id))
    found = await plane.read(lambda connection: approvals.get(connection, approval_id))
    assert found is not None
    assert found.state == "pending"
    assert await see(plane, approval_id) == IBAN


@pytest.mark.parametrize("arguments", ["full", "redacted"])
async def test_a_gateway_over_http_shows_what_it_sends(plane, database_url, arguments):
    """`serve` seals what an authenticated key sends whole; of redacted arguments there is nothing to look at."""
    sent = ARGUMENTS if arguments == "full" else Redactor().redact(ARGUMENTS)
    target = IBAN if arguments == "full" else "[redacted]"
    question = {"action": "pay", "actor": "a", "domain": "d", "target": target, "context": {"arguments": sent}}
    secret = (await make_key(plane, "gateway", AGENT, by="test"))[1]
    transport = httpx.ASGITransport(app=create_app(plane))
    async with httpx.AsyncClient(transport=transport, base_url="http://serve") as client:
        asked = await client.post("/actions/submit", headers={"X-API-Key": secret}, json=question)
        approval_id = asked.json()["request_id"]
        assert await see(plane, approval_id) == (IBAN if arguments == "full" else "not_visible")
        person = (await make_key(plane, "ann", frozenset(SCOPES) - AGENT, by="test"))[1]
        for path in ("/approvals", f"/approvals/{approval_id}", "/events", "/actions/observer/stats", "/metrics"):
            told = await client.get(path, headers={"X-API-Key": person})
            assert told.status_code == 200
            assert IBAN not in told.text
            assert "v1." not in told.text
    assert IBAN not in dumped(database_url)
