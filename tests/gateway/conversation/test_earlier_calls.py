"""Rules that ask for earlier calls hold by what the ledger knows: over turns, replays and joined conversations.

Each test asks the real decider on a real database, as the pipeline does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from litellm_bighub.control_plane.decisions.database_ledger import DatabaseLedger
from litellm_bighub.control_plane.decisions.embedded_decider import EmbeddedDecider
from litellm_bighub.deciders.ledger.ledger import MemoryLedger
from litellm_bighub.deciders.ledger.released_calls import record_calls
from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow
from litellm_bighub.formats.chat.format import CHAT
from litellm_bighub.formats.responses.format import RESPONSES
from litellm_bighub.formats.stream.gate_protocol import Pass, Withhold
from litellm_bighub.gateway.conversation.output_history import OutputHistory
from litellm_bighub.gateway.pipeline.request_scope import RequestScope, enter, request_scope

POLICY = """\
version: 1
history: {fresh: %s}
rules:
  - {name: verify, tool: verify}
  - {name: vault, tool: vault}
  - {name: lookup, tool: lookup}
  - {name: refund, tool: refund, after: {tool: verify, same: {customer: id}, within_seconds: 600}}
  - {name: mail, tool: mail, not_after: vault}
  - {name: post, tool: post, after: vault, effect: block}
  - {name: rest of posts, tool: post}
  - {name: twice, tool: twice, max_per_conversation: 2}
  - {name: of the caller, tool: close, after: {tool: verify, of: caller, within_seconds: 600}}
"""
ANN = CallContext(actor="key:a", key="k" * 64, user="ann", key_alias="a")
BOB = replace(ANN, actor="key:b", key="o" * 64, user="bob")
VERIFY = ("c1", "verify", {"id": "cust-1"})
REFUND = ("c9", "refund", {"customer": "cust-1"})


@dataclass
class Gateway:
    """Follows requests and decides on their answers."""

    decisions: ToolDecisions
    now: list[float]

    async def ask(self, data, *calls, previous="", answer="", who=ANN, wire=RESPONSES) -> list[bool]:
        """One request and its answer; which of its calls are released."""
        enter(RequestScope())
        history = OutputHistory(self.decisions)
        await history.follow(data, wire, previous, lambda: who)
        scope = request_scope()
        context = replace(who, outputs=scope.outputs, history=scope.history, response_id=answer)
        made = [
            ToolCall(call_id, "function", tool, arguments, path=f"output[{at}]")
            for at, (call_id, tool, arguments) in enumerate(calls)
        ]
        decided = await self.decisions.decide(made, context)
        outcomes = [Pass() if isinstance(each, Allow) else Withhold("no") for each in decided]
        assert await record_calls(self.decisions, made, decided, outcomes, context)
        if wire.stores_answers:
            await history.record_answer(lambda: context)
        return [isinstance(each, Allow) for each in decided]


@pytest.fixture(params=["memory", "database"])
async def open_gateway(request, tmp_path):
    opened = []

    def open_(fresh="clean") -> Gateway:
        (tmp_path / "policy.yaml").write_text(POLICY % fresh)
        now = [1_700_000_000.0]
        decider = EmbeddedDecider.from_policy_file(tmp_path / "policy.yaml", clock=lambda: now[0])
        ledger = MemoryLedger() if request.param == "memory" else DatabaseLedger(decider.plane, clock=lambda: now[0])
        opened.append(ToolDecisions(decider, ledger=ledger, clock=lambda: now[0]))
        return Gateway(opened[-1], now)

    yield open_
    for decisions in opened:
        await decisions.aclose()


def output(*call_ids):
    return {"input": [{"type": "function_call_output", "call_id": each, "output": "x"} for each in call_ids]}


def replayed(call_id, tool, arguments):
    """A chat that holds a call and its result."""
    function = {"name": tool, "arguments": arguments}
    calls = [{"id": call_id, "type": "function", "function": function}]
    said = [{"role": "user", "content": "go"}, {"role": "assistant", "tool_calls": calls}]
    return {"messages": [*said, {"role": "tool", "tool_call_id": call_id, "content": "x"}]}


async def test_a_call_may_come_after_another_when_its_result_is_back(open_gateway):
    """Not beside it, not for another customer, not without the answer that it came in, and not for ever."""
    gateway = open_gateway()
    assert await gateway.ask({}, VERIFY, REFUND, answer="r1") == [True, False]
    assert await gateway.ask({}, REFUND, previous="r1") == [False]
    assert await gateway.ask(output("c1"), REFUND, previous="r1", answer="r2") == [True]
    assert await gateway.ask({}, REFUND, ("c", "refund", {"customer": "cust-2"}), previous="r2") == [True, False]
    assert await gateway.ask({}, ("c", "refund", {}), previous="r2") == [False]
    assert await gateway.ask({}, REFUND) == [False]
    assert await gateway.ask({}, REFUND, previous="r2", who=BOB) == [False]
    gateway.now[0] += 601
    assert await gateway.ask({}, REFUND, previous="r2") == [False]


async def test_a_replay_proves_what_the_ledger_has_released_with_these_very_arguments(open_gateway):
    gateway = open_gateway()
    assert await gateway.ask({"messages": []}, VERIFY, wire=CHAT) == [True]
    assert await gateway.ask(replayed("c1", "verify", '{"id": "cust-1"}'), REFUND, wire=CHAT) == [True]
    other = ("c9", "refund", {"customer": "cust-2"})
    for forged in (
        replayed("c1", "verify", '{"id": "cust-2"}'),
        replayed("made up", "verify", '{"id": "cust-2"}'),
        replayed("c9", "verify", '{"id": "cust-2"}'),
    ):
        assert await gateway.ask(forged, other, wire=CHAT) == [False]


async def test_ids_that_a_model_uses_again_prove_nothing(open_gateway):
    """Nobody knows then which of two conversations goes on."""
    gateway = open_gateway()
    await gateway.ask({"messages": []}, ("0", "verify", {"id": "cust-1"}), wire=CHAT, answer="a1")
    await gateway.ask(replayed("0", "verify", '{"id": "cust-1"}'), ("1", "lookup", {}), wire=CHAT, answer="a2")
    await gateway.ask({"messages": []}, ("1", "lookup", {}), wire=CHAT, answer="a3")
    assert await gateway.ask(replayed("1", "lookup", "{}"), REFUND, wire=CHAT) == [False]


async def test_the_window_of_a_new_turn_restrains_and_proves_nothing(open_gateway):
    """What the same key did in another conversation may have to do with this one, and may not."""
    gateway = open_gateway("window")
    await gateway.ask({}, VERIFY, ("c2", "vault", {}), answer="r1")
    await gateway.ask(output("c1", "c2"), previous="r1")
    assert await gateway.ask({}, REFUND, ("m", "mail", {}), ("p", "post", {})) == [False, False, False]
    assert await gateway.ask({}, ("m", "mail", {}), ("p", "post", {}), who=BOB) == [True, True]
    gateway.now[0] += 3601
    assert await gateway.ask({}, ("m", "mail", {}), ("p", "post", {})) == [True, True]


async def test_a_rule_may_ask_for_what_the_same_key_and_user_did_anywhere(open_gateway):
    gateway = open_gateway()
    await gateway.ask({}, VERIFY, answer="r1")
    assert await gateway.ask({}, ("k", "close", {})) == [False]
    await gateway.ask(output("c1"), previous="r1")
    assert await gateway.ask({}, ("k", "close", {})) == [True]
    assert await gateway.ask({}, ("k", "close", {}), who=BOB) == [False]
    gateway.now[0] += 601
    assert await gateway.ask({}, ("k", "close", {})) == [False]


async def test_not_after_counts_from_the_release(open_gateway):
    """Its result need not be back; a call before it in the same answer counts, one behind it does not."""
    gateway = open_gateway()
    assert await gateway.ask({}, ("m", "mail", {}), ("c2", "vault", {}), answer="r1") == [True, True]
    assert await gateway.ask({}, ("m", "mail", {}), ("p", "post", {}), previous="r1") == [False, True]
    assert await gateway.ask({}, ("c2", "vault", {}), ("m", "mail", {})) == [True, False]
    assert await gateway.ask({}, ("m", "mail", {})) == [True]
    assert await gateway.ask(output("nobody's"), ("m", "mail", {})) == [False]


async def test_a_limit_of_a_conversation_holds_over_its_branches_and_where_two_are_joined(open_gateway):
    gateway = open_gateway()
    twice = ("t", "twice", {})
    assert await gateway.ask({}, twice, ("c3", "lookup", {}), answer="r1") == [True, True]
    assert await gateway.ask({}, twice, previous="r1", answer="r2") == [True]
    assert await gateway.ask({}, twice, previous="r1") == [False]
    assert await gateway.ask({}, twice, previous="r2") == [False]
    assert await gateway.ask({}, twice, ("c4", "lookup", {}), answer="r5") == [True, True]
    assert await gateway.ask(output("c3", "c4"), twice) == [False]
    assert await gateway.ask({}, twice, twice, previous="r5") == [True, False]
    assert await gateway.ask({}, twice) == [True]


async def test_a_new_turn_does_not_reset_the_limit_of_a_conversation_in_the_window(open_gateway):
    gateway = open_gateway("window")
    twice = ("t", "twice", {})
    assert [await gateway.ask({}, twice) for _ in range(3)] == [[True], [True], [False]]
    assert await gateway.ask({}, twice, who=BOB) == [True]
    gateway.now[0] += 3601
    assert await gateway.ask({}, twice) == [True]


async def test_where_nobody_follows_a_conversation_nothing_is_taken_for_granted(open_gateway):
    gateway = open_gateway()
    for tool in ("refund", "mail", "post", "twice", "close"):
        (decision,) = await gateway.decisions.decide([ToolCall("c", "function", tool)], ANN)
        assert not isinstance(decision, Allow), tool


async def test_a_tool_that_the_gateway_runs_itself_is_known_by_its_caller(open_gateway):
    gateway = open_gateway("window")
    history = OutputHistory(gateway.decisions)
    enter(RequestScope())
    context = await history.follow_caller(ANN)
    await history.record_run(ToolCall("", "mcp", "verify", {"id": "cust-1"}), context)
    assert await gateway.ask({}, ("k", "close", {}), REFUND) == [True, False]
    assert await gateway.ask({"tools": [{"type": "web_search"}]}, ("m", "mail", {})) == [True]
