"""What came first in a conversation decides still behind a thousand tool turns, in each format.

Others look at the last ten turns. Every request passes the guardrail's real hooks.
"""

from __future__ import annotations

import pytest

from litellm_bighub import BighubGuardrail
from tests.gateway.tool_turns import ToolTurns

TURNS = 1000
AT_ONCE = 50
"""Calls of an answer, each of which the client replays as a turn: the ledger has them all by then."""
POLICY = """\
version: 1
history: {fresh: clean}
tools:
  pay: {value: amount, currency: currency}
  read_vault: {output: secret}
rules:
  - {name: nothing secret, tool: send, taint: secret, effect: block}
  - name: payments
    tool: pay
    after: {tool: verify, same: customer}
    max_total_per_day: 100
    total_by: [actor, currency]
  - {name: rest, tool: [lookup, verify, read_vault, send]}
"""
PAYMENT = {"amount": 30, "currency": "EUR", "customer": "c-1"}


@pytest.fixture
async def guardrail(tmp_path):
    (tmp_path / "policy.yaml").write_text(POLICY)
    made = BighubGuardrail(policy=str(tmp_path / "policy.yaml"), database_url=f"sqlite:///{tmp_path}/bighub.db")
    yield made
    await made.tool_decisions.aclose()


@pytest.mark.parametrize("wire", ["chat", "messages", "responses"])
async def test_the_first_of_a_thousand_turns_decides(guardrail, wire):
    client = ToolTurns(wire, guardrail)
    await client.turns(("verify", {"customer": "c-1"}))
    await client.turns(("read_vault", {}))
    for at in range(2, TURNS, AT_ONCE):
        await client.turns(*(("lookup", {"number": number}) for number in range(at, min(TURNS, at + AT_ONCE))))
    requests = [client.body, *([client.going_on] if wire == "responses" else [])]
    for request in requests:
        assert await client.passes("pay", PAYMENT, request())
        assert not await client.passes("pay", {**PAYMENT, "customer": "c-2"}, request())
        assert not await client.passes("send", {}, request())
        assert await client.passes("lookup", {}, request())
    for allowed in [True] * (3 - len(requests)) + [False]:  # the sum of all payments
        assert await client.passes("pay", PAYMENT, requests[-1]()) == allowed

    other = ToolTurns(wire, guardrail, number=client.number)
    await other.turns(("lookup", {}))
    assert await other.passes("send", {}, other.body())
    assert not await other.passes("pay", {**PAYMENT, "amount": 1}, other.body())
