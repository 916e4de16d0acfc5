"""Rules in the metadata of keys and teams, through the real proxy: they hold on every road, whatever a request says."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import httpx2
import pytest
import yaml
from mcp.client.session import ClientSession
from mcp.client.streamable_http import streamable_http_client

from litellm_bighub.control_plane.approvals.resolution import Resolution
from litellm_bighub.control_plane.plane import ControlPlane
from litellm_bighub.control_plane.store.database import sqlite_url
from litellm_bighub.control_plane.store.tables import approvals
from litellm_bighub.testing import ScriptedUpstream, function_call, running_proxy, text
from tests.gateway.mcp_server import demo_server

pytestmark = [pytest.mark.proxy, pytest.mark.filterwarnings("ignore::Warning")]

CALL, COMMAND = "canary-4712", "canary-0815"
ITEMS = [
    text("On it."),
    function_call("wipe", {"id": CALL}),
    function_call("Bash", {"command": f"ls; rm {COMMAND}"}),
    function_call("lookup", {"id": "a"}),
]
MODEL = {"model": "openai/gpt-4.1", "api_base": "os.environ/UPSTREAM_BASE_URL", "api_key": "sk-x"}
POLICY = """
version: 1
default: block
tools:
  Bash: {command: command}
rules:
  - {name: all but one, tool: [wipe, lookup, Bash, "demo.*"], effect: allow}
"""
ASKED = [{"role": "user", "content": "go"}]
ROUTES = {
    "/v1/responses": {"input": "go"},
    "/v1/chat/completions": {"messages": ASKED},
    "/v1/messages": {"messages": ASKED, "max_tokens": 99},
}
NO_WIPE = {"name": "no wiping", "tool": "wipe", "effect": "block"}
NO_RM = {"name": "no rm", "tool": "Bash", "command": ["rm *"], "effect": "block"}
ASK_WIPE = {"name": "wiping", "tool": "wipe", "effect": "require_approval", "approvers": ["user:ann"]}
NO_DELETE = {"name": "no deletes", "tool": "demo.delete_*", "effect": "block"}
KEYS = {
    "sk-plain": {},
    "sk-bare-team": {"metadata": {"bighub": [NO_RM]}, "team_id": "t-1"},
    "sk-held": {"metadata": {"bighub": [NO_WIPE, NO_RM, NO_DELETE]}},
    "sk-of-team": {"team_id": "t-1", "team_metadata": {"bighub": [NO_WIPE, NO_RM, NO_DELETE]}},
    "sk-both": {"metadata": {"bighub": [NO_WIPE]}, "team_id": "t-1", "team_metadata": {"bighub": [NO_RM]}},
    "sk-allowing": {"metadata": {"bighub": [{"name": "x", "tool": "nothing", "effect": "allow"}]}},
    "sk-no-list": {"metadata": {"bighub": "no wiping"}},
    "sk-too-long": {
        "metadata": {"bighub": [{**NO_WIPE, "description": "x" * 2000, "name": str(n)} for n in range(30)]}
    },
    "sk-asking": {"metadata": {"bighub": [ASK_WIPE]}},
    "sk-changing": {"metadata": {"bighub": [ASK_WIPE]}},
}
HELD = ["sk-held", "sk-of-team", "sk-both"]
UNREADABLE = {
    "sk-allowing": "key: bighub[0]: a rule of a key or team allows nothing",
    "sk-no-list": "key: bighub: Input should be a valid list",
    "sk-too-long": "they have more than 20000 characters",
}
SAID = {
    "bighub": [],
    "user_api_key_metadata": {"bighub": []},
    "user_api_key_team_metadata": {"bighub": []},
    "user_api_key_auth": {"metadata": {"bighub": []}, "team_metadata": {"bighub": []}},
    "team_metadata": {"bighub": []},
}
WIDER = json.loads(json.dumps(SAID).replace("[]", json.dumps([NO_WIPE, NO_RM])))


def _saying(said):
    return {
        "metadata": {"metadata": said},
        "litellm_metadata": {"litellm_metadata": said},
        "body": said,
        "extra_body": {"extra_body": {"litellm_metadata": said, "metadata": said}},
        "user_api_key_dict": {"user_api_key_dict": said["user_api_key_auth"]},
    }


@pytest.fixture(scope="module")
def setup(tmp_path_factory, warm):
    folder = tmp_path_factory.mktemp("caller-rules")
    shutil.copytree(Path(__file__).parent / "rule_keys", folder, dirs_exist_ok=True)
    (folder / "keys.json").write_text(json.dumps(KEYS))
    (folder / "bighub_policy.yaml").write_text(POLICY)
    with ScriptedUpstream() as upstream, demo_server() as demo:
        (folder / "proxy_config.yaml").write_text(yaml.safe_dump(config(demo), sort_keys=False))
        env = {"UPSTREAM_BASE_URL": upstream.base_url}
        with running_proxy(folder / "proxy_config.yaml", env=env, python=warm) as proxy:
            upstream.script("go", ITEMS)
            yield proxy, folder, demo


def config(demo):
    calls = {"guardrail": "litellm_bighub.BighubGuardrail", "mode": ["pre_call", "post_call", "pre_mcp_call"]}
    return {
        "model_list": [{"model_name": "gpt-4.1", "litellm_params": MODEL}],
        "mcp_servers": {"demo": {"url": demo.url, "transport": "http", "allow_all_keys": True}},
        "guardrails": [
            {"guardrail_name": "bighub", "litellm_params": {**calls, "default_on": True, "reveal": "reason"}}
        ],
        "litellm_settings": {"telemetry": False},
        "general_settings": {"custom_auth": "keys.authenticate"},
    }


def answer(setup, route, *, key, stream, **more) -> str:
    proxy, _, _ = setup
    with httpx.Client(base_url=proxy.base_url, trust_env=False, timeout=30) as http:
        body = {"model": "gpt-4.1", "stream": stream, **ROUTES[route], **more}
        sent = http.post(route, json=body, headers={"Authorization": f"Bearer {key}"})
    assert sent.status_code == 200, sent.text
    return sent.text


def read(told) -> str:
    """An answer, and what a client puts together of its pieces."""
    kinds = ("arguments|partial_json", "text|content", "delta")
    pieces = [re.findall(rf'"(?:{kind})": ?("(?:[^"\\]|\\.)*")', told) for kind in kinds]
    return told + "".join(json.loads(piece) for each in pieces for piece in each)


def recorded(setup, key, tool) -> list[dict]:
    with sqlite3.connect(setup[1] / "bighub.db") as database:
        query = (
            "SELECT verdict, rule_id, body FROM events WHERE type = 'decision_event.created' AND tool = ? ORDER BY seq"
        )
        rows = database.execute(query, [tool]).fetchall()
    found = [{"verdict": verdict, "rule": rule, **json.loads(body)} for verdict, rule, body in rows]
    return [each for each in found if each["key_alias"] == key.removeprefix("sk-")]


streams = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
routes = pytest.mark.parametrize("route", ROUTES)


@streams
@routes
@pytest.mark.parametrize("key", HELD)
def test_what_the_rules_block_is_withheld_and_the_rest_passes(setup, key, route, stream):
    told = read(answer(setup, route, key=key, stream=stream))

    assert CALL not in told
    assert COMMAND not in told
    assert "lookup" in told
    holder = "team" if key == "sk-of-team" else "key"
    last = recorded(setup, key, "wipe")[-1]
    assert (last["verdict"], last["rule"]) == ("blocked", f"{holder}/no wiping")
    assert "no wiping" in json.loads(last["caller_rules"])[holder][0]["name"]
    holder = "key" if key == "sk-held" else "team"
    assert recorded(setup, key, "Bash")[-1]["rule"] == f"{holder}/no rm"


@streams
@routes
def test_a_key_without_rules_is_held_to_the_policy_alone(setup, route, stream):
    told = read(answer(setup, route, key="sk-plain", stream=stream))

    assert CALL in told
    assert COMMAND in told
    assert recorded(setup, "sk-plain", "wipe")[-1]["caller_rules"] == ""


UNTOLD = "authentication names a team without its metadata"


def test_an_authentication_that_brings_no_metadata_of_its_team_is_told_of_once(setup):
    for key in ("sk-plain", "sk-of-team"):
        answer(setup, "/v1/responses", key=key, stream=False)
    assert UNTOLD not in setup[0].log
    told = [read(answer(setup, "/v1/responses", key="sk-bare-team", stream=False)) for _ in range(2)]

    assert all(CALL in each and COMMAND not in each for each in told)
    assert setup[0].log.count(UNTOLD) == 1


@streams
@routes
@pytest.mark.parametrize("key", UNREADABLE)
def test_rules_that_cannot_be_read_block_every_call_and_say_why(setup, key, route, stream):
    told = read(answer(setup, route, key=key, stream=stream))

    assert CALL not in told
    assert "lookup" in told  # in the notice
    assert UNREADABLE[key] in told
    last = recorded(setup, key, "lookup")[-1]
    assert (last["verdict"], last["blocked_by"]) == ("blocked", "caller_rules")
    assert UNREADABLE[key] in last["reason"]


@streams
@routes
@pytest.mark.parametrize("saying", _saying(SAID).values(), ids=_saying(SAID))
def test_a_request_cannot_drop_or_replace_the_rules(setup, saying, route, stream):
    told = read(answer(setup, route, key="sk-both", stream=stream, **saying))

    assert CALL not in told
    assert COMMAND not in told


@routes
@pytest.mark.parametrize("saying", _saying(WIDER).values(), ids=_saying(WIDER))
def test_a_request_cannot_add_rules(setup, saying, route):
    told = read(answer(setup, route, key="sk-plain", stream=False, **saying))

    assert CALL in told
    assert COMMAND in told
    assert recorded(setup, "sk-plain", "wipe")[-1]["caller_rules"] == ""


async def test_a_person_who_is_asked_by_a_rule_of_the_key_lets_the_call_run_once(setup):
    waiting = read(answer(setup, "/v1/responses", key="sk-asking", stream=False))
    plane = ControlPlane.open(sqlite_url(setup[1] / "bighub.db"), setup[1] / "bighub_policy.yaml")
    try:
        asked = await the_approval(plane, "asking")
        refused = await plane.resolve(Resolution(asked.id, "approve", by="bob", user="bob"))
        approved = await plane.resolve(Resolution(asked.id, "approve", by="ann", user="ann"))
    finally:
        await plane.aclose()
    again = read(answer(setup, "/v1/responses", key="sk-asking", stream=True))
    third = read(answer(setup, "/v1/responses", key="sk-asking", stream=False))

    assert CALL not in waiting
    assert COMMAND in waiting
    assert asked.rule_id == "key/wiping"
    assert not isinstance(refused, approvals.Approval)
    assert isinstance(approved, approvals.Approval)
    assert CALL in again
    assert CALL not in third


async def test_an_approval_is_void_when_the_rules_of_the_key_have_changed(setup):
    answer(setup, "/v1/responses", key="sk-changing", stream=False)
    plane = ControlPlane.open(sqlite_url(setup[1] / "bighub.db"), setup[1] / "bighub_policy.yaml")
    try:
        asked = await the_approval(plane, "changing")
        await plane.resolve(Resolution(asked.id, "approve", by="ann", user="ann"))
        change(setup, "sk-changing", {"bighub": [ASK_WIPE, {**ASK_WIPE, "name": "twice", "approvers": ["user:eve"]}]})
        told = read(answer(setup, "/v1/responses", key="sk-changing", stream=False))
        anew = await the_approval(plane, "changing")
    finally:
        await plane.aclose()

    assert CALL not in told
    assert anew.id != asked.id
    assert [each.by for each in anew.requirements] == [("user:ann",), ("user:eve",)]


@streams
@routes
def test_rules_that_were_changed_hold_from_the_next_request_on(setup, route, stream):
    change(setup, "sk-changing", {})
    before = read(answer(setup, route, key="sk-changing", stream=stream))
    change(setup, "sk-changing", {"bighub": [NO_WIPE]})
    after = read(answer(setup, route, key="sk-changing", stream=stream))

    assert CALL in before
    assert CALL not in after


@pytest.mark.parametrize(("key", "runs"), [("sk-plain", True), ("sk-held", False), ("sk-of-team", False)])
async def test_mcp_tools_are_held_to_the_rules(setup, key, runs):
    setup[2].calls.clear()
    async with session(setup, key) as mcp:
        deleted = await mcp.call_tool("demo-delete_order", {"order_id": "7"})
        looked_up = await mcp.call_tool("demo-lookup_order", {"order_id": "7"})

    assert deleted.is_error != runs
    assert not looked_up.is_error
    assert [name for name, _ in setup[2].calls] == [*(["delete_order"] if runs else []), "lookup_order"]


async def test_rules_that_cannot_be_read_block_mcp_tools(setup):
    setup[2].calls.clear()
    async with session(setup, "sk-no-list") as mcp:
        told = await mcp.call_tool("demo-lookup_order", {"order_id": "7"})

    assert told.is_error
    assert setup[2].calls == []
    assert UNREADABLE["sk-no-list"] in str(told.content)


async def the_approval(plane, alias):
    listed = await plane.read(lambda connection: approvals.listed(connection, now=plane.clock()))
    open_ = [each for each in listed if each.context["key_alias"] == alias and each.state == "pending"]
    return max(open_, key=lambda each: each.created_at)


def change(setup, key, metadata):
    keys = json.loads((setup[1] / "keys.json").read_text())
    written = setup[1] / "keys.new"
    written.write_text(json.dumps({**keys, key: {"metadata": metadata}}))
    written.rename(setup[1] / "keys.json")


@asynccontextmanager
async def session(setup, key):
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, trust_env=False, timeout=60) as http,
        streamable_http_client(f"{setup[0].base_url}/mcp/", http_client=http) as both,
        ClientSession(both[0], both[1]) as opened,
    ):
        await opened.initialize()
        yield opened
