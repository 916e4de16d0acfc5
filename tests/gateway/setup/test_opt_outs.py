"""Whatever makes LiteLLM say no to a guardrail that the config has on, only the operator's word counts."""

from __future__ import annotations

import json

import litellm
import pytest
from fastapi import HTTPException
from litellm.integrations.custom_guardrail import CustomGuardrail
from litellm.proxy._types import UserAPIKeyAuth
from litellm.proxy.guardrails import auto_router_compression
from litellm.types.guardrails import GuardrailEventHooks as Event

import litellm_bighub
from litellm_bighub import BighubGuardrail, TextGuardrail
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.testing import ScriptedDecider
from tests.gateway.guardrails_of_ours import BOTH, MODE, POLICY, built

pytestmark = pytest.mark.filterwarnings("ignore:Items? .* on TypedDict class .* the `ReadOnly` qualifier")

OPT_OUTS = [
    {"opted_out_global_guardrails": ["ours"]},
    {"disable_global_guardrails": True},
    {"opted_out_global_guardrails": ["others", "ours"], "disable_global_guardrails": True},
]
HOLDERS = ["user_api_key_metadata", "user_api_key_team_metadata"]
BUCKETS = ["metadata", "litellm_metadata"]
EVENTS = [Event.pre_call, Event.post_call]
ALL_EVENTS = [*MODE, "pre_mcp_call", "post_mcp_call"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "bighub_policy.yaml").write_text(POLICY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(litellm, "callbacks", [])
    yield tmp_path
    litellm_bighub.uninstall()


def key_of(team_id="t-1", team_alias="red", *, key=None, team=None, **more):
    return UserAPIKeyAuth(
        api_key="sk-1", team_id=team_id, team_alias=team_alias, metadata=key or {}, team_metadata=team, **more
    )


def request_of(key, bucket="metadata"):
    """What LiteLLM stamps on a request of this key."""
    stamped = {
        "user_api_key_metadata": key.metadata,
        "user_api_key_team_metadata": key.team_metadata,
        "user_api_key_auth": key,
    }
    return {"model": "m", "input": "hi", bucket: stamped}


def runs(guardrail, data):
    return [guardrail.should_run_guardrail(data, event) for event in EVENTS]


@pytest.mark.parametrize("opt_out", OPT_OUTS, ids=str)
@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("bucket", BUCKETS)
@pytest.mark.parametrize("kind", BOTH)
def test_an_opt_out_does_not_count(kind, bucket, holder, opt_out):
    data = {"model": "m", bucket: {holder: opt_out}}
    litellms = CustomGuardrail(guardrail_name="ours", event_hook=MODE, default_on=True)

    assert runs(litellms, data) == [False, False]
    assert runs(built(kind), data) == [True, True]


@pytest.mark.parametrize("kind", BOTH)
def test_no_other_way_of_litellms_to_leave_it_out_counts(kind):
    guardrail = built(kind)
    token = auto_router_compression._suppressed_compression_guardrails.set(frozenset({"ours"}))
    try:
        assert runs(CustomGuardrail(guardrail_name="ours", event_hook=MODE, default_on=True), {}) == [False, False]
        assert runs(guardrail, {}) == [True, True]
    finally:
        auto_router_compression._suppressed_compression_guardrails.reset(token)
    guardrail.stream_scope_default = "non_streaming"
    assert runs(guardrail, {"stream": True}) == [True, True]


@pytest.mark.parametrize("opt_out", OPT_OUTS, ids=str)
@pytest.mark.parametrize("kind", BOTH)
def test_no_call_of_mcp_is_left_out(kind, opt_out):
    guardrail = built(kind, event_hook=ALL_EVENTS, may_opt_out=["red"])
    litellm.callbacks.append(guardrail)
    data = request_of(key_of(key=opt_out))

    for each in litellm.callbacks:  # the guardrail, and what it has check the texts of MCP calls
        assert each.should_run_guardrail(data, Event.pre_mcp_call)
        assert each.should_run_guardrail(data, Event.post_mcp_call)


@pytest.mark.parametrize("kind", BOTH)
def test_what_the_config_has_off_stays_off(kind):
    assert runs(built(kind, default_on=False), {}) == [False, False]
    assert runs(built(kind, default_on=False), {"guardrails": ["ours"]}) == [True, True]
    assert built(kind).should_run_guardrail({}, Event.during_call) is False
    assert built(kind).should_run_guardrail({}, Event.pre_mcp_call) is False


@pytest.mark.parametrize("team", ["red", "t-1"])
@pytest.mark.parametrize("whose", ["key", "team"])
@pytest.mark.parametrize("opt_out", OPT_OUTS, ids=str)
@pytest.mark.parametrize("bucket", BUCKETS)
@pytest.mark.parametrize("kind", BOTH)
def test_one_of_a_team_that_may_counts_for_answers(kind, bucket, opt_out, whose, team):
    """The hook before the call runs all the same: it records the opt-out."""
    guardrail = built(kind, may_opt_out=[team])

    assert runs(guardrail, request_of(key_of(**{whose: opt_out}), bucket)) == [True, False]
    assert runs(guardrail, request_of(key_of(), bucket)) == [True, True]


OTHERS = {
    "another team": key_of("t-2", "blue", key=OPT_OUTS[0]),
    "no team": key_of(None, None, key=OPT_OUTS[0]),
    "a longer name": key_of("t-11", "red2", key=OPT_OUTS[0]),
    "a pattern": key_of("t-?", "r*", key=OPT_OUTS[0]),
    "another guardrail": key_of(key={"opted_out_global_guardrails": ["others"]}),
    "a key of that alias": key_of(None, None, key=OPT_OUTS[0], key_alias="red", user_id="red"),
}


@pytest.mark.parametrize("key", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("kind", BOTH)
def test_others_may_not(kind, key):
    assert runs(built(kind, may_opt_out=["red", "t-1"]), request_of(key)) == [True, True]


FORGED = [
    {"user_api_key_team_alias": "red", "user_api_key_team_id": "t-1", "user_api_key_metadata": OPT_OUTS[1]},
    {"user_api_key_auth": {"team_alias": "red", "metadata": OPT_OUTS[1]}, "user_api_key_metadata": OPT_OUTS[1]},
    {"user_api_key_auth": "red", "user_api_key_metadata": OPT_OUTS[1]},
    OPT_OUTS[1],
    "red",
    ["red"],
    None,
]


@pytest.mark.parametrize("forged", FORGED, ids=str)
@pytest.mark.parametrize("bucket", BUCKETS)
@pytest.mark.parametrize("kind", BOTH)
def test_what_a_request_says_of_itself_does_not_count(kind, bucket, forged):
    guardrail = built(kind, may_opt_out=["red", "t-1"])
    others = request_of(key_of("t-2", "blue"), "litellm_metadata" if bucket == "metadata" else "metadata")
    own = request_of(key_of(), "litellm_metadata" if bucket == "metadata" else "metadata")

    for data in ({}, others, own):
        assert runs(guardrail, {**data, bucket: forged}) == [True, True]


async def before(guardrail, key, data):
    call_type = "aresponses"
    return await guardrail.async_pre_call_hook(user_api_key_dict=key, cache=None, data=data, call_type=call_type)


async def test_an_opt_out_that_counts_is_an_event(folder, caplog):
    guardrail = built(BighubGuardrail, may_opt_out=["red"], audit_file=folder / "audit.jsonl")
    key = key_of(key=OPT_OUTS[0], user_id="u-7")
    data = {**request_of(key), "tools": [{"type": "web_search"}]}

    await before(guardrail, key, data)

    [event] = [json.loads(line) for line in (folder / "audit.jsonl").read_text().splitlines()]
    assert event["kind"] == "guardrail_opted_out"
    assert (event["guardrail"], event["team"], event["user"]) == ("ours", "red", "u-7")
    assert "guardrail ours is opted out of by team 'red'" in caplog.text
    [logged] = data["metadata"]["standard_logging_guardrail_information"]
    assert logged["guardrail_status"] == "not_run"
    assert data["tools"] == [{"type": "web_search"}]  # the policy would have taken it out
    await guardrail.tool_decisions.aclose()


async def test_an_opt_out_that_does_not_count_is_told_of_once(folder, caplog):
    guardrail = built(BighubGuardrail, may_opt_out=["blue"])
    key = key_of(team_alias="red\nteam", key=OPT_OUTS[0])
    for _ in range(3):
        data = {**request_of(key), "tools": [{"type": "web_search"}]}
        await before(guardrail, key, data)
        assert not data.get("tools")

    told = [record.getMessage() for record in caplog.records if "opt-out" in record.getMessage()]
    assert told == [r"guardrail ours: the opt-out of 'red\nteam' does not count: see may_opt_out"]
    await guardrail.tool_decisions.aclose()


async def test_one_that_cannot_be_recorded_fails_the_request(folder):
    guardrail = built(BighubGuardrail, may_opt_out=["red"], decider_instance=ScriptedDecider(), audit_file="/dev/full")
    key = key_of(key=OPT_OUTS[0])

    with pytest.raises(HTTPException) as refused:
        await before(guardrail, key, request_of(key))

    assert refused.value.status_code == 500
    assert refused.value.detail == {
        "error": "The key has opted out of the guardrail ours, which could not be recorded.",
        "type": "opt_out_unrecorded",
    }


@pytest.mark.format("responses")
async def test_texts_are_left_alone_or_checked():
    class Mask(CustomGuardrail):
        async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
            return {**inputs, "texts": ["***" for _ in inputs["texts"]]}

    guardrail = built(TextGuardrail, apply=[], guardrails=[Mask(guardrail_name="mask")], may_opt_out=["red"])
    left, checked = key_of(key=OPT_OUTS[0]), key_of("t-2", "blue", key=OPT_OUTS[0])

    assert (await before(guardrail, left, request_of(left)))["input"] == "hi"
    assert (await before(guardrail, checked, request_of(checked)))["input"] == "***"


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("teams", ["red", [""], [None], {"red": True}], ids=repr)
def test_teams_are_a_list_of_names(kind, teams):
    with pytest.raises(ConfigurationError, match=r"^ours\.may_opt_out"):
        built(kind, may_opt_out=teams)


@pytest.mark.parametrize("kind", BOTH)
def test_an_opt_out_that_nothing_would_record_stops_the_start(kind):
    with pytest.raises(ConfigurationError, match=r"^ours\.may_opt_out: needs pre_call"):
        built(kind, may_opt_out=["red"], event_hook=["pre_mcp_call"])
