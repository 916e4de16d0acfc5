"""Decisions of a response that is fetched again."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from litellm_bighub.deciders.ledger.ledger import MemoryLedger
from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decided_call import DecidedCall, released
from litellm_bighub.domain.decision import Allow, Basis, Block, RequireApproval
from litellm_bighub.domain.digest import arguments_digest
from litellm_bighub.domain.redaction import Redactor
from litellm_bighub.errors import DecisionUnavailable
from litellm_bighub.gateway.conversation.decision_cache import DecisionCache
from litellm_bighub.gateway.conversation.stored_responses import as_answer, is_stored
from litellm_bighub.policy.callers.caller_rules import written
from litellm_bighub.testing import ScriptedDecider

CREATE, FETCH, INPUT = "/v1/responses", "/v1/responses/{response_id}", "/v1/responses/{response_id}/input_items"
CALL = ToolCall("call_1", "function", "pay", {"amount": 5})
DIGEST = arguments_digest(CALL.arguments)


def at(surface, response_id="resp_1", actor="agent"):
    return CallContext(surface=surface, response_id=response_id, actor=actor)


@pytest.mark.parametrize(
    ("second", "call", "asked"),
    [
        pytest.param(at(FETCH), CALL, 1, id="fetched"),
        pytest.param(at("/openai/v1/responses/{response_id}"), CALL, 1, id="by another route"),
        pytest.param(at(INPUT, "resp_2"), CALL, 1, id="in the input of a later one"),
        pytest.param(at(CREATE), CALL, 2, id="a new request"),
        pytest.param(at(FETCH, "resp_2"), CALL, 2, id="another response"),
        pytest.param(at(FETCH, actor="other"), CALL, 2, id="somebody else"),
        pytest.param(at(FETCH), ToolCall("call_1", "function", "pay", {"amount": 6}), 2, id="other arguments"),
        pytest.param(at(FETCH), ToolCall("call_2", "function", "pay", {"amount": 5}), 2, id="another call"),
    ],
)
@pytest.mark.parametrize("decision", [Allow(), Block("no", Basis(blocked_by="rule"))], ids=["allowed", "blocked"])
async def test_a_decision_holds(decision, second, call, asked):
    decider = ScriptedDecider(otherwise=decision)
    decisions = DecisionCache(ToolDecisions(decider))
    first = await decisions.decide([CALL], at(CREATE))

    assert await decisions.decide([call], second) == first
    assert len(decider.asked) == asked


@pytest.mark.parametrize(
    "decision",
    [RequireApproval("ask", "apr_1"), DecisionUnavailable("down")],
    ids=["may be approved meanwhile", "nobody decided"],
)
async def test_what_may_change_is_asked_again(decision):
    decider = ScriptedDecider(otherwise=decision)
    decisions = DecisionCache(ToolDecisions(decider))
    for _ in range(2):
        await decisions.decide([CALL], at(FETCH))

    assert len(decider.asked) == 2


RELEASED = DecidedCall(
    "resp_1", "call_1", "function", "pay", "allowed", released=True, actor="agent", time=1.0, digest=DIGEST
)


@pytest.mark.parametrize(
    ("known", "where", "asked"),
    [
        pytest.param(RELEASED, FETCH, 0, id="released"),
        pytest.param(replace(RELEASED, response_id="resp_0"), INPUT, 0, id="released before, now input"),
        pytest.param(RELEASED, CREATE, 1, id="a new request"),
        pytest.param(replace(RELEASED, response_id="resp_0"), FETCH, 1, id="another response"),
        pytest.param(replace(RELEASED, actor="other"), FETCH, 1, id="somebody else's"),
        pytest.param(replace(RELEASED, digest=arguments_digest({"amount": 6})), FETCH, 1, id="other arguments"),
        pytest.param(replace(RELEASED, digest=""), FETCH, 1, id="unreadable arguments"),
        pytest.param(replace(RELEASED, tool="wipe"), FETCH, 1, id="another tool"),
        pytest.param(replace(RELEASED, caller_rules="1" * 12), FETCH, 1, id="under rules of its key that are gone"),
        pytest.param(replace(RELEASED, edited=True), FETCH, 0, id="as a person edited it"),
        pytest.param(replace(RELEASED, edited=True), INPUT, 0, id="as a person edited it, now input"),
        pytest.param(replace(RELEASED, released=False, verdict="blocked"), FETCH, 1, id="blocked"),
    ],
)
async def test_what_another_process_released_stays_released(known, where, asked):
    decider, ledger = ScriptedDecider(otherwise=Block("no")), MemoryLedger()
    await ledger.write([known])
    [decision] = await DecisionCache(ToolDecisions(decider, ledger=ledger)).decide([CALL], at(where))

    assert isinstance(decision, Block if asked else Allow)
    assert len(decider.asked) == asked


OTHERS = [written({"key": {"bighub": [{"name": name, "tool": "other", "effect": "block"}]}}) for name in "ab"]


@pytest.mark.parametrize("where", [FETCH, INPUT])
@pytest.mark.parametrize(("before", "after"), [("", OTHERS[0]), (OTHERS[0], ""), OTHERS])
async def test_nothing_that_was_decided_under_other_rules_of_the_key_holds(before, after, where):
    """Neither what this process decided, nor what the ledger holds of another one."""
    ledger = MemoryLedger()
    for kept in (True, False):
        decider = ScriptedDecider({"pay": Allow()})
        decisions = DecisionCache(ToolDecisions(decider, ledger=ledger))
        first = replace(at(CREATE), caller_rules=before)
        if kept:
            await decisions.decide([CALL], first)
        await ledger.write([released(CALL, first, 1.0)])
        asked = len(decider.asked)
        await decisions.decide([CALL], replace(at(where), caller_rules=before))
        assert len(decider.asked) == asked
        await decisions.decide([CALL], replace(at(where), caller_rules=after))
        assert len(decider.asked) == asked + 1


SECRET = ToolCall(
    "call_1", "function", "pay", {"amount": 5, "to": {"iban": "DE1"}, "notes": ["sk-abcdefghijklmnop1234"]}
)
"""Of which a person sees the amount alone."""


def released_edited(effective, **changed):
    """What the ledger holds of `SECRET` when it was released with these arguments."""
    shown = Redactor().redact(effective)
    edited = replace(RELEASED, edited=True, arguments=shown, digest=arguments_digest(effective))
    return replace(edited, **changed)


EDITED = {**SECRET.arguments, "amount": 4}


@pytest.mark.parametrize(
    "effective",
    [
        pytest.param(EDITED, id="beside secrets"),
        pytest.param({"amount": 4}, id="secrets taken out"),
        pytest.param({**EDITED, "to": {"iban": "DE1", "name": "ann"}}, id="something added"),
        pytest.param({}, id="nothing left"),
    ],
)
async def test_what_another_process_released_edited_is_released_as_the_person_edited_it(effective):
    decider, ledger = ScriptedDecider(otherwise=Block("no")), MemoryLedger()
    await ledger.write([released_edited(effective)])
    decisions = DecisionCache(ToolDecisions(decider, ledger=ledger))

    for _ in range(2):
        assert await decisions.decide([SECRET], at(FETCH)) == [Allow(edited=effective)]
    assert decider.asked == []


@pytest.mark.parametrize(
    ("known", "call", "where"),
    [
        pytest.param(released_edited({"amount": 4, "to": {"iban": "DE2"}}), SECRET, FETCH, id="a secret written"),
        pytest.param(released_edited(EDITED, digest=DIGEST), SECRET, FETCH, id="another digest"),
        pytest.param(released_edited(EDITED, edited=False), SECRET, FETCH, id="not edited"),
        pytest.param(released_edited(EDITED, released=False), SECRET, FETCH, id="withheld"),
        pytest.param(released_edited(EDITED, response_id="resp_0"), SECRET, FETCH, id="in another response"),
        pytest.param(released_edited(EDITED, actor="other"), SECRET, FETCH, id="somebody else's"),
        pytest.param(released_edited(EDITED), SECRET, CREATE, id="a new request"),
        pytest.param(released_edited(EDITED), SECRET, INPUT, id="the model's arguments, now input"),
        pytest.param(released_edited(EDITED), replace(SECRET, id="call_2"), FETCH, id="another call"),
        pytest.param(released_edited(EDITED), replace(SECRET, name="wipe"), FETCH, id="another tool"),
        pytest.param(
            released_edited(EDITED),
            replace(SECRET, arguments={**SECRET.arguments, "to": {"iban": "DE3"}}),
            FETCH,
            id="another secret",
        ),
        pytest.param(released_edited(EDITED), replace(SECRET, unreadable="broken"), FETCH, id="unreadable"),
    ],
)
async def test_what_is_not_surely_the_call_that_was_released_is_asked_about(known, call, where):
    decider, ledger = ScriptedDecider(otherwise=Block("no")), MemoryLedger()
    await ledger.write([known])
    [decision] = await DecisionCache(ToolDecisions(decider, ledger=ledger)).decide([call], at(where))

    assert isinstance(decision, Block)


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["x", "", "sk-abcdefghijklmnop1234"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "iban", "b"]), inner, max_size=3),
    max_leaves=8,
)
ARGUMENTS = st.dictionaries(st.sampled_from(["a", "iban", "password", "b"]), JSONS, max_size=4)


@given(model=ARGUMENTS, effective=ARGUMENTS)
def test_whatever_was_edited_nothing_but_the_released_call_is_released(model, effective):
    call = replace(CALL, arguments=model)

    async def fetched():
        ledger = MemoryLedger()
        await ledger.write([released_edited(effective)])
        return await DecisionCache(ToolDecisions(ScriptedDecider(otherwise=Block("no")), ledger=ledger)).decide(
            [call], at(FETCH)
        )

    [decision] = asyncio.run(fetched())
    if isinstance(decision, Allow):
        released = model if decision.edited is None else decision.edited
        assert arguments_digest(released) == arguments_digest(effective)


async def test_what_another_process_withheld_after_it_was_released_is_withheld():
    decider, ledger = ScriptedDecider(otherwise=Block("no")), MemoryLedger()
    await ledger.write([RELEASED, replace(RELEASED, released=False, verdict="blocked")])
    [decision] = await DecisionCache(ToolDecisions(decider, ledger=ledger)).decide([CALL], at(FETCH))

    assert isinstance(decision, Block)


async def test_where_the_ledger_cannot_be_read_the_decider_is_asked():
    class Unreadable(MemoryLedger):
        async def find(self, search):
            raise DecisionUnavailable("down")

    decider = ScriptedDecider(otherwise=Block("no"))
    [decision] = await DecisionCache(ToolDecisions(decider, ledger=Unreadable())).decide([CALL], at(FETCH))

    assert isinstance(decision, Block)


async def test_only_the_last_are_kept():
    decider = ScriptedDecider()
    decisions = DecisionCache(ToolDecisions(decider), keep=1)
    await decisions.decide([CALL], at(FETCH))
    await decisions.decide([CALL], at(FETCH, "resp_2"))
    await decisions.decide([CALL], at(FETCH))

    assert len(decider.asked) == 3


@pytest.mark.parametrize(
    ("route", "stored"),
    [
        ("/v1/responses/{response_id}", True),
        ("/responses/resp_1/input_items", True),
        ("/openai/v1/responses/x/cancel", True),
        ("/v1/responses", False),
        ("/v1/responses/compact", False),
        ("/v1/chat/completions", False),
    ],
)
def test_which_routes_hand_out_what_is_stored(route, stored):
    assert is_stored(route) is stored


def test_input_items_are_governed_where_they_stand():
    items = [{"type": "function_call"}]

    assert as_answer({"object": "list", "data": items}, {"response_id": "r"}) == {"id": "r", "output": items}
    assert as_answer({"object": "list", "data": items}, {"response_id": "r"})["output"] is items
    assert as_answer({"object": "list", "data": items}, {}) == {"object": "list", "data": items}


TWINS = [replace(CALL, path=f"output[{at}]") for at in range(2)]
"""The same call twice, of which a limit may let one pass."""


def verdicts(decisions):
    return [type(decision) for decision in decisions]


@pytest.mark.parametrize("fates", [(Allow(), Block("once")), (Block("once"), Allow())], ids=["first", "second"])
@pytest.mark.parametrize("process", ["same", "another"])
async def test_of_the_same_call_twice_that_one_stays_released_that_was(fates, process):
    answers, ledger = iter([*fates, *[Block("no more")] * 4]), MemoryLedger()
    decider = ScriptedDecider(otherwise=lambda _: next(answers))
    decisions = DecisionCache(ToolDecisions(decider, ledger=ledger))
    first = await decisions.decide(TWINS, at(CREATE))
    for call, decision in zip(TWINS, first, strict=True):
        passed = released(call, at(CREATE), 1.0)
        await ledger.write([replace(passed, released=isinstance(decision, Allow))])
    if process == "another":
        decisions = DecisionCache(ToolDecisions(decider, ledger=ledger))

    again = await decisions.decide(TWINS, at(FETCH))
    listed = await decisions.decide([replace(CALL, path=f"data[{at}]") for at in range(2)], at(INPUT, "resp_2"))

    assert verdicts(again) == verdicts(fates)
    assert verdicts(listed) == [Block, Block]  # nothing tells there which of them it was
