"""What an approval over HTTP is bound to: all that a question tells, but for what BIGHUB's own SDK adds."""

from __future__ import annotations

import inspect
import json
from dataclasses import fields, replace
from typing import Any

import httpx
import pytest
from bighub import AsyncBighubClient, BighubClient
from hypothesis import HealthCheck, assume, example, given, settings, strategies as st
from pydantic import ValidationError

from litellm_bighub.control_plane.decisions.recorded_decision import bound_digest
from litellm_bighub.control_plane.http.actions import Action
from litellm_bighub.control_plane.http.question import IDENTITY, RUN, UNBOUND
from litellm_bighub.deciders.hosted.hosted_decider import hosted
from litellm_bighub.deciders.hosted.service import gateway
from litellm_bighub.deciders.tool_decisions import ToolDecisions
from litellm_bighub.domain.arguments import UnreadableArguments
from litellm_bighub.domain.call import CallContext, ToolCall
from litellm_bighub.domain.decision import Allow, RequireApproval
from litellm_bighub.domain.digest import rules_digest
from litellm_bighub.policy.callers.caller_rules import written
from litellm_bighub.settings import ServiceSettings
from tests.control_plane.http.asking import Clients, both
from tests.control_plane.serving import serving

POLICY = """\
version: 1
rules:
  - {name: passwords, tool: delete_file, when: "path == '/etc/passwd'", effect: block}
  - {name: files, tool: delete_file, effect: require_approval}
"""
JSON = {"Content-Type": "application/json"}
only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ADAPTER_ADDS = {"session_id", "trajectory_id"}
"""bighub-openai 0.1.0b5, `guard.py`: on top of what the SDK's `decisions` add."""


def test_what_is_not_bound_is_what_the_sdk_adds():
    """Every method of the SDK that decides and is no dry run, with a context of the caller's own."""
    sent: list[dict[str, Any]] = []

    def record(request):
        sent.append(json.loads(request.content))
        return httpx.Response(200, json={"connection_id": "live_1", "allowed": True})

    client = BighubClient(base_url="http://127.0.0.1", api_key="bhk_x", max_retries=0)
    client._transport._client = httpx.Client(transport=httpx.MockTransport(record), base_url="http://127.0.0.1")
    mine = {"path": "/srv/a"}
    session = client.actions.begin_live_session(context=mine)
    asking = {
        name: method
        for owner in (client, client.actions, client.decisions, session)
        for name, method in inspect.getmembers(owner, inspect.ismethod)
        if {"action", "context"} <= set(inspect.signature(method).parameters)
    }
    assert {"evaluate", "decide", "submit"} <= set(asking)
    del sent[:]
    for owner in (client, client.actions, client.decisions, session):
        for name in asking:
            if method := getattr(owner, name, None):
                method(action="delete_file", context=dict(mine))
    client.actions.evaluate_payload(payload={"action": "delete_file", "metadata": dict(mine)})
    fields = {name for body in sent for name in body}
    assert fields <= {"action", "actor", "context"}, "a field of the question that nobody has looked at"
    added = {name for body in sent for name in body["context"]} - set(mine)
    assert added | ADAPTER_ADDS == UNBOUND


NAMES = st.sampled_from(
    [
        *(*sorted(UNBOUND), *RUN, *IDENTITY, "value", "target", "arguments", "tool", "call_type"),
        *("metadata", "context", "question", "amount", "priority"),
    ]
)
TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=4,
)
GATEWAYS = st.dictionaries(st.sampled_from([*RUN, *IDENTITY]), TEXTS, max_size=4)
FIELDS = st.dictionaries(NAMES, VALUES, max_size=3)
CONTEXTS = st.builds(
    lambda fields, gateway: fields if gateway is None else {**fields, "gateway": gateway}, FIELDS, st.none() | GATEWAYS
)
OTHERS = st.dictionaries(NAMES.filter(lambda name: name not in Action.model_fields), VALUES, max_size=2)
QUESTIONS = st.builds(
    lambda others, context, metadata, value, target, action: {
        **others,
        "action": action,
        "context": context,
        "metadata": metadata,
        "value": value,
        "target": target,
    },
    OTHERS,
    CONTEXTS,
    FIELDS,
    st.none() | st.integers(0, 3),
    st.none() | TEXTS,
    st.sampled_from(["a", "b"]),
)


BOUND = (*IDENTITY, "caller_rules")
"""Of rules, their digest is bound."""


def meaning(question):
    """A question without what may differ, whatever part of it tells a field."""
    others = {name: value for name, value in question.items() if name not in Action.model_fields}
    for part in ("metadata", "context"):
        others |= {name: value for name, value in question[part].items() if name not in UNBOUND}
    if "gateway" in others:
        others["gateway"] = {name: value for name, value in others["gateway"].items() if name in BOUND and value}
    own = {name: question[name] for name in ("action", "value", "target")}
    return json.dumps([own, others], sort_keys=True)


def digest(question):
    try:
        call, context = Action.model_validate(question).question()
    except (ValidationError, UnreadableArguments):
        return None
    return bound_digest(call, context, "v")


PATHS = {"action": "a", "metadata": {}, "value": None, "target": None}


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(one=QUESTIONS, other=QUESTIONS, part=st.sampled_from(["context", "metadata", "action", "value", "target", ""]))
@example(one=PATHS | {"context": {"path": "/srv/a"}}, other=PATHS | {"context": {"path": "/etc"}}, part="")
@example(one=PATHS | {"context": {"value": 1}}, other=PATHS | {"context": {"arguments": {"value": 1}}}, part="")
@example(one=PATHS | {"context": {"arguments": "{}"}}, other=PATHS | {"context": {"arguments": {}}}, part="")
@example(one=PATHS | {"context": {"gateway": {}}}, other=PATHS | {"context": {}}, part="")
def test_questions_that_differ_never_share_an_approval(one, other, part):
    if part:  # as alike as two questions can be
        other = {**one, part: other[part]}
    first, second = digest(one), digest(other)
    assume(first is not None and second is not None)
    assert (first == second) == (meaning(one) == meaning(other))


@only_sqlite
@pytest.mark.parametrize(
    "field",
    ["path", "user", "team", "model", "surface", "trace_id", "response_id", "call_id", "key", "anything", "value"],
)
@pytest.mark.parametrize("place", ["context", "metadata", "question"])
async def test_a_field_is_bound_shown_and_seen_by_rules(open_plane, field, place):
    if place == "question" and field == "value":
        pytest.skip("a number there, and the contract's own")
    policy = f"""\
version: 1
rules:
  - {{name: forbidden, tool: delete_file, when: "{field} == 'forbidden'", effect: block}}
  - {{name: files, tool: delete_file, effect: require_approval}}
"""

    def told(value):
        return {field: value} if place == "question" else {place: {field: value}}

    async with both(open_plane(policy)) as (agent, person):
        asked = await agent.evaluate(action="delete_file", **told("/srv/a"))
        [waiting] = await person.ask("GET", "/approvals")
        assert waiting["arguments"][field] == "/srv/a"
        await person.approve(asked["request_id"])
        assert (await agent.evaluate(action="delete_file", **told("/etc/passwd")))["result"] == "requires_approval"
        assert (await agent.evaluate(action="delete_file"))["allowed"] is False
        assert (await agent.evaluate(action="delete_file", **told("forbidden")))["result"] == "blocked"
        assert (await agent.evaluate(action="delete_file", **told("/srv/a")))["allowed"] is True


@only_sqlite
@pytest.mark.parametrize("field", sorted(UNBOUND - {"require_live_connection", "connection_id"}))
async def test_what_the_sdk_adds_may_change(open_plane, field):
    async with both(open_plane(POLICY)) as (agent, person):
        asked = await agent.evaluate(action="delete_file", context={"path": "/srv/a", field: "one"})
        await person.approve(asked["request_id"])
        again = await agent.evaluate(action="delete_file", context={"path": "/srv/a", field: "another"})
        assert again["allowed"] is True


def test_a_gateway_tells_everything_of_its_call():
    """Whoever adds a field to a call's context says here whether an approval is bound to it."""
    context = CallContext(**{each.name: f"the {each.name}" for each in fields(CallContext)})
    call = ToolCall("the call_id", "function", "delete_file", path="the path")
    told = gateway(call, context)
    assert told == {name: f"the {name}" for name in (*RUN, *IDENTITY)}

    asked = Action(action="delete_file", actor=context.actor, domain=context.domain, context={"gateway": told})
    assert asked.question()[1] == replace(context, surface="http", turn="")


@only_sqlite
@pytest.mark.parametrize(
    ("name", "is_bound"),
    [*((name, False) for name in RUN if name != "caller_rules"), *((name, True) for name in IDENTITY)],
)
async def test_what_a_gateway_tells(open_plane, name, is_bound):
    async with both(open_plane(POLICY)) as (agent, person):
        asked = await agent.evaluate(action="delete_file", context={"arguments": {}, "gateway": {name: "one"}})
        await person.approve(asked["request_id"])
        for told in ({"arguments": {}}, {"arguments": {}, "gateway": {name: "another"}}):
            if is_bound or "gateway" not in told:
                assert (await agent.evaluate(action="delete_file", context=told))["allowed"] is False
        value = "one" if is_bound else "another"
        again = await agent.evaluate(action="delete_file", context={"arguments": {}, "gateway": {name: value}})
        assert again["allowed"] is True


@only_sqlite
async def test_what_a_gateway_tells_of_rules_is_judged_by_and_named_in_the_answer(open_plane):
    asks = [{"name": "asked", "effect": "require_approval"}]
    rules, changed = (
        written({"key": {"bighub": [*asks, *more]}}) for more in ([], [{"name": "x", "tool": "y", "effect": "block"}])
    )

    def told(rules):
        return {"action": "lookup", "context": {"arguments": {}, "gateway": {"caller_rules": rules}}}

    async with both(open_plane("version: 1\ndefault: allow\nrules: []\n")) as (agent, person):
        asked = await agent.evaluate(**told(rules))
        await person.approve(asked["request_id"])
        other = await agent.evaluate(**told(changed))
        again = await agent.evaluate(**told(rules))
        without = await agent.evaluate(action="lookup", context={"arguments": {}})

    assert (asked["result"], asked["rule_id"]) == ("requires_approval", "key/asked")
    assert asked["caller_rules"] == rules_digest(rules)
    assert (other["result"], other["request_id"] != asked["request_id"]) == ("requires_approval", True)
    assert again["allowed"] is True
    assert (without["allowed"], without["caller_rules"]) == (True, None)


@only_sqlite
@pytest.mark.parametrize(
    "question",
    [
        pytest.param({"context": {"gateway": {"user": "u", "role": "admin"}}}, id="a field that a gateway has not"),
        pytest.param({"context": {"gateway": {"user": 1}}}, id="a number"),
        pytest.param({"context": {"gateway": {"user": None}}}, id="null"),
        pytest.param({"context": {"gateway": ["user"]}}, id="a list"),
        pytest.param({"context": {"gateway": "u"}}, id="a text"),
        pytest.param({"context": {"gateway": {"path": "a\0b"}}}, id="a NUL"),
        pytest.param({"context": {"gateway": {"path": "x" * 2001}}}, id="a long text"),
        pytest.param({"context": {"gateway": {"path": "\ud800"}}}, id="half of a pair"),
        pytest.param({"gateway": {"role": "admin"}}, id="beside the context"),
        pytest.param({"context": {"bighub": {"value": 1}}}, id="a name of the control plane's"),
        pytest.param({"context": {"arguments": {"bighub": 1}}}, id="an argument of that name"),
        pytest.param({"context": {"path": "/a"}, "metadata": {"path": "/b"}}, id="two contexts that differ"),
        pytest.param({"context": {"path": "/a"}, "path": "/b"}, id="context and question differ"),
        pytest.param({"value": 5, "context": {"value": 6}}, id="two values"),
        pytest.param({"target": "a", "metadata": {"target": "b"}}, id="two targets"),
        pytest.param({"value": 5, "context": {"arguments": {}, "value": 5}}, id="a value beside arguments"),
        pytest.param({"context": {"arguments": '{"a": 1, "a": 2}'}}, id="arguments as a text that is read in two ways"),
        pytest.param({"context": {"arguments": "{"}}, id="arguments as half an object"),
    ],
)
async def test_what_cannot_be_read_in_one_way_is_refused(open_plane, question):
    async with both(open_plane("version: 1\ndefault: allow\n")) as (agent, _):
        body = json.dumps({"action": "delete_file", **question})
        refused = await agent.ask("POST", "/actions/evaluate", 422, content=body, headers=JSON)
        assert "/b" not in str(refused["detail"])
        assert "admin" not in str(refused["detail"])


@only_sqlite
async def test_rules_of_a_key_are_judged_by_and_asked_for_over_http(open_plane):
    """What a person has approved runs: the gateway believes whoever judged by these very rules."""
    plane = open_plane("version: 1\ndefault: allow\nrules: []\n")
    clients = Clients(plane)
    agent, person = await clients.agent(actor="*"), await clients.person()
    rules = written({"key": {"bighub": [{"name": "asked", "effect": "require_approval"}]}})
    async with serving(clients.app) as url:
        decisions = ToolDecisions(hosted(ServiceSettings(base_url=url, api_key=agent.secret, deadline_seconds=60)))

        async def ask(run, rules):
            call = ToolCall(f"call_{run}", "function", "delete_file", {"file": "/srv/a"}, path=f"output[{run}]")
            context = CallContext(actor="bot", trace_id=f"t{run}", response_id=f"r{run}", key="k1", caller_rules=rules)
            return (await decisions.decide([call], context))[0]

        asked = await ask(1, rules)
        assert isinstance(asked, RequireApproval)
        await person.approve(asked.approval_id)
        assert isinstance(await ask(2, rules), Allow)
        assert isinstance(await ask(3, rules), RequireApproval)
        assert isinstance(await ask(4, ""), Allow)
        await decisions.aclose()


async def test_a_gateways_approval_is_of_one_user_and_key(open_plane):
    """Our own gateway, asking over HTTP."""
    plane = open_plane(POLICY)
    clients = Clients(plane)
    agent, person = await clients.agent(actor="*"), await clients.person()
    async with serving(clients.app) as url:
        decider = hosted(ServiceSettings(base_url=url, api_key=agent.secret, deadline_seconds=60))

        async def ask(run, **who):
            call = ToolCall(f"call_{run}", "function", "delete_file", {"file": "/srv/a"}, path=f"output[{run}]")
            told = {"user": "ann", "team": "ops", "key": "k1"} | who
            return await decider.decide(
                call, CallContext(actor="bot", trace_id=f"t{run}", response_id=f"r{run}", model=f"m{run}", **told)
            )

        asked = await ask(1)
        assert isinstance(asked, RequireApproval)
        [waiting] = await person.ask("GET", "/approvals")
        assert waiting["arguments"]["bighub"]["gateway"] == {"user": "ann", "team": "ops", "key": "k1"}
        await person.approve(asked.approval_id)
        for number, other in enumerate(({"user": "bob"}, {"team": "hr"}, {"key": "k2"}, {"user": ""}), 2):
            assert isinstance(await ask(number, **other), RequireApproval), other
        assert isinstance(await ask(9), Allow)
        assert isinstance(await ask(10), RequireApproval)
        await decider.aclose()


@only_sqlite
@pytest.mark.parametrize("told", [{"arguments": {"a": 1}, "gateway": {}}, {"arguments_digest": "x", "gateway": {}}])
async def test_nobody_edits_what_a_gateway_would_not_hear_of(open_plane, told):
    async with both(open_plane(POLICY)) as (agent, person):
        asked = await agent.evaluate(action="delete_file", context=told)
        refused = await person.approve(asked["request_id"], 422, edited_arguments={"value": 1, "target": None})
        assert "runs the arguments it has" in refused["detail"]["message"]


async def test_the_sdk_over_a_real_socket(open_plane):
    plane = open_plane(POLICY)
    clients = Clients(plane)
    agent, person = await clients.agent(), await clients.person()
    async with (
        serving(clients.app) as url,
        AsyncBighubClient(base_url=url, api_key=agent.secret, max_retries=0) as sdk,
    ):
        asked = await sdk.decisions.evaluate(action="delete_file", context={"path": "/srv/a"}, objective="tidy")
        await person.approve(asked.request_id)
        blocked = await sdk.decisions.evaluate(action="delete_file", context={"path": "/etc/passwd"})
        assert blocked.should_not_run
        again = await sdk.decisions.evaluate(action="delete_file", context={"path": "/srv/a"}, objective="clean")
        assert again.can_run
