"""What a model and a caller are told of a blocked call: which cause it has, and nothing of the policy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

import pytest

from litellm_bighub.agent.record.model_messages import refusal
from litellm_bighub.deciders.approvals.waiting_decider import AnsweredApproval
from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow, Basis, Block, BlockCause, RequireApproval
from litellm_bighub.errors import DecisionRefused, DecisionUnavailable, DecisionUnreadable
from litellm_bighub.formats.stream.gate_protocol import Withhold
from litellm_bighub.gateway.conversation.decision_cache import DecisionCache
from litellm_bighub.gateway.pipeline.enforcement import Enforcement
from litellm_bighub.gateway.pipeline.enforcement_modes import ToolCallWithheld, Withholding
from litellm_bighub.gateway.pipeline.hosted_tools import HostedTools
from litellm_bighub.testing import ScriptedDecider
from litellm_bighub.wording import ENGLISH
from tests.deciders.fakes import Kept

ARGUMENTS = json.dumps({"amount": 7})
POLICY = "the rule max_value forbids more than 500"
CAUSES = get_args(BlockCause)
each_cause = pytest.mark.parametrize("cause", CAUSES)


def responses() -> dict[str, Any]:
    item = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "pay", "arguments": ARGUMENTS}
    return {"id": "resp_1", "object": "response", "output": [item]}


def chat() -> dict[str, Any]:
    call = {"id": "c1", "type": "function", "function": {"name": "pay", "arguments": ARGUMENTS}}
    choice = {"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "tool_calls": [call]}}
    return {"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice]}


def messages() -> dict[str, Any]:
    block = {"type": "tool_use", "id": "c1", "name": "pay", "input": {"amount": 7}}
    return {"id": "msg_1", "type": "message", "role": "assistant", "content": [block], "stop_reason": "tool_use"}


each_format = pytest.mark.parametrize("answer", [responses, chat, messages])


def enforcement(block: Block, **withholding: Any) -> Enforcement:
    return Enforcement(ToolDecisions(ScriptedDecider(otherwise=block)), Withholding(**withholding))


def block(cause: BlockCause) -> Block:
    return Block(POLICY, Basis(blocked_by="max_value"), cause)


def test_each_cause_has_a_sentence_of_its_own():
    told = {cause: ENGLISH.blocked(cause, "pay") for cause in CAUSES}
    assert len(set(told.values())) == len(CAUSES)
    assert [cause for cause in CAUSES if "policy" in told[cause]] == ["policy"]
    assert all("has not been run" in each for each in told.values())


def test_a_person_who_denies_tells_the_model_what_to_do():
    said = Withholding().outcome(
        ToolCall("c", "function", "pay"), Block("by ann", cause="denied", told="use a {voucher}")
    )
    assert isinstance(said, Withhold)
    assert said.notice == f"{ENGLISH.blocked('denied', 'pay')} The person says: use a {{voucher}}"


@pytest.mark.parametrize("decision", [*map(block, CAUSES), RequireApproval("ask", "apr_1")], ids=[*CAUSES, "waits"])
@pytest.mark.parametrize("on_approval", ["replace", "request", "error"])
def test_of_what_the_provider_has_run_nobody_is_told_that_it_has_not(decision, on_approval):
    call = ToolCall("srvtoolu_1", "code_interpreter", "bash_code_execution", {"command": "ls"})
    withholding = Withholding(on_approval=on_approval)
    try:
        withheld = withholding.outcome(call, decision)
    except ToolCallWithheld as error:
        withheld = Withhold(error.notice)

    assert withheld == Withhold(ENGLISH.withheld_after_run.format(tool="bash_code_execution"))


@each_cause
@each_format
async def test_a_notice_says_which(answer, cause):
    response = answer()
    await enforcement(block(cause)).govern(response, CallContext())

    told = ENGLISH.blocked(cause, "pay")
    assert json.dumps(told)[1:-1] in json.dumps(response)
    assert "max_value" not in repr(response)


@each_cause
@each_format
async def test_an_error_says_which(answer, cause):
    with pytest.raises(ToolCallWithheld) as withheld:
        await enforcement(block(cause), on_block="error").govern(answer(), CallContext())
    assert withheld.value.detail == {"error": ENGLISH.blocked(cause, "pay"), "type": "tool_call_blocked"}


@each_cause
async def test_a_tool_that_is_taken_out_says_which_in_the_log(cause, caplog):
    request: dict[str, Any] = {"tools": [{"type": "web_search"}]}
    await HostedTools(enforcement(block(cause))).govern(request, CallContext)

    assert not request.get("tools")
    assert ENGLISH.blocked(cause, "web_search") in caplog.text


@each_cause
def test_an_agents_model_hears_which(cause):
    told = refusal(block(cause), "pay", reveal=False)
    assert "max_value" not in told
    assert ("by policy" in told) == (cause == "policy")
    assert cause == "policy" or told == ENGLISH.blocked(cause, "pay")
    assert refusal(block(cause), "pay", reveal=True).endswith(f"Reason: {POLICY}")


class Person(ScriptedDecider):
    """Asks for a person, who says no."""

    def __init__(self) -> None:
        super().__init__(otherwise=RequireApproval("large", "apr_1"))

    async def answered(self, approval_id: str, *, seconds: float) -> AnsweredApproval:
        return AnsweredApproval("denied", by="ann")


CALL = ToolCall("c1", "function", "pay", {"amount": 7})
UNREADABLE = ToolCall("c1", "function", "pay", unreadable="arguments are not valid JSON (character 3)")
LONE = ToolCall("c1", "function", "pay\ud800")


@pytest.mark.parametrize(
    ("decider", "call", "cause"),
    [
        pytest.param(ScriptedDecider(otherwise=Block("no")), CALL, "policy", id="the policy"),
        pytest.param(ScriptedDecider(otherwise=DecisionUnavailable("x")), CALL, "unreachable", id="away"),
        pytest.param(ScriptedDecider(otherwise=DecisionRefused("x")), CALL, "unreadable", id="refuses"),
        pytest.param(ScriptedDecider(otherwise=DecisionUnreadable("x")), CALL, "unreadable", id="mumbles"),
        pytest.param(Person(), CALL, "denied", id="a person"),
        pytest.param(ScriptedDecider(), UNREADABLE, "undecidable", id="the arguments"),
        pytest.param(ScriptedDecider(), LONE, "undecidable", id="the name"),
    ],
)
async def test_the_audit_says_which(decider, call, cause):
    kept = Kept()
    [decision] = await ToolDecisions(decider, sinks=[kept]).decide([call], CallContext(), wait_seconds=1)

    assert isinstance(decision, Block)
    assert decision.cause == cause
    assert kept.events[-1].cause == cause
    assert kept.events[-1].as_dict()["cause"] == cause


async def test_a_call_that_may_run_has_no_cause():
    kept = Kept()
    await ToolDecisions(ScriptedDecider(), sinks=[kept]).decide([CALL], CallContext())
    assert kept.events[0].as_dict()["cause"] == ""


@each_cause
async def test_a_stored_answer_that_is_fetched_again_says_the_same(cause):
    """What may pass is decided anew."""
    decider = ScriptedDecider(otherwise=block(cause))
    decisions = DecisionCache(ToolDecisions(decider))
    context = CallContext(response_id="resp_1", surface="/v1/responses/{response_id}")
    [first] = await decisions.decide([CALL], context)
    [again] = await decisions.decide([CALL], context)

    assert again == first
    lasts = cause in {"policy", "denied", "undecidable"}
    assert len(decider.asked) == (1 if lasts else 2)


class Away:
    """A ledger whose database is away."""

    def __getattr__(self, _name: str) -> Any:
        async def fails(*_: Any, **__: Any) -> None:
            raise DecisionUnavailable("away")

        return fails


@pytest.mark.format("responses")
@pytest.mark.parametrize(
    ("answer", "fail_mode", "expected"),
    [
        pytest.param(
            DecisionUnavailable("x"), "closed", ENGLISH.blocked("unreachable", "pay"), id="nobody could be asked"
        ),
        pytest.param(DecisionUnavailable("x"), "open", None, id="nobody could be asked, and it is open"),
        pytest.param(Allow(), "open", ENGLISH.blocked("unrecorded", "pay"), id="allowed"),
        pytest.param(Block("no"), "open", ENGLISH.blocked("policy", "pay"), id="blocked"),
    ],
)
async def test_a_ledger_that_is_away_hides_no_cause_and_shuts_nothing_that_is_open(answer, fail_mode, expected):
    decisions = ToolDecisions(ScriptedDecider(otherwise=answer), fail_mode=fail_mode, ledger=Away())
    response = responses()
    await Enforcement(decisions).govern(response, CallContext())
    told: Mapping[str, Any] = response["output"][0]
    if expected is None:
        assert told["type"] == "function_call"
    else:
        assert expected in repr(told)
