"""What came back in a conversation holds for all that goes on from it, and nobody loses it by leaving ids out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

import pytest

from litellm_bighub.control_plane.decisions.database_ledger import DatabaseLedger
from litellm_bighub.control_plane.decisions.embedded_decider import EmbeddedDecider
from litellm_bighub.deciders.ledger.ledger import MemoryLedger
from litellm_bighub.deciders.ledger.released_calls import record_calls
from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.conversation.history import UNKNOWN_TOOL
from litellm_bighub.domain.decision import Allow
from litellm_bighub.formats.registry import format_named
from litellm_bighub.formats.stream.gate_protocol import Pass
from litellm_bighub.gateway.conversation.output_history import OutputHistory
from litellm_bighub.gateway.pipeline.request_scope import RequestScope, enter, request_scope
from litellm_bighub.testing import ScriptedDecider

POLICY = """\
version: 1
history: {fresh: %s}
tools: {fetch: {output: untrusted}, web_search: {output: untrusted}}
rules:
  - {name: after the web, tool: send, taint: untrusted, effect: block}
  - {name: rest}
"""
ANN = CallContext(actor="key:a", key="k" * 64, user="ann", key_alias="a")
FORMATS = ("responses", "chat", "messages")


def replayed(wire: str, *results: tuple[str, str]) -> dict:
    """A request that holds calls and their results, as a client without stored answers sends it."""
    if wire == "responses":
        items = [
            item
            for call_id, tool in results
            for item in (
                {"type": "function_call", "call_id": call_id, "name": tool, "arguments": "{}"},
                {"type": "function_call_output", "call_id": call_id, "output": "x"},
            )
        ]
        return {"input": [{"role": "user", "content": "go"}, *items]}
    messages: list[dict] = [{"role": "user", "content": "go"}]
    for call_id, tool in results:
        if wire == "chat":
            function = {"name": tool, "arguments": "{}"}
            messages.append(
                {"role": "assistant", "tool_calls": [{"id": call_id, "type": "function", "function": function}]}
            )
            messages.append({"role": "tool", "tool_call_id": call_id, "content": "x"})
        else:
            use = {"type": "tool_use", "id": call_id, "name": tool, "input": {}}
            messages.append({"role": "assistant", "content": [use]})
            result = {"type": "tool_result", "tool_use_id": call_id, "content": "x"}
            messages.append({"role": "user", "content": [result]})
    return {"messages": messages}


@dataclass
class Gateway:
    """Follows requests as the pipeline does."""

    decisions: ToolDecisions

    async def ask(self, data, *, wire="responses", previous="", who=ANN, answer="", calls=(), conversation="") -> set:
        """One request and its answer; what holds for its calls."""
        enter(RequestScope())
        history = OutputHistory(self.decisions)
        await history.follow(data, format_named(wire), previous, lambda: who)
        await history.list_tools(data, lambda: who, gateway_mcp=False)
        outputs = request_scope().outputs
        context = replace(who, outputs=outputs, response_id=answer, conversation=conversation)
        made = [ToolCall(call_id, "function", tool, path=f"output[{at}]") for at, (call_id, tool) in enumerate(calls)]
        assert await record_calls(self.decisions, made, [Allow()] * len(made), [Pass()] * len(made), context)
        if format_named(wire).stores_answers:
            await history.record_answer(lambda: context)
        return set(filter(None, outputs.split("\n")))


@pytest.fixture(params=["memory", "database"])
async def open_gateway(request, tmp_path):
    opened = []

    def open_(fresh="window", clock=None) -> Gateway:
        (tmp_path / "policy.yaml").write_text(POLICY % fresh)
        decider = EmbeddedDecider.from_policy_file(tmp_path / "policy.yaml")
        ledger = MemoryLedger() if request.param == "memory" else DatabaseLedger(decider.plane)
        decisions = ToolDecisions(decider, ledger=ledger, **({} if clock is None else {"clock": clock}))
        opened.append(decisions)
        return Gateway(decisions)

    yield open_
    for decisions in opened:
        await decisions.aclose()


def output(call_id):
    return {"input": [{"type": "function_call_output", "call_id": call_id, "output": "x"}]}


@pytest.mark.format("responses")
async def test_a_chain_of_answers_keeps_what_came_back(open_gateway):
    """Also behind an answer that holds no call, and in a branch that goes on from before it is not there."""
    gateway = open_gateway("clean")
    assert await gateway.ask({}, answer="r1", calls=[("c1", "fetch"), ("c2", "send")]) == set()
    assert await gateway.ask(output("c1"), previous="r1", answer="r2") == {"fetch"}
    assert await gateway.ask({}, previous="r2", answer="r3") == {"fetch"}
    assert await gateway.ask({}, previous="r3") == {"fetch"}
    assert await gateway.ask(output("c2"), previous="r1") == {"send"}


@pytest.mark.format("responses")
async def test_a_conversation_of_the_provider_keeps_it_for_whoever_goes_on(open_gateway):
    gateway = open_gateway("clean")
    said = {"extra_body": {"conversation": "conv_1"}, "conversation": "conv_1"}
    await gateway.ask(said, answer="r1", calls=[("c1", "fetch")], conversation="conv_1")
    await gateway.ask({**said, **output("c1")})
    for who in (ANN, replace(ANN, key="o" * 64, user="bob", actor="key:b")):
        assert await gateway.ask(said, who=who) == {"fetch"}


@pytest.mark.parametrize("wire", FORMATS)
async def test_a_replay_brings_what_stands_in_it_and_what_came_before_its_calls(open_gateway, wire):
    """A client that leaves the page out, and goes on with a later call, has read it nevertheless."""
    gateway = open_gateway("clean")
    await gateway.ask(replayed(wire), wire=wire, calls=[("c1", "fetch")])
    assert await gateway.ask(replayed(wire, ("c1", "fetch")), wire=wire, calls=[("c2", "lookup")]) == {"fetch"}
    assert await gateway.ask(replayed(wire, ("c2", "lookup")), wire=wire) == {"fetch", "lookup"}


@pytest.mark.parametrize("wire", FORMATS)
async def test_a_replay_that_calls_a_page_something_else_brings_both(open_gateway, wire):
    gateway = open_gateway("clean")
    await gateway.ask(replayed(wire), wire=wire, calls=[("c1", "fetch")])
    assert await gateway.ask(replayed(wire, ("c1", "lookup")), wire=wire) == {"fetch", "lookup"}
    assert await gateway.ask(replayed(wire, ("made up", "fetch")), wire=wire) == {"fetch"}


@pytest.mark.format("responses")
async def test_a_result_whose_call_nobody_knows_may_be_of_any_tool(open_gateway):
    gateway = open_gateway("clean")
    assert await gateway.ask(output("made up")) == {UNKNOWN_TOOL}
    await gateway.ask({}, answer="r1", calls=[("c1", "lookup")])
    assert await gateway.ask(output("c1"), previous="r1", who=replace(ANN, key="o" * 64)) == {UNKNOWN_TOOL}


@pytest.mark.parametrize("wire", FORMATS)
@pytest.mark.parametrize(("fresh", "expected"), [("window", {"fetch"}), ("clean", set())])
async def test_new_turns_get_what_the_same_key_and_user_got_lately(open_gateway, wire, fresh, expected):
    now = [1000.0]
    gateway = open_gateway(fresh, clock=lambda: now[0])
    await gateway.ask(replayed(wire, ("c1", "fetch")), wire=wire)
    foreign = {"previous": "resp_of_nobody"} if wire == "responses" else {}
    assert await gateway.ask(replayed(wire), wire=wire, **foreign) == expected
    for other in ({"key": "o" * 64}, {"user": "bob"}):
        assert await gateway.ask(replayed(wire), wire=wire, who=replace(ANN, **other)) == set()
    now[0] += 3601
    assert await gateway.ask(replayed(wire), wire=wire) == set()


@pytest.mark.format("responses")
async def test_a_clean_answer_of_somebody_else_ties_nobody_to_a_clean_history(open_gateway):
    gateway = open_gateway()
    await gateway.ask({}, answer="theirs", who=replace(ANN, key="o" * 64, user="bob"))
    await gateway.ask({}, answer="mine")
    await gateway.ask(replayed("responses", ("c1", "fetch")))
    assert await gateway.ask({}, previous="theirs") == {"fetch"}
    assert await gateway.ask({}, previous="mine") == set()


@pytest.mark.format("responses")
async def test_two_conversations_that_are_joined_have_both(open_gateway):
    gateway = open_gateway("clean")
    await gateway.ask({}, answer="r1", calls=[("c1", "fetch")])
    await gateway.ask(output("c1"), previous="r1", answer="r2", calls=[("c2", "a")])
    await gateway.ask({}, answer="r3", calls=[("c3", "read")])
    await gateway.ask(output("c3"), previous="r3", answer="r4", calls=[("c4", "b")])
    joined = {"input": [*output("c2")["input"], *output("c4")["input"]]}
    assert await gateway.ask(joined) == {"fetch", "read", "a", "b"}


@pytest.mark.format("responses")
async def test_a_providers_own_tool_counts_from_the_request_that_lists_it(open_gateway):
    gateway = open_gateway("clean")
    assert await gateway.ask({"tools": [{"type": "web_search"}]}, answer="r1") == {"web_search"}
    assert await gateway.ask({}, previous="r1") == {"web_search"}


@pytest.mark.format("responses")
async def test_a_tool_that_the_gateway_runs_itself_counts_from_its_call(open_gateway):
    gateway = open_gateway()
    history = OutputHistory(gateway.decisions)
    enter(RequestScope())
    unknown = replace(ANN, outputs=UNKNOWN_TOOL)
    assert (await history.follow_caller(unknown)).outputs == ""
    assert (await history.follow_caller(unknown)).outputs == ""  # the first one was withheld
    await history.record_run(ToolCall("", "mcp", "fetch"), ANN)
    assert (await history.follow_caller(unknown)).outputs == "fetch"
    assert await gateway.ask({}) == {"fetch"}


@pytest.mark.format("responses")
async def test_what_the_gateway_runs_in_a_task_of_its_own_counts_for_the_request(open_gateway):
    """Also where two of them end at the same time."""
    gateway = open_gateway()
    history = OutputHistory(gateway.decisions)
    enter(RequestScope())
    await history.follow({}, None, "", lambda: ANN)
    runs = [history.record_run(ToolCall("", "mcp", tool), ANN) for tool in ("fetch", "lookup")]
    await asyncio.gather(*runs)
    assert request_scope().outputs == "fetch\nlookup"


@pytest.mark.format("chat")
async def test_the_label_holds_for_the_decision_and_nothing_is_followed_without_one(open_gateway):
    gateway = open_gateway()
    call = ToolCall("c", "function", "send")
    for outputs, verdict in (("", "Allow"), ("lookup", "Allow"), ("fetch\nlookup", "Block"), (UNKNOWN_TOOL, "Block")):
        (decision,) = await gateway.decisions.decide([call], replace(ANN, outputs=outputs))
        assert type(decision).__name__ == verdict
    idle = Gateway(ToolDecisions(ScriptedDecider({})))
    assert await idle.ask(replayed("chat", ("c1", "fetch")), wire="chat") == set()
    assert await idle.decisions.ledger.returned([]) == {}


@pytest.mark.format("responses")
async def test_a_thousand_turns_cost_no_more_rows_each(open_gateway):
    """Each turn writes what it adds, however long the conversation is."""
    gateway = open_gateway("clean")
    previous = ""
    for turn in range(60):
        data = output(f"c{turn - 1}") if turn else {}
        await gateway.ask(data, previous=previous, answer=f"r{turn}", calls=[(f"c{turn}", "fetch")])
        previous = f"r{turn}"
    assert await gateway.ask({}, previous=previous) == {"fetch"}
