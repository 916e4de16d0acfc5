"""What the doctor finds in a config, without a proxy."""

from __future__ import annotations

import re
import socket

import pytest
import yaml
from rich.console import Console

from litellm_bighub.doctor.examination import examine, litellm_release
from litellm_bighub.doctor.findings import Level
from litellm_bighub.doctor.proxy_config import read_config
from litellm_bighub.doctor.report import print_examination
from litellm_bighub.errors import ConfigurationError
from litellm_bighub.formats.registry import FORMATS
from litellm_bighub.testing import HostedBighub

POLICY = {"version": 1, "default": "block", "rules": [{"name": "lookups", "tool": "lookup_*", "effect": "allow"}]}
MASK = {"guardrail": "litellm_content_filter"}
TEXTS = {"guardrail": "litellm_bighub.TextGuardrail"}


def guardrail(name="bighub", **params):
    ours = {"guardrail": "litellm_bighub.BighubGuardrail", "mode": ["pre_call", "post_call"], "default_on": True}
    return {"guardrail_name": name, "litellm_params": {**ours, **params}}


@pytest.fixture
def examined(tmp_path):
    """Examines guardrails in a folder with a policy."""

    def run(*guardrails, policy=POLICY, **more):
        (tmp_path / "bighub_policy.yaml").write_text(yaml.safe_dump(policy))
        models = [{"model_name": "m", "litellm_params": {"model": "openai/m", "guardrails": more.pop("on_model", [])}}]
        content = {"model_list": models, "guardrails": list(guardrails), **more}
        (tmp_path / "proxy_config.yaml").write_text(yaml.safe_dump(content))
        return examine(read_config(tmp_path / "proxy_config.yaml"))

    return run


def says(examination, level):
    return "\n".join(f"{finding.about}: {finding.says}" for finding in examination.findings if finding.level is level)


def test_a_setup_that_is_on_is_healthy_and_nothing_is_made_by_looking(examined, tmp_path):
    found = examined(guardrail())

    assert found.healthy
    assert "1 rules for lookup_*; else block" in says(found, Level.FINE)
    assert "can be written" in says(found, Level.FINE)
    assert not (tmp_path / "bighub.db").exists()


OFF = {
    "not default": ({"default_on": False}, "a caller may leave it out"),
    "not asked by default": ({"default_on": None}, "a caller may leave it out"),
    "no post_call": ({"mode": "pre_call"}, "lacks post_call"),
    "typo": ({"fail_mod": "open"}, "did you mean fail_mode"),
    "no policy": ({"policy": "none.yaml"}, "cannot be read"),
    "no folder": ({"database_url": "sqlite:////no/such/folder/bighub.db"}, "cannot be written"),
    "other database": ({"database_url": "mysql://here/db"}, "cannot be used"),
    "no audit folder": ({"audit_file": "no/such/audit.jsonl"}, "audit file"),
    "no key": ({"decider": "bighub"}, "api_key"),
    "no class": ({"guardrail": "no_such_module.Guardrail"}, "cannot be imported"),
}


@pytest.mark.parametrize(("params", "told"), OFF.values(), ids=OFF)
def test_what_looks_on_and_is_off_is_told(examined, params, told):
    found = examined(guardrail(**params))

    assert not found.healthy
    assert told in says(found, Level.OFF)


POLICIES = {
    "shadow": ({**POLICY, "mode": "shadow"}, Level.OFF, "shadow"),
    "wrong": ({**POLICY, "rules": [{"name": "x", "efect": "allow"}]}, Level.OFF, "bighub_policy.yaml:"),
    "open": ({**POLICY, "default": "allow"}, Level.WARNING, "else allow"),
}


@pytest.mark.parametrize(("policy", "level", "told"), POLICIES.values(), ids=POLICIES)
def test_a_policy_is_read(examined, policy, level, told):
    assert told in says(examined(guardrail(), policy=policy), level)


def test_no_guardrail_of_ours_is_off(examined):
    assert "no BighubGuardrail" in says(examined(guardrail("mask", **MASK)), Level.OFF)


def test_one_that_a_model_names_is_on_for_it(examined):
    found = examined(guardrail(default_on=False), on_model=["bighub"])

    assert found.healthy
    assert "on for these models alone: m" in says(found, Level.WARNING)


def test_an_open_fail_mode_is_warned_of(examined):
    found = examined(guardrail(fail_mode="open"))

    assert found.healthy
    assert "every call passes" in says(found, Level.WARNING)


def test_a_route_that_is_opened_is_shown(examined):
    found = examined(guardrail(open_routes=["POST /my/route"]))
    with Console(record=True, width=120) as console:
        print_examination(found, console)

    assert found.healthy
    assert "open_routes opens POST /my/route: nobody decides" in says(found, Level.WARNING)
    assert re.search(r"POST /my/route +open: nobody, as bighub has it", console.export_text())


def test_a_route_that_cannot_be_opened_is_told(examined):
    found = examined(guardrail(open_routes=["POST /v1/embeddings"]))

    assert "bighub.open_routes[0]: POST /v1/embeddings opens nothing" in says(found, Level.OFF)


OTHERS = {
    "alone": ([guardrail("mask", **MASK)], Level.WARNING, "mask: not covered in streams"),
    "applied": (
        [guardrail("mask", **MASK, default_on=False), guardrail("texts", **TEXTS, apply=["mask"])],
        Level.FINE,
        "mask: run by texts, in streams too",
    ),
    "twice": ([guardrail("mask", **MASK), guardrail("texts", **TEXTS, apply=["mask"])], Level.WARNING, "runs twice"),
    "missing": ([guardrail("texts", **TEXTS, apply=["nobody"])], Level.OFF, "no guardrail of this config"),
    "nothing": ([guardrail("texts", **TEXTS)], Level.OFF, "applies no guardrail"),
    "requests": ([guardrail("mask", **MASK, mode="pre_call")], Level.FINE, "looks at no answer"),
}


@pytest.mark.parametrize(("others", "level", "told"), OTHERS.values(), ids=OTHERS)
def test_other_guardrails_are_told_of(examined, others, level, told):
    assert told in says(examined(*others, guardrail()), level)


def test_texts_checked_after_the_decision_are_warned_of(examined):
    mask = guardrail("mask", **MASK, default_on=False)

    found = examined(guardrail(), mask, guardrail("texts", **TEXTS, apply=["mask"]))

    assert "put it before" in says(found, Level.WARNING)


def test_a_hosted_decider_is_reached(examined):
    with HostedBighub() as bighub:
        found = examined(guardrail(decider="bighub", service={"base_url": bighub.url, "api_key": "k"}))

    assert "can be reached" in says(found, Level.FINE)


def test_a_hosted_decider_that_cannot_be_reached_is_off(examined):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        found = examined(guardrail(decider="bighub", service={"base_url": url, "api_key": "canary-key"}))

    assert f"{url} cannot be reached" in says(found, Level.OFF)
    assert "canary-key" not in str(found)


def test_a_class_of_ones_own_beside_the_config_is_one_of_ours(examined, tmp_path):
    code = "from litellm_bighub import BighubGuardrail\nclass Mine(BighubGuardrail): pass\n"
    (tmp_path / "own_guardrail_of_a_test.py").write_text(code)

    assert examined(guardrail(guardrail="own_guardrail_of_a_test.Mine")).healthy


def test_metrics_that_nobody_can_scrape_are_told(examined):
    told = "nobody can scrape"

    assert told in says(examined(guardrail()), Level.NOTE)
    assert told not in says(examined(guardrail(), litellm_settings={"callbacks": ["prometheus"]}), Level.NOTE)


@pytest.mark.parametrize(
    ("release", "level"),
    [("1.106.2", Level.FINE), ("1.107.0", Level.OFF), ("1.82.8", Level.OFF), ("2.0.0", Level.OFF)],
)
def test_releases_of_litellm(release, level):
    assert litellm_release(release).level is level


@pytest.mark.parametrize("text", ["- a list", "a: [", "guardrails: [{guardrail_name: x}]"])
def test_what_is_no_config_is_an_error(tmp_path, text):
    path = tmp_path / "proxy_config.yaml"
    path.write_text(text)

    with pytest.raises(ConfigurationError):
        _ = read_config(path).guardrails


def test_included_files_count(tmp_path):
    (tmp_path / "more.yaml").write_text(yaml.safe_dump({"guardrails": [guardrail("second")]}))
    first = {"include": ["more.yaml"], "guardrails": [guardrail("first")]}
    (tmp_path / "proxy_config.yaml").write_text(yaml.safe_dump(first))

    assert [entry.name for entry in read_config(tmp_path / "proxy_config.yaml").guardrails] == ["first", "second"]


PLAIN = (
    *("/v1/embeddings", "/v1/rerank", "/v1/moderations", "/v1/audio/speech", "/v1/audio/transcriptions"),
    *("/v1/images/generations", "/v1/ocr", "/v1/search", "/v1/videos"),
)


def test_who_looks_at_which_answers(examined):
    mask, texts = guardrail("mask", **MASK), guardrail("texts", **TEXTS, apply=["mask"])

    covers = {cover.route: (cover.calls, cover.texts) for cover in examined(mask, texts, guardrail()).covers}

    routes = {"responses": "/v1/responses", "chat": "/v1/chat/completions", "messages": "/v1/messages"}
    assert covers == {
        **{routes[known.name]: (("bighub",), ("texts", "mask")) for known in FORMATS},
        **dict.fromkeys(PLAIN, (None, ("texts",))),
    }


def test_who_is_not_on_by_default_looks_at_nothing(examined):
    assert {cover.calls for cover in examined(guardrail(default_on=False)).covers} == {(), None}


BOTH = [{}, {**TEXTS, "apply": ["mask"]}]
NOT_STARTING = {
    "stream scope": ({"stream_scope": "non_streaming"}, "stream_scope"),
    "fallback": ({"unreachable_fallback": "fail_open"}, "unreachable_fallback"),
    "tags": ({"mode": {"tags": {"a": "pre_call"}, "default": "post_call"}}, "mode: has tags"),
    "no event": ({"mode": ["pre_call", "post_call", "pre_mcp_cal"]}, "did you mean pre_mcp_call"),
    "nothing seen": ({"mode": "during_call"}, "mode: lacks pre_call"),
    "unrecorded": ({"mode": ["pre_mcp_call", "post_mcp_call"], "may_opt_out": ["t"]}, "needs pre_call"),
}


@pytest.mark.parametrize(("params", "told"), NOT_STARTING.values(), ids=NOT_STARTING)
@pytest.mark.parametrize("kind", BOTH, ids=["calls", "texts"])
def test_what_stops_the_start_is_told(examined, kind, params, told):
    found = examined(guardrail("mask", **MASK, default_on=False), guardrail(**{**kind, **params}))

    assert "the proxy would not start" in says(found, Level.OFF)
    assert told in says(found, Level.OFF)


@pytest.mark.parametrize("kind", BOTH, ids=["calls", "texts"])
def test_what_litellm_itself_does_not_take_is_told(examined, kind):
    """LiteLLM starts without such a guardrail, and without having imported it."""
    found = examined(guardrail("mask", **MASK, default_on=False), guardrail(**kind, default_action="perhaps"))

    assert "bighub: LiteLLM would start without it: default_action: " in says(found, Level.OFF)


@pytest.mark.parametrize("kind", BOTH, ids=["calls", "texts"])
def test_who_may_opt_out_is_told(examined, kind):
    found = examined(guardrail("mask", **MASK, default_on=False), guardrail(**kind, may_opt_out=["red"]))

    assert "bighub: keys of these teams may opt out of it: red" in says(found, Level.WARNING)


def test_texts_that_are_checked_by_half_are_told(examined):
    half = {**TEXTS, "apply": ["mask"], "mode": ["pre_call", "post_call", "post_mcp_call"]}

    told = says(examined(guardrail("mask", **MASK, default_on=False), guardrail("texts", **half)), Level.WARNING)
    assert "texts: mode lacks pre_mcp_call: arguments of MCP calls are not checked" in told


def test_an_unsupported_release_that_the_config_allows_is_a_warning():
    assert litellm_release("2.0.0", allowed=True).level is Level.WARNING
    assert litellm_release("1.107.0", allowed=True).level is Level.OFF


def test_callers_who_would_all_have_one_name_are_told_of(examined):
    named = examined(guardrail(actor="billing-agent"))
    unnamed = examined(guardrail())

    assert "AI_AGENT" not in says(named, Level.WARNING) + says(named, Level.NOTE)
    assert "called AI_AGENT" in says(unnamed, Level.WARNING) + says(unnamed, Level.NOTE)
