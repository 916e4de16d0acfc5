"""Keys that opt out, through the real proxy: their calls are decided on and their texts checked, unless they may."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from pathlib import Path

import httpx
import pytest
import yaml

from litellm_bighub.testing import ScriptedUpstream, function_call, running_proxy, text
from tests.gateway.guardrails_of_ours import MODE, POLICY

pytestmark = pytest.mark.proxy

CALL, SECRET = "canary-4712", "ada@example.org"
ITEMS = [text(f"Write to {SECRET}."), function_call("wipe", {"id": CALL}), function_call("lookup", {"id": "a"})]
MODEL = {"model": "openai/gpt-4.1", "api_base": "os.environ/UPSTREAM_BASE_URL", "api_key": "sk-x"}
MASK = {"pattern_type": "prebuilt", "pattern_name": "email", "action": "MASK"}
ASKED = [{"role": "user", "content": "go"}]
ROUTES = {
    "/v1/responses": {"input": "go"},
    "/v1/chat/completions": {"messages": ASKED},
    "/v1/messages": {"messages": ASKED, "max_tokens": 99},
}
MAY_NOT = ["sk-opted-out", "sk-disabled", "sk-of-team-opted-out", "sk-of-team-disabled"]
SAID = {
    "opted_out_global_guardrails": ["bighub", "texts"],
    "disable_global_guardrails": True,
    "user_api_key_metadata": {"disable_global_guardrails": True},
    "user_api_key_team_alias": "red",
    "user_api_key_auth": {"team_alias": "red", "metadata": {"disable_global_guardrails": True}},
}
SAYING = {
    "metadata": {"metadata": SAID},
    "litellm_metadata": {"litellm_metadata": SAID},
    "body": SAID,
    "extra_body": {"extra_body": {"litellm_metadata": SAID}},
}


@pytest.fixture(scope="module")
def setup(tmp_path_factory, warm):
    folder = tmp_path_factory.mktemp("opt-outs")
    shutil.copytree(Path(__file__).parent / "keys", folder, dirs_exist_ok=True)
    (folder / "bighub_policy.yaml").write_text(POLICY)
    (folder / "proxy_config.yaml").write_text(yaml.safe_dump(config(), sort_keys=False))
    with (
        ScriptedUpstream() as upstream,
        running_proxy(folder / "proxy_config.yaml", env={"UPSTREAM_BASE_URL": upstream.base_url}, python=warm) as proxy,
    ):
        upstream.script("go", ITEMS)
        yield proxy, folder


def config():
    texts = {"guardrail": "litellm_bighub.TextGuardrail", "mode": MODE, "apply": ["mask"]}
    calls = {"guardrail": "litellm_bighub.BighubGuardrail", "mode": MODE}
    mask = {"guardrail": "litellm_content_filter", "mode": MODE, "default_on": False, "patterns": [MASK]}
    guardrails = {
        "mask": mask,
        "texts": {**texts, "default_on": True, "may_opt_out": ["t-1"]},
        "bighub": {**calls, "default_on": True, "may_opt_out": ["red"], "audit_file": "audit.jsonl"},
        "asked_texts": texts,
        "asked_calls": calls,
    }
    return {
        "model_list": [{"model_name": "gpt-4.1", "litellm_params": MODEL}],
        "guardrails": [{"guardrail_name": name, "litellm_params": params} for name, params in guardrails.items()],
        "litellm_settings": {"telemetry": False},
        "general_settings": {"custom_auth": "keys.authenticate"},
    }


def answer(setup, route, *, key, stream, **more) -> str:
    proxy, _ = setup
    with httpx.Client(base_url=proxy.base_url, trust_env=False, timeout=30) as http:
        body = {"model": "gpt-4.1", "stream": stream, **ROUTES[route], **more}
        sent = http.post(route, json=body, headers={"Authorization": f"Bearer {key}"})
    assert sent.status_code == 200, sent.text
    return sent.text


def arguments_in(told) -> str:
    """What a client puts together of the calls of an answer, whatever its pieces."""
    pieces = re.findall(r'"(?:arguments|partial_json|input)": ?("(?:[^"\\]|\\.)*"|\{[^}]*\})', told)
    return "".join(json.loads(piece) if piece.startswith('"') else piece for piece in pieces)


def opt_outs(setup):
    lines = [json.loads(line) for line in (setup[1] / "audit.jsonl").read_text().splitlines()]
    return [line for line in lines if line.get("kind") == "guardrail_opted_out"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("key", [*MAY_NOT, "sk-of-red-and-in"])
def test_a_key_cannot_switch_anything_off(setup, key, route, stream):
    before = len(opt_outs(setup))

    told = answer(setup, route, key=key, stream=stream)

    assert CALL not in told + arguments_in(told)
    assert "lookup" in told
    if route == "/v1/responses":
        assert SECRET not in told
        assert "EMAIL" in told
    assert len(opt_outs(setup)) == before


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("saying", SAYING.values(), ids=SAYING)
def test_neither_can_a_request(setup, saying, route, stream):
    told = answer(setup, route, key="sk-of-team-disabled", stream=stream, **saying)

    assert CALL not in told + arguments_in(told)
    assert route != "/v1/responses" or SECRET not in told


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("route", ROUTES)
def test_a_key_of_a_team_that_may_is_left_alone_and_recorded(setup, route, stream):
    before = len(opt_outs(setup))

    told = answer(setup, route, key="sk-of-red", stream=stream)

    assert CALL in arguments_in(told)
    assert route != "/v1/responses" or SECRET in told
    [event] = opt_outs(setup)[before:]
    assert (event["guardrail"], event["team"], event["user"], event["surface"]) == ("bighub", "red", "u-7", route)
    with sqlite3.connect(setup[1] / "bighub.db") as database:
        rows = database.execute("SELECT body FROM events WHERE type = 'guardrail.opted_out'").fetchall()
    assert event["event_id"] in str(rows)
    assert "guardrail bighub is opted out of by team 'red'" in setup[0].log
    assert "guardrail texts is opted out of by team 'red'" in setup[0].log or route != "/v1/responses"


def test_the_log_says_at_the_start_what_is_not_on_by_default(setup):
    told = [line for line in setup[0].log.splitlines() if "default_on is not true" in line]

    assert [line.split("guardrail ")[1].split(":")[0] for line in told] == ["asked_texts", "asked_calls"]
