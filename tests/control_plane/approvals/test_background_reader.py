"""Why a call was made is read beside its decision: however slow, broken or many the conversations, people are asked."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from litellm_bighub.control_plane.approvals.resolution import Resolution
from litellm_bighub.control_plane.decisions.embedded_decider import EmbeddedDecider
from litellm_bighub.control_plane.store.database import sqlite_url
from litellm_bighub.control_plane.store.tables import approvals
from litellm_bighub.deciders.wrappers.deadline import Deadline
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.call_background import CallBackground, Utterance, from_text
from litellm_bighub.domain.decision import Allow, RequireApproval
from tests.control_plane.test_serve import client, key_in, serving

POLICY = "version: 1\nrules: [{name: refunds, tool: refund, effect: require_approval}]\n"
SAID = CallBackground((Utterance("user", "Pay."),))


@pytest.fixture
def database_url(tmp_path):
    """It is read the same on every database."""
    return f"sqlite:///{tmp_path / 'bighub.db'}"


def refund(number=1):
    return ToolCall("c", "function", "refund", {"amount": number}, value=number)


@pytest.fixture
def slow():
    """A conversation that is read once it is let go."""
    free = threading.Event()

    def read(call):
        assert free.wait(60)
        return SAID

    yield CallContext("agent", background=read), free
    free.set()


async def told(plane, waits):
    """The background, once there is one."""
    while True:
        with plane.signals.watch() as changed:
            approval = await plane.wait(waits, timeout=0)
            if approval.background:
                return from_text(approval.background)
            await changed(1.0)


async def test_a_conversation_that_is_read_slowly_is_told_later(open_plane, slow):
    plane, (context, free) = open_plane(POLICY), slow
    outcome = await plane.decide(refund(), context)
    assert (outcome.judgement.verdict, outcome.approval.background) == ("requires_approval", "")
    free.set()
    assert await told(plane, outcome.approval.id) == SAID


async def test_what_is_read_after_the_answer_is_not_kept(open_plane, slow):
    plane, (context, free) = open_plane(POLICY), slow
    first = (await plane.decide(refund(1), context)).approval
    second = (await plane.decide(refund(2), context)).approval
    await plane.resolve(Resolution(first.id, "deny", "ann"))
    free.set()
    await told(plane, second.id)
    await plane.aclose()
    plane = open_plane(POLICY)
    assert (await plane.wait(first.id, timeout=0)).background == ""


async def test_however_many_are_read_at_once_people_are_asked_about_all(open_plane, slow):
    plane, (context, free) = open_plane(POLICY), slow
    outcomes = await asyncio.gather(*(plane.decide(refund(number), context) for number in range(80)))
    assert {outcome.judgement.verdict for outcome in outcomes} == {"requires_approval"}
    free.set()
    listed = []
    while len(listed) < 64:
        with plane.signals.watch() as changed:
            found = await plane.read(lambda connection: approvals.listed(connection, now=plane.clock()))
            listed = [approval for approval in found if approval.background]
            if len(listed) < 64:
                await changed(1.0)
    assert len(listed) == 64
    later = await plane.decide(refund(1000), replace(context, background=lambda _: SAID))
    assert from_text(later.approval.background) == SAID


def broken(error):
    def read(call):
        raise error

    return read


@pytest.mark.parametrize(
    "read",
    [
        broken(RuntimeError("x")),
        broken(RecursionError()),
        broken(MemoryError()),
        lambda _: None,
        lambda _: CallBackground((3,)),
    ],
    ids=["error", "too deep", "too long", "nothing", "nonsense"],
)
async def test_a_conversation_that_cannot_be_read_changes_no_decision(open_plane, read):
    plane = open_plane(POLICY)
    outcome = await plane.decide(refund(), CallContext("agent", background=read))
    assert (outcome.judgement.verdict, outcome.approval.background) == ("requires_approval", "")


async def test_threads_that_others_have_taken_do_not_matter(open_plane):
    plane, free = open_plane(POLICY), threading.Event()
    loop, shared = asyncio.get_running_loop(), ThreadPoolExecutor(1)
    loop.set_default_executor(shared)
    taken = [loop.run_in_executor(None, free.wait, 60) for _ in range(3)]
    outcome = await plane.decide(refund(), CallContext("agent", background=lambda _: SAID))
    assert from_text(outcome.approval.background) == SAID
    free.set()
    await asyncio.gather(*taken)


async def test_a_gateway_that_ends_while_it_reads_leaves_a_call_that_people_answer(tmp_path, slow):
    """Its deadline is short, and a real server has the call and its answer."""
    policy = tmp_path / "bighub_policy.yaml"
    policy.write_text(POLICY)
    url, (context, _) = sqlite_url(tmp_path / "bighub.db"), slow
    decider = EmbeddedDecider.from_policy_file(policy, database_url=url, patience=4)
    await decider.plane()
    asked = await Deadline(decider, 4).decide(refund(), context)
    assert isinstance(asked, RequireApproval)
    await decider.aclose()
    with serving(policy) as (address, printed), client(address, key_in(printed)) as person:
        shown = await asyncio.to_thread(person.get, f"/approvals/{asked.approval_id}")
        assert shown.json()["status"] == "pending"
        path = f"/approvals/{asked.approval_id}/resolve"
        answered = await asyncio.to_thread(person.post, path, json={"resolution": "approved"})
        assert answered.json()["status"] == "approved"
    decider = EmbeddedDecider.from_policy_file(policy, database_url=url)
    assert isinstance(await decider.decide(refund(), context), Allow)
    await decider.aclose()
