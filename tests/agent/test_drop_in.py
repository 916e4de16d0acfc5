"""`litellm_bighub.compat` beside the published `bighub_openai`: the same upstream, the same BIGHUB, the same program.

Whatever differs is meant, and stands in `MEANT` with its reason. A line of it that no scenario needs is an error, too.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import inspect
from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st

from litellm_bighub import compat
from litellm_bighub.agent.options import GuardOptions, RunArguments, ToolOptions
from litellm_bighub.deciders.hosted.objections import VERDICTS
from litellm_bighub.deciders.hosted.strict_answer import read_decision
from litellm_bighub.domain.decision import Allow
from litellm_bighub.errors import DecisionUnreadable
from litellm_bighub.testing import Failure, allow, block, function_call, require_approval
from litellm_bighub.testing.hosted_answers import error
from tests.agent.peers import Scenario, differences, observe, refund

bighub_openai = pytest.importorskip("bighub_openai", reason="it takes no openai 3")

ARGUMENTS = {"order_id": "ord_1", "amount": 5.5}
CALL = function_call("refund", ARGUMENTS, call_id="c1")
SECOND = function_call("refund", {"order_id": "ord_2", "amount": 7}, call_id="c2")
RICH = {
    "recommendation": "proceed",
    "recommendation_confidence": "high",
    "enforcement_mode": "advisory",
    "risk_score": 0.2,
    "decision_intelligence": {"trajectory_health": "good"},
    "decision_packet": {"signal": {"risk_band": "low"}, "metadata": {"packet": 1}},
    "responsible_action_space": {"available": ["refund"]},
    "salient_factors": [{"factor": "amount"}],
    "operational_intent": {"declared": "refund"},
    "agent_operational_body": {"a": 1},
    "action_interpretation_layer": {"a": 1},
    "performative_contracts": [{"a": 1}],
    "catastrophic_ceiling": {"active": False},
    "expected_regret_vector": {"a": 1},
    "signal_epistemology": {"a": 1},
    "safe_novelty_lane": {"a": 1},
    "verification_plan": ["look"],
}
REVIEW = {"recommendation": "review_recommended", "human_review": True}


def untyped(order_id, amount, note="none"):
    return f"{order_id} {amount} {note}"


def with_more(order_id: str, amount: float, **more):
    return f"{order_id} {amount} {more}"


def fail(order_id: str, amount: float):
    raise ValueError("no such order")


async def later(order_id: str, amount: float) -> str:
    return f"{order_id} {amount}"


def answering(resolution):
    return {"on_approval_required": lambda _: resolution}


def tool(function=refund, **options):
    return {"refund": (function, options)}


CHECK = {"tool_name": "refund", "arguments": ARGUMENTS}
TEXTS = function_call("refund", {"order_id": "ord_1", "amount": "5.5"}, call_id="c1")
FROM_ARGUMENTS = {
    "value_from_args": lambda a: a["amount"] * 2,
    "target_from_args": lambda a: a["order_id"],
    "metadata_from_args": lambda a: {"order": a["order_id"]},
    "action_name": "refund_payment",
    "domain": "financial_actions",
    "actor": "cashier",
}
SCENARIOS = {
    "allowed": Scenario([[CALL]]),
    "allowed, with all that BIGHUB has to say": Scenario([[CALL]], [allow(**RICH)]),
    "allowed, with caution": Scenario([[CALL]], [allow(recommendation="proceed_with_caution")]),
    "allowed, with a snapshot": Scenario([[CALL]], [allow(learning_snapshot={"seen": 1})]),
    "blocked": Scenario([[CALL]], [block()]),
    "blocked by recommendation": Scenario([[CALL]], [block(recommendation="do_not_proceed", risk_score=0.9)]),
    "blocked, enforced": Scenario([[CALL]], [block(enforcement_mode="enforced", enforced_verdict="blocked")]),
    "approval": Scenario([[CALL]], [require_approval()]),
    "approval, recommended": Scenario([[CALL]], [require_approval(**REVIEW)]),
    "approved": Scenario(
        [[CALL]], [require_approval()], method="run_with_approval", arguments=answering({"resolution": "approved"})
    ),
    "denied": Scenario(
        [[CALL]], [require_approval()], method="run_with_approval", arguments=answering({"resolution": "denied"})
    ),
    "nobody answers": Scenario([[CALL]], [require_approval()], method="run_with_approval", arguments=answering(None)),
    "nobody is asked": Scenario([[CALL]], [require_approval()], method="run_with_approval"),
    "an approval without an id": Scenario(
        [[CALL]], [require_approval("")], method="run_with_approval", arguments=answering({"resolution": "approved"})
    ),
    "no approval is needed": Scenario([[CALL]], method="run_with_approval"),
    "approved too late": Scenario(
        [[CALL]],
        [require_approval(expires_at=1.0)],
        method="run_with_approval",
        arguments=answering({"resolution": "approved"}),
    ),
    "an unclear answer": Scenario(
        [[CALL]], [require_approval()], method="run_with_approval", arguments=answering({"comment": "hm"})
    ),
    "an approval of a call that does not wait": Scenario(
        method="resume_after_approval", arguments={**CHECK, "request_id": "req_approval"}
    ),
    "the tool raises": Scenario([[CALL]], [allow(**RICH)], tool(fail)),
    "a tool without annotations": Scenario([[TEXTS]], tools=tool(untyped, value_from_args=lambda a: a["amount"])),
    "a tool with more keywords": Scenario([[CALL]], tools=tool(with_more)),
    "what BIGHUB is told of a tool": Scenario([[CALL]], tools=tool(**FROM_ARGUMENTS)),
    "metadata that is nothing": Scenario([[CALL]], tools=tool(metadata_from_args=lambda _: None)),
    "several calls in one answer": Scenario([[CALL, SECOND]], [allow(), allow()]),
    "several turns": Scenario([[CALL], [SECOND]], [allow(), block()]),
    "a tool that nobody registered": Scenario([[function_call("refnd", ARGUMENTS, call_id="c1")]]),
    "arguments that are no JSON": Scenario([[{**CALL, "arguments": '{"order_id": '}]]),
    "arguments that do not fit": Scenario([[function_call("refund", {"amount": 5.5}, call_id="c1")]]),
    "no value": Scenario(
        [[function_call("refund", {"order_id": "ord_1"}, call_id="c1")]],
        tools=tool(
            lambda order_id: order_id,
            parameters_schema={"type": "object", "properties": {"order_id": {"type": "string"}}},
        ),
    ),
    "no calls": Scenario(),
    "the model does not end": Scenario([[CALL], [CALL], [CALL]], options={"max_tool_rounds": 2}),
    "no tools": Scenario(tools={}),
    "the provider refuses": Scenario([Failure(400)]),
    "a session": Scenario([[CALL]], options={"session_id": "s1", "actor": "A", "domain": "financial_actions"}),
    "wishes": Scenario([[CALL]], options={"decision_objective": "safety", "model_selection": "fast"}),
    "a free payload": Scenario([[CALL]], options={"decision_mode": "submit_payload"}),
    "nothing is remembered": Scenario([[CALL]], options={"memory_enabled": False}),
    "nothing is reported": Scenario([[CALL]], options={"outcome_reporting": False}),
    "BIGHUB is broken": Scenario([[CALL]], [error(503)]),
    "BIGHUB is broken, fail open": Scenario([[CALL]], [error(503)], options={"fail_mode": "open"}),
    "BIGHUB refuses, fail open": Scenario([[CALL]], [error(401)], options={"fail_mode": "open"}),
    "a contradiction": Scenario([[CALL]], [allow(should_not_run=True)]),
    "an unknown recommendation": Scenario([[CALL]], [block(recommendation="deny")]),
    "checked": Scenario(decisions=[allow(**RICH)], method="check_tool", arguments=CHECK),
    "checked, blocked": Scenario(decisions=[block()], method="check_tool", arguments=CHECK),
    "checked, approval": Scenario(decisions=[require_approval()], method="check_tool", arguments=CHECK),
    "checked, unknown": Scenario(method="check_tool", arguments={**CHECK, "tool_name": "refnd"}),
    "an async tool": Scenario([[CALL]], tools=tool(later), async_only=True),
    "listed": Scenario(method="list_tools", tools=tool(description="Refunds.")),
}
STREAMED = ("allowed", "blocked", "approval", "the tool raises", "several turns", "no calls", "the model does not end")
SCENARIOS |= {f"{name}, streamed": replace(SCENARIOS[name], method="run_stream") for name in STREAMED}


@dataclasses.dataclass(frozen=True)
class Meant:
    """A difference that is meant.

    Attributes:
        reason: why ours differs.
        places: where, as patterns of `differences`.
        scenarios: of which scenarios, as a pattern.
    """

    reason: str
    places: tuple[str, ...]
    scenarios: str = "*"


def events(*names):
    """The same field of the event in the result, in BIGHUB's memory and in the hook."""
    return tuple(f"{place}.{name}" for place in ("result.execution.*", "memories.events", "hook") for name in names)


MEANT = (
    Meant(
        "the hook hears of a call before it runs, so that what it does not take does not run",
        ("hook.status", "hook.output"),
    ),
    Meant(
        "theirs hands out an event before its version stands in it, and in the end only if it is remembered",
        ("*.source_version",),
    ),
    Meant("theirs counts the calls of an answer twice", ("hook.seq",), "several calls*"),
    Meant(
        "BIGHUB is told what it decides on: arguments without secrets, and the facts of the run",
        ("questions.context.gateway", "questions.context.arguments"),
    ),
    Meant(
        "an outcome leads to its call, and claims no act of a person",
        ("outcomes.details.*", "outcomes.human_final_action"),
    ),
    Meant("theirs tells the model what the policy says, which the model can then work around", ("told.output",)),
    Meant(
        "without `store` no provider knows a previous response, so everything goes again", ("told",), "several turns*"
    ),
    Meant("the same", ("told",), "the model does not end*"),
    Meant(
        "what the provider answered is raised as its client raises it, with status and id", ("error",), "the provider*"
    ),
    Meant("an event says itself why a call has no result, without its decision", events("error")),
    Meant("an error is named with its class", ("outcomes.description",), "the tool raises*"),
    Meant(
        "an approval's outcome is an event of its own, and the model hears of it",
        ("result.execution.*", "memories.events"),
        "approved*",
    ),
    Meant("the same", ("result.execution.*", "memories.events"), "denied"),
    Meant("the outcome of an approved call is reported as well", ("outcomes",), "approved"),
    Meant("what has expired is no approval", ("ran", "result.approval_loop.*", "outcomes"), "approved too late"),
    Meant("an answer that does not say `approved` is a refusal", ("*",), "an unclear answer"),
    Meant("an empty id is none", events("request_id"), "an approval without an id"),
    Meant(
        "an approval is used for the call that waits for it, and for no other",
        ("result", "error", "ran"),
        "an approval of a call that does not wait",
    ),
    Meant(
        "a tool gets its arguments in the types of its signature",
        ("result.execution.*.output.*", "memories.events.output.*"),
        "several calls*",
    ),
    Meant(
        "what a call holds does not fit the tool, so nobody is asked and nothing runs",
        ("*",),
        "arguments that do not fit",
    ),
    Meant(
        "BIGHUB decides on calls without an amount, too: theirs blocks them, or runs them where it fails open",
        ("*",),
        "no value",
    ),
    Meant("an event of a run that failed is remembered as well", ("memories",), "the model does not end*"),
    Meant("attempts are not multiplied by those of the client", ("questions",), "BIGHUB is broken*"),
    Meant(
        "nothing is put into BIGHUB's mouth that it has not said",
        events("decision.*", "recommendation", "enforcement_mode"),
        "BIGHUB is broken*",
    ),
    Meant("whom BIGHUB refuses, nothing is opened to", ("*",), "BIGHUB refuses, fail open"),
    Meant("an answer that contradicts itself runs nothing", ("*",), "a contradiction"),
    Meant("what nobody knows runs nothing", ("*",), "an unknown recommendation"),
    Meant("a check is a dry run, which BIGHUB does not count", ("questions.dry_run",), "checked*"),
    Meant("strict mode needs the types that the annotations say", ("result.function.parameters.*",), "listed"),
)


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_what_differs_is_meant(is_async):
    unmeant, needed = {}, set()
    for name, scenario in SCENARIOS.items():
        if scenario.async_only and not is_async:
            continue
        seen = [observe(package, scenario, is_async=is_async) for package in (bighub_openai, compat)]
        for place, values in differences(*seen).items():
            lines = [line for line in MEANT if fnmatch.fnmatch(name, line.scenarios)]
            lines = [line for line in lines if any(fnmatch.fnmatch(place, pattern) for pattern in line.places)]
            needed.update(lines)
            if not lines:
                unmeant[f"{name}: {place}"] = values
    assert unmeant == {}
    assert [line for line in MEANT if line not in needed] == []


FIELDS = {
    "allowed": st.sampled_from([True, False, "true", 1, None]),
    "result": st.sampled_from(["allowed", "blocked", "requires_approval", "denied", "maybe"]),
    "requires_approval": st.booleans(),
    "human_review": st.booleans(),
    "enforcement_mode": st.sampled_from(["advisory", "review", "enforced", "ENFORCED", "off"]),
    **{
        name: st.sampled_from(sorted({*map(str, words), "maybe"}))
        for name, words in VERDICTS.items()
        if name != "result"
    },
}


@given(st.fixed_dictionaries({}, optional=FIELDS))
@settings(max_examples=500)
def test_nothing_runs_that_would_not_run_with_theirs(answer):
    try:
        ours = read_decision(answer)
    except DecisionUnreadable:
        return
    if isinstance(ours, Allow):
        assert bighub_openai.BighubOpenAI._resolve_decision(answer) == "execute"


THEIRS = [bighub_openai.GuardedOpenAI, bighub_openai.AsyncGuardedOpenAI]


def test_every_public_name_is_there():
    assert set(compat.__all__) == set(bighub_openai.__all__)


@pytest.mark.parametrize("theirs", THEIRS)
def test_every_method_takes_what_theirs_takes(theirs):
    """What theirs also takes by place, ours takes by name: a call that mixes them up fails at once."""
    ours = getattr(compat, theirs.__name__.replace("Bighub", "Guarded"))
    options = {"run": RunArguments, "run_stream": RunArguments, "run_with_approval": RunArguments}
    options |= {"register_tool": ToolOptions, "tool": ToolOptions, "action": ToolOptions}
    for name, method in inspect.getmembers(theirs, inspect.isfunction):
        if name.startswith("_"):
            continue
        known = set(inspect.signature(getattr(ours, name)).parameters)
        if name in options:
            known |= set(options[name].__annotations__)
        taken = {
            each.name for each in inspect.signature(method).parameters.values() if each.kind is not each.VAR_KEYWORD
        }
        assert taken - known == set(), name


DEFAULTS_OF_OURS = {
    "memory_source_version": "names the package that it is",
    "openai_api_key": "without one, LiteLLM finds the provider's key",
}


@pytest.mark.parametrize("theirs", THEIRS)
def test_every_setting_has_their_default_and_can_be_read(theirs):
    ours = getattr(compat, theirs.__name__.replace("Bighub", "Guarded"))
    guard = ours(bighub_client=object())
    for parameter in inspect.signature(theirs).parameters.values():
        name = parameter.name
        assert name in GuardOptions.__annotations__
        if hasattr(theirs(bighub_client=object(), openai_client=object()), name) and name not in DEFAULTS_OF_OURS:
            assert getattr(guard, name) == parameter.default or name == "session_id"
            with pytest.raises(AttributeError, match=name):
                setattr(guard, name, parameter.default)
    assert guard.session_id != ours(bighub_client=object()).session_id


def test_every_field_of_an_event_is_there():
    theirs = {each.name for each in dataclasses.fields(bighub_openai.ToolExecutionEvent)}
    assert theirs <= {each.name for each in dataclasses.fields(compat.ToolExecutionEvent)}


def test_every_error_is_caught_as_theirs_is():
    for name in ("AdapterConfigurationError", "ProviderResponseError"):
        theirs, ours = getattr(bighub_openai, name), getattr(compat, name)
        assert set(theirs.__mro__) - {theirs} <= set(ours.__mro__)
