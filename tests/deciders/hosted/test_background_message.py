"""Who is told why a call was made, and that nobody's failure to hear it is one of the decision."""

from __future__ import annotations

import asyncio

import pytest

from litellm_bighub.deciders.hosted.background_message import GATE_VERSION, tell_background
from litellm_bighub.deciders.hosted.hosted_decider import resilient
from litellm_bighub.deciders.hosted.service import BighubDecider
from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.call_background import CallBackground, Utterance
from litellm_bighub.domain.decision import Basis, RequireApproval
from litellm_bighub.domain.redaction import Redactor
from litellm_bighub.settings import ServiceSettings
from tests.deciders.fakes import Kept

CALL = ToolCall("c", "function", "pay", {"password": "hunter22"})
OURS = Basis(gate_version=GATE_VERSION)
ASKED = RequireApproval("large", "apr_1", basis=OURS)


def why(call):
    return CallBackground((Utterance("user", f"pay {call.arguments['password']} to A-1"),))


async def told(decision, background=why):
    sent = []

    async def send(path, body):
        sent.append((path, body))

    await tell_background(send, decision, CALL, CallContext(background=background), Redactor())
    return sent


async def test_our_own_control_plane_is_told_without_what_the_call_hides():
    ((path, body),) = await told(ASKED)
    assert path == "/approvals/apr_1/context"
    assert [each["text"] for each in body["said"]] == ["pay [redacted] to A-1"]


def unread(call):
    raise AssertionError("a conversation was read that nobody is told")


@pytest.mark.parametrize(
    ("decision", "background"),
    [
        pytest.param(RequireApproval("large", "apr_1"), unread, id="the hosted BIGHUB"),
        pytest.param(RequireApproval("", "apr_1", basis=Basis(gate_version="2026-05")), unread, id="another gate"),
        pytest.param(RequireApproval("large", "", basis=OURS), unread, id="no approval"),
        pytest.param(RequireApproval("large", "../keys", basis=OURS), unread, id="no id"),
        pytest.param(ASKED, None, id="nobody knows why"),
        pytest.param(ASKED, lambda _: CallBackground(), id="there is nothing to tell"),
    ],
)
async def test_nobody_else_is_told(decision, background):
    assert await told(decision, background) == []


async def test_a_failure_to_tell_is_none_of_the_decision(caplog):
    async def send(path, body):
        raise ConnectionError(body)

    await tell_background(send, ASKED, CALL, CallContext(background=why), Redactor())
    assert "why a call was made: ConnectionError" in caplog.text
    assert "A-1" not in caplog.text


class DeafControlPlane:
    """An SDK's client of an embedded control plane that asks people about all but `look_up`, and never listens."""

    def __init__(self) -> None:
        self.actions = self.approvals = self._transport = self
        self.told = []

    async def evaluate(self, *, action, **_):
        asks = {"result": "requires_approval", "requires_approval": True, "status": "pending_approval"}
        answer = {"allowed": True, "result": "allowed"} if action == "look_up" else {"allowed": False, **asks}
        return {"request_id": f"apr_{action}", "gate_version": GATE_VERSION, **answer}

    async def request(self, *, method, path, json_body):
        self.told.append(path)
        await asyncio.Event().wait()

    async def close(self):
        pass


async def test_a_call_that_needs_a_person_waits_for_one_also_if_nobody_hears_why_it_was_made():
    """Its telling takes longer than decisions may: under fail-open, the call and those after it must not pass."""
    plane, kept = DeafControlPlane(), Kept()
    service = ServiceSettings(deadline_seconds=0.1, breaker_failures=1)
    decisions = ToolDecisions(
        resilient(BighubDecider(plane), service), fail_mode="open", deadline_seconds=0.1, sinks=[kept]
    )
    context = CallContext(background=lambda _: CallBackground((Utterance("user", "go on"),)))
    calls = [ToolCall(f"c{number}", "function", name, {}) for number, name in enumerate(("pay", "sell", "look_up"))]

    decided = [await decisions.decide(calls, context), await decisions.decide(calls[:1], context)]
    await decisions.aclose()

    asked = [[event.verdict for event in kept.events if event.call_id == call.id] for call in calls]
    assert asked == [["requires_approval"] * 2, ["requires_approval"], ["allowed"]]
    assert [[type(one).__name__ for one in each] for each in decided] == [
        ["RequireApproval", "RequireApproval", "Allow"],
        ["RequireApproval"],
    ]
    assert not any(event.degraded for event in kept.events)
    assert sorted(plane.told) == ["/approvals/apr_pay/context"] * 2 + ["/approvals/apr_sell/context"]
    assert asyncio.all_tasks() == {asyncio.current_task()}
